use crate::operator::{Operator, success};
use crate::visitor::{EMAIL, PASSWORD, REMEMBER, visit, visit_with};

#[tokio::test]
async fn a_sign_up_leads_to_the_log_in_page_with_a_notice() {
    visit(async |ada| {
        ada.signs_up().await;
        assert!(!ada.message("status").await.is_empty());
        assert_eq!(ada.value("email").await, EMAIL);
        assert_eq!(ada.value("password").await, "");
        // The account exists, and its password is the typed one.
        ada.server.log_in(EMAIL, PASSWORD);
    })
    .await;
}

#[tokio::test]
async fn a_visitor_who_signs_up_first_gets_to_the_page_they_wanted_to_open() {
    visit(async |ada| {
        ada.open("/settings").await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        ada.types("email", EMAIL).await;
        ada.field("remember").await.click().await.unwrap();
        ada.follows_on_the_page("/signup").await;
        ada.arrives_at("/signup?next=%2Fsettings").await;
        ada.until("document.querySelector('h1').innerText === 'Sign up'").await;
        assert_eq!(ada.value("email").await, EMAIL);
        ada.types("email", "grace@example.com").await;
        ada.follows_on_the_page("/login").await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        ada.until("document.querySelector('h1').innerText === 'Log in'").await;
        assert_eq!(ada.value("email").await, "grace@example.com");
        assert_eq!(ada.script(REMEMBER).await, true);
        // The links in the navigation do the same.
        ada.types("email", EMAIL).await;
        ada.follows("/signup").await;
        ada.arrives_at("/signup?next=%2Fsettings").await;
        ada.until("document.querySelector('h1').innerText === 'Sign up'").await;
        assert_eq!(ada.value("email").await, EMAIL);
        ada.types("password", PASSWORD).await;
        ada.presses("Sign up").await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        assert!(ada.message("status").await.contains("has been created"));
        assert_eq!(ada.value("email").await, EMAIL);
        ada.types("password", PASSWORD).await;
        ada.presses("Log in").await;
        ada.arrives_at("/settings").await;
        ada.field("new_password").await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], false, "it is remembered");
    })
    .await;
}

#[tokio::test]
async fn no_page_offers_sign_up_when_it_is_off() {
    visit_with(&["--sign-up", "off"], async |ada| {
        for path in ["/", "/login", "/nothing", "/signup"] {
            ada.open(path).await;
            ada.heading().await;
            let links =
                ada.script("document.querySelectorAll('a[href$=\"/signup\"]').length").await;
            assert_eq!(links, 0, "{path}");
        }
        assert_eq!(ada.heading().await, "Sign-up is closed");
        ada.until("!document.querySelector('form')").await;
        ada.open("/.well-known/change-password").await;
        ada.arrives_at("/login?next=%2Fsettings").await;
    })
    .await;
}

#[tokio::test]
async fn an_invitation_opens_the_sign_up_page_when_it_is_off() {
    visit_with(&["--sign-up", "off"], async |ada| {
        let operator = Operator::new(&ada.folder);
        let link = success(&operator.users(&["invite", EMAIL, "--public-url", &ada.base]));
        let path = link.trim().strip_prefix(&ada.base).unwrap();
        ada.open(path).await;
        assert_eq!(ada.heading().await, "Sign up");
        assert_eq!(ada.script("location.pathname + location.hash").await, "/signup");
        ada.types("email", "grace@example.com").await;
        ada.types("password", PASSWORD).await;
        ada.presses("Sign up").await;
        let alert = ada.message("alert").await;
        assert!(alert.contains("not for this e-mail address"), "{alert}");
        ada.types("email", EMAIL).await;
        ada.types("password", PASSWORD).await;
        ada.presses("Sign up").await;
        ada.arrives_at("/login").await;
        ada.server.log_in(EMAIL, PASSWORD);
    })
    .await;
}

