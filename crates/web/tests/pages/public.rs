use web::Session;
use web::navigation::{Arrival, Farewell, Notice};

use crate::html::{ada, arrive, main, tag, text, visit};

#[test]
fn the_front_page_offers_an_account_to_whoever_has_none() {
    let html = visit("/", Session::SignedOut);
    let main = main(&html);
    assert!(main.contains("href=\"/signup\"") && main.contains("href=\"/login\""));
    assert!(!main.contains("/private"));
}

#[test]
fn the_front_page_leads_back_to_the_account_of_whoever_is_signed_in() {
    let html = visit("/", Session::SignedIn(ada()));
    let main = main(&html);
    assert!(main.contains("href=\"/private\"") && !main.contains("/signup"));
    assert!(!html.contains("Ada@Example.com"), "it is public");
}

#[test]
fn the_front_page_says_farewell_to_whoever_has_deleted_their_account_and_to_nobody_else() {
    let html = arrive("/", Farewell);
    let (_, status) = html.split_once("role=\"status\"").unwrap();
    assert!(status.split_once("</div>").unwrap().0.contains("Your account is deleted."), "{html}");
    assert!(!visit("/", Session::SignedOut).contains("role=\"status\""));
}

#[test]
fn an_unknown_address_leads_home() {
    for path in ["/nowhere", "/private/deeper", "/LOGIN"] {
        let html = visit(path, Session::SignedOut);
        assert_eq!(text(&html, "<h1"), "There is no door here", "{path}");
        assert!(main(&html).contains("href=\"/\""), "{path}");
    }
}

#[test]
fn signing_up_asks_for_an_address_and_a_new_password() {
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
fn the_length_that_a_password_needs_is_told_before_it_is_chosen() {
    let html = visit("/signup", Session::SignedOut);
    assert!(tag(&html, "name=\"password\"").contains("aria-describedby=\"password-hint\""));
    assert!(text(&html, "id=\"password-hint\"").contains("At least 8 characters"));
}

#[test]
fn logging_in_asks_for_the_password_there_is() {
    let html = visit("/login?next=%2Fprivate", Session::SignedOut);
    let password = tag(&html, "name=\"password\"");
    assert!(password.contains("autocomplete=\"current-password\""), "{password}");
    assert!(!password.contains("aria-describedby"), "what it must be is no business of a log-in");
    assert_eq!(text(&html, "type=\"submit\""), "Log in");
    assert!(!html.contains("role=\"status\"") && !html.contains("role=\"alert\""));
}

#[test]
fn nobody_is_kept_signed_in_who_does_not_ask_for_it() {
    let html = visit("/login", Session::SignedOut);
    let remember = tag(&html, "name=\"remember\"");
    assert!(remember.contains("type=\"checkbox\"") && !remember.contains("checked"), "{remember}");
    assert_eq!(text(&html, "for=\"remember\""), "Keep me signed in");
    assert!(!visit("/signup", Session::SignedOut).contains("remember"));
}

#[test]
fn after_signing_up_the_log_in_page_says_that_the_account_exists() {
    let notice = Some(Notice::AccountCreated);
    let html = arrive("/login", Arrival { email: "ada@example.com".into(), notice });
    let (_, status) = html.split_once("role=\"status\"").unwrap();
    assert!(status.split_once("</div>").unwrap().0.contains("Your account is ready"), "{status}");
    assert!(!html.contains("role=\"alert\""));
}

#[test]
fn after_a_log_out_that_the_server_did_not_hear_of_the_log_in_page_says_so() {
    let html =
        arrive("/login", Arrival { notice: Some(Notice::LogOutUncertain), ..Arrival::default() });
    let (_, alert) = html.split_once("role=\"alert\"").unwrap();
    assert!(alert.split_once("</div>").unwrap().0.contains("may still be alive"), "{alert}");
    assert!(!html.contains("role=\"status\""));
}
