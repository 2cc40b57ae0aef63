use web::routes::{AccountDeleted, LoginNotice, LoginState, MailLink};
use yew_session::Session;

use crate::html::{
    ada, arrive, arrive_without_sign_up, main, tag, text, visit, visit_with_passkeys,
    visit_without_sign_up,
};

#[test]
fn the_home_page_links_to_sign_up_and_log_in_when_signed_out() {
    let html = visit("/", Session::SignedOut);
    let main = main(&html);
    assert!(main.contains("href=\"/signup\"") && main.contains("href=\"/login\""));
    assert!(!main.contains("/private"));
}

#[test]
fn no_page_offers_sign_up_when_it_is_off() {
    for path in ["/", "/login", "/nowhere"] {
        let html = visit_without_sign_up(path);
        assert!(!html.contains("/signup") && !html.contains("Sign up"), "{path}: {html}");
        assert!(html.contains("href=\"/login\""), "{path}");
    }
    let html = visit_without_sign_up("/signup");
    assert_eq!(text(&html, "<h1"), "Sign-up is closed");
    let main = main(&html);
    assert!(main.contains("administrator") && main.contains("href=\"/login\""), "{main}");
    assert!(main.contains("If you have an invitation, open its link again."), "{main}");
    assert!(!main.contains("<form") && !html.contains("href=\"/signup\""), "{html}");
}

#[test]
fn an_invitation_opens_sign_up_when_it_is_off() {
    let link = MailLink { token: "K7QM-2XRD".to_owned(), ..MailLink::default() };
    let html = arrive_without_sign_up("/signup", link);
    assert_eq!(text(&html, "<h1"), "Sign up");
    let main = main(&html);
    assert!(main.contains("<form") && main.contains("You are invited"), "{main}");
    assert!(!html.contains("K7QM") && !html.contains("href=\"/signup\""), "{html}");
}

#[test]
fn the_home_page_links_to_the_account_when_signed_in() {
    let html = visit("/", Session::SignedIn(ada()));
    let main = main(&html);
    assert!(main.contains("href=\"/private\"") && !main.contains("/signup"));
    assert!(!html.contains("Ada@Example.com"), "the page is public");
}

#[test]
fn the_home_page_confirms_the_deletion_of_an_account() {
    let html = arrive("/", AccountDeleted);
    let (_, status) = html.split_once("role=\"status\"").unwrap();
    assert!(status.split_once("</div>").unwrap().0.contains("has been deleted"), "{html}");
    assert!(!visit("/", Session::SignedOut).contains("role=\"status\""));
}

#[test]
fn an_unknown_path_shows_the_404_page() {
    for path in ["/nowhere", "/private/deeper", "/LOGIN"] {
        let html = visit(path, Session::SignedOut);
        assert_eq!(text(&html, "<h1"), "Page not found", "{path}");
        assert!(main(&html).contains("href=\"/\""), "{path}");
    }
}

#[test]
fn sign_up_asks_for_an_email_and_a_new_password() {
    let html = visit("/signup", Session::SignedOut);
    assert!(tag(&html, "<form").contains("novalidate"));
    assert!(html.contains("<label for=\"email\">") && html.contains("<label for=\"password\">"));
    let (email, password) = (tag(&html, "name=\"email\""), tag(&html, "name=\"password\""));
    assert!(email.contains("id=\"email\"") && email.contains("autocomplete=\"username\""));
    assert!(password.contains("id=\"password\"") && password.contains("type=\"password\""));
    assert!(password.contains("autocomplete=\"new-password\""));
    assert_eq!(text(&html, "type=\"submit\""), "Sign up");
}

#[test]
fn sign_up_states_the_minimum_length_before_submission() {
    let html = visit("/signup", Session::SignedOut);
    assert!(tag(&html, "name=\"password\"").contains("aria-describedby=\"password-hint\""));
    assert!(text(&html, "id=\"password-hint\"").contains("At least 8 characters"));
}

#[test]
fn log_in_asks_for_the_current_password() {
    let html = visit("/login?next=%2Fprivate", Session::SignedOut);
    let password = tag(&html, "name=\"password\"");
    assert!(password.contains("autocomplete=\"current-password\""), "{password}");
    assert!(!password.contains("aria-describedby"), "the rules for new passwords do not apply");
    assert_eq!(text(&html, "type=\"submit\""), "Log in");
    assert!(!html.contains("role=\"status\"") && !html.contains("role=\"alert\""));
}

#[test]
fn a_passkey_can_be_used_to_log_in_where_the_browser_supports_it() {
    let html = visit_with_passkeys("/login");
    assert!(html.contains(">Log in with a passkey</button>"), "{html}");
    let without = visit("/login", Session::SignedOut);
    assert!(!without.contains("passkey") && !without.contains("webauthn"), "{without}");
    for (path, autocomplete) in [("/login", "username webauthn"), ("/signup", "username")] {
        let html = visit_with_passkeys(path);
        let email = tag(&html, "name=\"email\"");
        assert!(email.contains(&format!("autocomplete=\"{autocomplete}\"")), "{email}");
    }
}

#[test]
fn staying_signed_in_is_opt_in() {
    let html = visit("/login", Session::SignedOut);
    let remember = tag(&html, "name=\"remember\"");
    assert!(remember.contains("type=\"checkbox\"") && !remember.contains("checked"), "{remember}");
    assert_eq!(text(&html, "for=\"remember\""), "Keep me signed in");
    assert!(!visit("/signup", Session::SignedOut).contains("remember"));
}

#[test]
fn after_a_sign_up_the_log_in_page_says_that_the_account_exists() {
    let notice = Some(LoginNotice::AccountCreated);
    let html = arrive(
        "/login",
        LoginState { email: "ada@example.com".into(), notice, ..LoginState::default() },
    );
    let (_, status) = html.split_once("role=\"status\"").unwrap();
    assert!(status.split_once("</div>").unwrap().0.contains("has been created"), "{status}");
    assert!(!html.contains("role=\"alert\""));
}

#[test]
fn after_an_unconfirmed_log_out_the_log_in_page_warns() {
    let html = arrive(
        "/login",
        LoginState { notice: Some(LoginNotice::SignOutUnconfirmed), ..LoginState::default() },
    );
    let (_, alert) = html.split_once("role=\"alert\"").unwrap();
    assert!(alert.split_once("</div>").unwrap().0.contains("may still be active"), "{alert}");
    assert!(!html.contains("role=\"status\""));
}