#[tokio::test]
async fn a_taken_email_is_an_error_at_its_field() {
    visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.open("/signup").await;
        ada.types("email", "ADA@example.com").await;
        ada.types("password", "another long walk").await;
        ada.presses("Sign up").await;
        let alert = ada.message("alert").await;
        assert!(alert.to_lowercase().contains("already"), "{alert}");
        let field = ada.field("email").await;
        assert_eq!(field.attr("aria-invalid").await.unwrap().as_deref(), Some("true"));
        assert_eq!(ada.value("email").await, "ADA@example.com");
        assert_eq!(ada.script("location.pathname").await, "/signup");
    })
    .await;
}

#[tokio::test]
async fn an_invalid_field_shows_its_error_and_has_the_focus() {
    visit_with(&["--password-min-length", "12"], async |ada| {
        ada.open("/signup").await;
        ada.types("email", EMAIL).await;
        ada.types("password", "elevenchars").await;
        ada.presses("Sign up").await;
        assert!(ada.message("alert").await.contains("at least 12 characters"));
        let described = "document.getElementById(document.activeElement.getAttribute('aria-describedby').split(' ').find(id => document.getElementById(id)?.matches('[role=alert]')))";
        ada.until("document.activeElement.name === 'password'").await;
        ada.until(&format!("{described}.innerText.includes('12')")).await;
        assert!(!ada.server.log().contains("/api/signup"), "the page checks the fields first");
        assert_eq!(ada.value("password").await, "elevenchars", "the typed text is kept");
    })
    .await;
}

#[tokio::test]
async fn a_double_click_and_enter_send_one_request() {
    visit(async |ada| {
        ada.open("/signup").await;
        ada.types("email", EMAIL).await;
        ada.types("password", PASSWORD).await;
        let button = "[...document.querySelectorAll('main button')].find(b => b.type === 'submit')";
        ada.script(&format!(
            "(({button}).click(), ({button}).click(), ({button}).form.requestSubmit())"
        ))
        .await;
        ada.arrives_at("/login").await;
        // A second request would have been answered before this one.
        ada.server.log_in(EMAIL, PASSWORD);
        assert_eq!(ada.server.log().matches("path=\"/api/signup\"}: answered").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_browser_normalises_unicode_like_the_server() {
    visit(async |ada| {
        ada.open("/signup").await;
        // The password has seven characters, each of two code points until it is normalised.
        ada.types("email", "ada@mu\u{308}nchen").await;
        ada.types("password", &"e\u{301}".repeat(7)).await;
        ada.presses("Sign up").await;
        ada.until("document.querySelectorAll('main [role=alert]').length === 2").await;
        for (domain, is_valid) in [
            ("b\u{fc}cher.example", true),
            ("\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}", true),
            ("example.123", false),
            ("1.2.3.999", false),
            ("\u{2474}.example", false),
            ("b\u{fc}cher.-a", false),
            ("b\u{fc}cher%2e.example", false),
        ] {
            ada.types("email", &format!("ada@{domain}")).await;
            ada.presses("Sign up").await;
            let as_expected = format!("!!document.querySelector('#email-error') !== {is_valid}");
            ada.until(&as_expected).await;
        }
        assert!(!ada.server.log().contains("/api/signup"), "the page checks the fields first");

        ada.types("email", "ada@b\u{fc}cher.example").await;
        ada.types("password", &"e\u{301}".repeat(8)).await;
        ada.presses("Sign up").await;
        ada.arrives_at("/login").await;
        ada.server.log_in("ada@xn--bcher-kva.example", &"\u{e9}".repeat(8));
    })
    .await;
}

#[tokio::test]
async fn an_error_that_only_the_server_detects_is_shown_at_its_field() {
    visit(async |ada| {
        ada.open("/signup").await;
        ada.types("email", EMAIL).await;
        ada.types("password", "Password1").await;
        ada.presses("Sign up").await;
        ada.until("document.activeElement.name === 'password'").await;
        let alert = ada.message("alert").await;
        assert!(alert.contains("too common"), "{alert}");
        assert_eq!(ada.value("password").await, "Password1", "the typed text is kept");
    })
    .await;
}
