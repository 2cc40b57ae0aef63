use api_types::{PAGES, PageAvailability};
use auth_core::PasswordPolicy;
use web::pages::{
    Private, PrivateProps, Reset, ResetProps, Settings, SettingsProps, Verify, VerifyProps,
};
use web::routes::{LoginNotice, LoginState, MailLink};
use web::{Mail, Passkeys};
use yew_session::{Session, User};

use crate::html::{ada, arrive_with_mail, main, render, tag, text, visit_with_mail};

const ALL: [Mail; 3] = [Mail::Off, Mail::On, Mail::WithSignIn];

fn link() -> MailLink {
    MailLink { token: "K7QM-2XRD".to_owned(), email: "ada@example.com".to_owned() }
}

#[test]
fn a_page_that_is_not_available_is_the_404_page() {
    for (page, mail) in PAGES.iter().flat_map(|page| ALL.map(|mail| (page, mail))) {
        let is_available = match page.availability {
            PageAvailability::Always | PageAvailability::WithoutApp => true,
            PageAvailability::Mail => mail != Mail::Off,
            PageAvailability::EmailSignIn => mail == Mail::WithSignIn,
        };
        let html = visit_with_mail(page.path, mail, Session::SignedOut);
        assert_eq!(!html.contains("Page not found"), is_available, "{} {mail:?}", page.path);
    }
}

#[test]
fn pages_spell_e_mail_with_a_hyphen() {
    let (user, mail, policy) = (ada(), Mail::WithSignIn, PasswordPolicy::default());
    let mut pages: Vec<_> =
        PAGES.iter().map(|page| visit_with_mail(page.path, mail, Session::SignedOut)).collect();
    pages.push(render::<Private>(PrivateProps { user: user.clone(), mail }));
    pages.push(render::<Settings>(SettingsProps {
        user: user.clone(),
        policy,
        mail,
        passkeys: Passkeys::Supported,
    }));
    pages.push(render::<Verify>(VerifyProps { user }));
    for text in pages.iter().flat_map(|html| html.split('<')).filter_map(|tag| tag.split_once('>'))
    {
        assert!(!text.1.to_lowercase().contains("email"), "{}", text.1);
    }
}

#[test]
fn the_log_in_page_links_to_what_mail_makes_possible() {
    for mail in ALL {
        let html = visit_with_mail("/login", mail, Session::SignedOut);
        assert_eq!(html.contains(">Forgot your password?</a>"), mail != Mail::Off, "{mail:?}");
        assert_eq!(html.contains("href=\"/forgot\""), mail != Mail::Off, "{mail:?}");
        assert_eq!(html.contains(">Log in by e-mail</a>"), mail == Mail::WithSignIn, "{mail:?}");
        assert_eq!(html.contains("href=\"/login/email\""), mail == Mail::WithSignIn, "{mail:?}");
    }
}

#[test]
fn after_a_sign_up_the_log_in_page_says_that_a_mail_was_sent() {
    let notice = Some(LoginNotice::AccountCreated);
    let html = arrive_with_mail("/login", LoginState { notice, ..LoginState::default() });
    assert!(html.contains("We have sent you an e-mail"), "{html}");
}

#[test]
fn the_page_for_a_forgotten_password_asks_for_the_email_address() {
    for session in [Session::SignedOut, Session::SignedIn(ada())] {
        let html = visit_with_mail("/forgot", Mail::On, session);
        assert_eq!(text(&html, "<h1"), "Reset your password");
        assert!(tag(&html, "name=\"email\"").contains("autocomplete=\"username\""));
        assert_eq!(text(&html, "type=\"submit\""), "Send reset link");
        assert!(!html.contains("Send again") && !html.contains("we have sent"), "{html}");
    }
}

#[test]
fn a_reset_asks_for_the_token_and_a_new_password() {
    let html = visit_with_mail("/reset", Mail::On, Session::SignedOut);
    assert_eq!(text(&html, "<h1"), "Choose a new password");
    assert_eq!(text(&html, "for=\"token\""), "Code from the e-mail");
    assert!(tag(&html, "name=\"token\"").contains("autocomplete=\"one-time-code\""));
    let password = tag(&html, "name=\"new_password\"");
    assert!(password.contains("autocomplete=\"new-password\""), "{password}");
    assert!(text(&html, "id=\"new_password-hint\"").contains("At least 8 characters"));
    assert_eq!(text(&html, "type=\"submit\""), "Set new password");
    assert!(!html.contains("<div hidden"), "{html}");
    assert!(main(&html).contains("href=\"/forgot\""), "a link can be requested: {html}");
}

