use crate::browser::in_chromium;
use crate::visitor::{EMAIL, PASSWORD, visit};

#[tokio::test]
async fn the_token_is_in_session_storage_and_nowhere_else() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        assert_eq!(ada.server.me(&token).status, 200, "the raw token is stored");
        assert_eq!(ada.script("Object.keys(sessionStorage).join()").await, "access_token");
        assert_eq!(ada.script("localStorage.length").await, 0);
        assert_eq!(ada.script("document.cookie").await, "");
        assert!(!ada.browser.client.current_url().await.unwrap().as_str().contains("ey"));
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_shows_an_alert_and_keeps_the_email() {
    visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.open("/login").await;
        ada.types("email", EMAIL).await;
        ada.types("password", "another long walk").await;
        ada.presses("Log in").await;
        let wrong = ada.message("alert").await;
        assert!(!wrong.contains("401") && !wrong.contains('_'), "{wrong}");
        assert_eq!(ada.value("email").await, EMAIL);
        ada.until("document.activeElement.closest('form')").await;
        assert_eq!(ada.token().await, None);
        // The message for an unknown address is the same.
        ada.open("/login").await;
        ada.types("email", "grace@example.com").await;
        ada.types("password", PASSWORD).await;
        ada.presses("Log in").await;
        assert_eq!(ada.message("alert").await, wrong);
    })
    .await;
}

#[tokio::test]
async fn the_requested_page_is_shown_after_the_log_in() {
    in_chromium(visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.open("/").await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
        ada.submits_the_log_in_form().await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;
        // `/login` was replaced, so Back leads to the page before it.
        ada.browser.client.back().await.unwrap();
        ada.arrives_at("/").await;
    }))
    .await;
}

#[tokio::test]
async fn the_query_and_fragment_of_the_requested_page_survive_the_log_in() {
    visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.open("/settings?tab=2#top").await;
        ada.arrives_at("/login?next=%2Fsettings%3Ftab%3D2%23top").await;
        ada.submits_the_log_in_form().await;
        ada.arrives_at("/settings?tab=2").await;
        ada.field("new_password").await;
        assert_eq!(ada.script("location.hash").await, "#top");
    })
    .await;
}

#[tokio::test]
async fn a_next_of_another_origin_is_ignored() {
    visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        for next in [
            "//evil.example/",
            "https://evil.example/",
            "/\\evil.example",
            "javascript:0",
            "%2F%09%2Fevil.example",
        ] {
            ada.open(&format!("/login?next={next}")).await;
            ada.submits_the_log_in_form().await;
            ada.arrives_at("/private").await;
            ada.sees_the_account().await;
            ada.script("sessionStorage.clear()").await;
        }
    })
    .await;
}

#[tokio::test]
async fn log_in_and_sign_up_redirect_signed_in_users_to_the_private_page() {
    visit(async |ada| {
        ada.logs_in().await;
        for path in ["/login", "/signup"] {
            ada.open(path).await;
            ada.arrives_at("/private").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_password_can_be_shown_and_hidden() {
    visit(async |ada| {
        ada.open("/login").await;
        ada.types("password", PASSWORD).await;
        ada.presses("Show password").await;
        ada.until("document.querySelector('[name=password]').type === 'text'").await;
        ada.presses("Hide password").await;
        ada.until("document.querySelector('[name=password]').type === 'password'").await;
        assert_eq!(ada.value("password").await, PASSWORD);
    })
    .await;
}

#[tokio::test]
async fn logging_in_needs_only_the_keyboard() {
    in_chromium(visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.open("/login").await;
        ada.heading().await;
        let tab = "\u{e004}";
        let focused = async || ada.browser.client.active_element().await.unwrap();
        // From the top of the page, Tab alone leads to the first field.
        while ada.script("document.activeElement.name === 'email'").await != true {
            focused().await.send_keys(tab).await.unwrap();
            assert_ne!(
                ada.script("document.activeElement").await,
                ada.script("document.body").await
            );
            assert_ne!(
                ada.script("getComputedStyle(document.activeElement).outlineStyle").await,
                "none"
            );
        }
        focused().await.send_keys(EMAIL).await.unwrap();
        focused().await.send_keys(tab).await.unwrap();
        assert_eq!(ada.script("document.activeElement.name").await, "password");
        focused().await.send_keys(&format!("{PASSWORD}\u{e007}")).await.unwrap();
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;
        ada.until("document.querySelector('main').contains(document.activeElement)").await;
    }))
    .await;
}
