//! A failure of the network or the server does not end the session.

use crate::server::Server;
use crate::visitor::{EMAIL, PASSWORD, visit};

#[tokio::test]
async fn an_outage_keeps_the_token_and_the_page() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        ada.open("/").await;
        ada.until("document.querySelector('nav a[href=\"/private\"]')").await;
        ada.server.signal("KILL");
        ada.script("document.querySelector('nav a[href=\"/private\"]').click()").await;
        assert!(!ada.message("alert").await.is_empty());
        assert_eq!(ada.script("location.pathname").await, "/private");
        assert_eq!(ada.token().await, Some(token));
        ada.sees_nothing_private().await;
        let _restarted = Server::start_at(&ada.server.address, &ada.folder, &[]);
        ada.presses("Try again").await;
        ada.sees_the_account().await;
    })
    .await;
}

#[tokio::test]
async fn a_browser_without_abort_signal_timeout_works() {
    visit(async |ada| {
        let source = serde_json::json!({"source": "delete AbortSignal.timeout"});
        ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
        ada.logs_in().await;
        assert_eq!(ada.script("'timeout' in AbortSignal").await, false);
        ada.tampers_with_the_token().await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account().await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
    })
    .await;
}

#[tokio::test]
async fn a_log_in_without_a_network_keeps_the_typed_text() {
    visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.open("/login").await;
        ada.types("email", EMAIL).await;
        ada.types("password", PASSWORD).await;
        ada.server.signal("KILL");
        ada.presses("Log in").await;
        assert!(!ada.message("alert").await.is_empty());
        assert_eq!(ada.value("email").await, EMAIL);
        assert_eq!(ada.value("password").await, PASSWORD);
        let _restarted = Server::start_at(&ada.server.address, &ada.folder, &[]);
        ada.presses("Log in").await;
        ada.sees_the_account().await;
    })
    .await;
}