#[test]
fn a_reset_from_a_link_hides_the_token_and_tells_password_managers_the_username() {
    let html = arrive_with_mail("/reset", link());
    let (before, _) = html.split_once("name=\"token\"").unwrap();
    let (_, parent) = before.rsplit_once("<div hidden").unwrap();
    assert_eq!(parent.matches("<div").count(), 1, "only the field is in the hidden part: {parent}");
    let username = tag(&html, "autocomplete=\"username\"");
    assert!(username.contains("value=\"ada@example.com\""), "{username}");
    assert!(username.contains("hidden") && !username.contains("name="), "{username}");
    assert!(html.contains("name=\"new_password\""));
    assert!(!main(&html).contains("href=\"/forgot\""), "{html}");
}

#[test]
fn a_reset_states_the_minimum_length_of_the_server() {
    let policy = PasswordPolicy::new(12).unwrap();
    let html = render::<Reset>(ResetProps { policy });
    assert!(text(&html, "id=\"new_password-hint\"").contains("At least 12 characters"));
}

#[test]
fn after_a_reset_the_log_in_page_says_so() {
    let notice = Some(LoginNotice::PasswordReset);
    let html = arrive_with_mail("/login", LoginState { notice, ..LoginState::default() });
    let (_, status) = html.split_once("role=\"status\"").unwrap();
    assert!(status.split_once("</div>").unwrap().0.contains("has been changed"), "{status}");
}

#[test]
fn the_log_in_page_says_why_a_link_leads_to_it() {
    let state = LoginState {
        notice: Some(LoginNotice::VerifyEmail),
        link: link(),
        ..LoginState::default()
    };
    let html = arrive_with_mail("/login", state);
    let (_, status) = html.split_once("role=\"status\"").unwrap();
    assert!(status.split_once("</div>").unwrap().0.contains("Log in to confirm"), "{status}");
    assert!(!html.contains("K7QM"), "{html}");
}

#[test]
fn an_unverified_user_can_enter_a_code_and_request_a_new_one() {
    let html = render::<Verify>(VerifyProps { user: ada() });
    let heading = "Confirm your <span class=\"unbroken\">e-mail address</h1>";
    assert!(html.contains(heading), "{html}");
    assert!(html.contains("Ada@Example.com") && html.contains("name=\"code\""), "{html}");
    assert_eq!(text(&html, "type=\"submit\""), "Confirm");
    assert!(html.contains(">Send a new code</button>"), "{html}");
    assert!(html.contains("notice-silent"), "there is no message at first: {html}");
}

#[test]
fn a_verified_user_is_not_asked_for_a_code() {
    let email_verified_at = Some("2026-04-15T10:00:00Z".to_owned());
    let html = render::<Verify>(VerifyProps { user: User { email_verified_at, ..ada() } });
    assert!(html.contains("Ada@Example.com is confirmed."), "{html}");
    assert!(html.contains("href=\"/private\"") && !html.contains("<form"), "{html}");
}

#[test]
fn a_code_cannot_be_entered_before_the_session_is_confirmed() {
    for session in [Session::SignedOut, Session::Loading, Session::SignedIn(ada())] {
        let html = visit_with_mail("/verify", Mail::On, session);
        assert!(!html.contains("<form") && main(&html).contains("aria-busy"), "{html}");
    }
}

#[test]
fn log_in_by_email_asks_for_the_email_address_first() {
    let html = visit_with_mail("/login/email", Mail::WithSignIn, Session::SignedOut);
    assert!(html.contains("Log in by <span class=\"unbroken\">e-mail</h1>"), "{html}");
    assert!(html.contains("name=\"email\"") && !html.contains("name=\"code\""), "{html}");
    assert_eq!(text(&html, "for=\"remember\""), "Keep me signed in");
    assert_eq!(text(&html, "type=\"submit\""), "Send code");
    // A code can be entered after a reload.
    assert!(html.contains(">I already have a code</button>"), "{html}");
    assert!(main(&html).contains("href=\"/login\""), "{html}");
    let html = visit_with_mail("/login/email", Mail::WithSignIn, Session::SignedIn(ada()));
    assert!(!html.contains("<form"), "{html}");
}
