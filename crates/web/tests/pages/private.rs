use web::Session;
use web::api::{ApiError, Refusal};
use web::pages::{AccountPage, AccountPageProps};

use crate::html::{ada, main, render, text, visit};

const PATHS: [&str; 2] = ["/private", "/settings"];

fn shows_nothing_private(html: &str) -> bool {
    !["Ada@Example.com", "01960000", "Your account</h1>", "Member since", "<h1", "<form"]
        .iter()
        .any(|private| main(html).contains(private))
}

#[test]
fn the_account_page_shows_what_the_account_holds() {
    let html = render::<AccountPage>(AccountPageProps { user: ada() });
    assert_eq!(text(&html, "<h1"), "Your account");
    assert!(html.contains(">Ada@Example.com<") && html.contains(&ada().id));
    assert_eq!(text(&html, "datetime=\"2026-04-14T09:30:00Z\""), "2026-04-14");
}

#[test]
fn nothing_private_is_shown_while_the_server_has_not_answered() {
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
fn what_the_server_said_before_the_page_was_entered_does_not_open_it() {
    for path in PATHS {
        let html = visit(path, Session::SignedIn(ada()));
        assert!(shows_nothing_private(&html), "{html}");
    }
}

#[test]
fn a_server_that_cannot_be_asked_is_an_alert_and_another_try() {
    let overloaded =
        ApiError::Refused(Refusal { status: 503, retry_after: Some(5), ..Refusal::default() });
    for (error, words) in [(ApiError::Unreachable, "connection"), (overloaded, "in 5 seconds")] {
        for path in ["/private", "/settings", "/login", "/signup"] {
            let html = visit(path, Session::Unconfirmed(error.clone()));
            let (_, alert) = html.split_once("role=\"alert\"").unwrap();
            assert!(alert.split_once("</div>").unwrap().0.contains(words), "{path}: {alert}");
            assert!(main(&html).contains(">Try again</button>"), "{path}");
            assert!(!html.contains("<form"), "{path}: a log-in would give up the session");
        }
    }
}

#[test]
fn whoever_is_or_may_be_signed_in_is_not_asked_to_log_in() {
    for session in [Session::SignedIn(ada()), Session::Loading] {
        for path in ["/login", "/signup"] {
            let html = visit(path, session.clone());
            assert!(!html.contains("<form") && main(&html).contains("aria-busy"), "{path}");
        }
    }
}
