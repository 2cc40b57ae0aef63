use web::Mail;
use web::pages::{Private, PrivateProps};
use yew_session::{ApiError, Rejection, Session, User};

use crate::html::{ada, main, render, text, visit};

const PATHS: [&str; 2] = ["/private", "/settings"];

fn shows_nothing_private(html: &str) -> bool {
    !["Ada@Example.com", "01960000", "Your account</h1>", "Member since", "<h1", "<form"]
        .iter()
        .any(|private| main(html).contains(private))
}

#[test]
fn the_private_page_shows_the_account() {
    let html = render::<Private>(PrivateProps { user: ada(), mail: Mail::Off });
    assert_eq!(text(&html, "<h1"), "Your account");
    assert!(html.contains(">Ada@Example.com<") && html.contains(&ada().id));
    assert_eq!(text(&html, "datetime=\"2026-04-14T09:30:00Z\""), "2026-04-14");
}

#[test]
fn an_unverified_email_address_has_a_notice_where_mail_is_on() {
    let private = |user, mail| render::<Private>(PrivateProps { user, mail });
    let verified = || User { email_verified_at: Some("2026-04-15T10:00:00Z".to_owned()), ..ada() };
    let html = private(ada(), Mail::On);
    assert!(html.contains("is not confirmed") && html.contains("href=\"/verify\""), "{html}");
    for html in [private(ada(), Mail::Off), private(verified(), Mail::On)] {
        assert!(!html.contains("/verify"), "{html}");
    }
}

#[test]
fn a_user_who_must_set_up_two_step_log_in_does_not_see_the_private_page() {
    let user = User { second_factor_enrolment_required: true, ..ada() };
    let html = render::<Private>(PrivateProps { user, mail: Mail::Off });
    assert!(html.contains("aria-busy=\"true\"") && !html.contains("Ada@Example.com"), "{html}");
}

#[test]
fn nothing_private_is_shown_before_the_server_has_answered() {
    for path in PATHS {
        for session in [Session::Loading, Session::Ending, Session::SignedOut] {
            let html = visit(path, session);
            assert!(shows_nothing_private(&html), "{html}");
            assert!(main(&html).contains("aria-busy=\"true\""), "{html}");
            assert!(main(&html).contains("role=\"status\""), "{html}");
        }
    }
}

#[test]
fn an_earlier_confirmation_is_not_enough_to_show_a_private_page() {
    for path in PATHS {
        let html = visit(path, Session::SignedIn(ada()));
        assert!(shows_nothing_private(&html), "{html}");
    }
}

#[test]
fn a_failed_request_shows_an_alert_with_a_retry_button() {
    let overloaded =
        ApiError::Rejected(Rejection { status: 503, retry_after: Some(5), ..Rejection::default() });
    for (error, words) in [(ApiError::Unreachable, "connection"), (overloaded, "in 5 seconds")] {
        for path in ["/private", "/settings", "/login", "/signup"] {
            let html = visit(path, Session::Unconfirmed(error.clone()));
            let (_, alert) = html.split_once("role=\"alert\"").unwrap();
            assert!(alert.split_once("</div>").unwrap().0.contains(words), "{path}: {alert}");
            assert!(!alert.contains("logged out"), "the session may have expired: {alert}");
            assert!(main(&html).contains(">Try again</button>"), "{path}");
            assert!(!html.contains("<form"), "{path}: a log-in would replace the session");
        }
    }
}

#[test]
fn visitors_who_may_be_signed_in_are_not_asked_to_log_in() {
    for session in [Session::SignedIn(ada()), Session::Loading] {
        for path in ["/login", "/signup"] {
            let html = visit(path, session.clone());
            assert!(!html.contains("<form") && main(&html).contains("aria-busy"), "{path}");
        }
    }
}
