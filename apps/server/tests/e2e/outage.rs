//! A failure of the network or the server does not end the session.

use fantoccini::key::Key;

use crate::server::Server;
use crate::visitor::{EMAIL, Network, PASSWORD, visit};

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

#[tokio::test]
async fn enter_tries_again_after_every_failure() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.open("/").await;
        ada.until("document.querySelector('nav a[href=\"/private\"]')").await;
        ada.server.signal("KILL");
        ada.follows("/private").await;
        for _ in 0..2 {
            ada.until("document.activeElement.innerText === 'Try again'").await;
            ada.script("void (document.activeElement.isOld = true)").await;
            ada.presses_key(Key::Enter).await;
            ada.until("!document.activeElement.isOld").await;
        }
        ada.until("document.activeElement.innerText === 'Try again'").await;
        let _restarted = Server::start_at(&ada.server.address, &ada.folder, &[]);
        ada.presses_key(Key::Enter).await;
        ada.sees_the_account().await;
    })
    .await;
}

#[tokio::test]
async fn a_page_that_failed_loads_by_itself_when_the_browser_is_online_again() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.goes(Network::Offline).await;
        ada.follows("/settings").await;
        assert!(ada.message("alert").await.contains("cannot be reached"));
        ada.goes(Network::Online).await;
        ada.until("document.querySelector('.session') && document.querySelector('.event')").await;

        // The lists of the page are requested separately.
        ada.goes(Network::Offline).await;
        ada.types_passwords(PASSWORD, PASSWORD).await;
        ada.presses_key(Key::Enter).await;
        assert!(ada.message("alert").await.contains("cannot be reached"));
        ada.goes(Network::Online).await;
        ada.field("new_password").await;
        ada.presses_key(Key::Enter).await;
        ada.until("document.body.innerText.includes('Your password has been changed')").await;
    })
    .await;
}

#[tokio::test]
async fn enter_submits_the_log_in_form_again_after_coming_back_online() {
    visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.open("/login").await;
        ada.types("email", EMAIL).await;
        ada.types("password", PASSWORD).await;
        ada.goes(Network::Offline).await;
        ada.presses_key(Key::Enter).await;
        assert!(ada.message("alert").await.contains("cannot be reached"));
        ada.goes(Network::Online).await;
        ada.presses_key(Key::Enter).await;
        ada.sees_the_account().await;
    })
    .await;
}

#[tokio::test]
async fn a_401_from_a_proxy_does_not_end_the_session() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        ada.script(
            "void (window.direct = fetch, window.fetch = async () =>
                new Response('<h1>401 Authorization Required</h1>', {
                    status: 401,
                    headers: {'Content-Type': 'text/html', 'WWW-Authenticate': 'Basic'},
                }))",
        )
        .await;
        ada.follows("/settings").await;
        let alert = ada.message("alert").await;
        assert!(alert.contains("You have not been logged out"), "{alert}");
        assert_eq!(ada.token().await, Some(token.clone()));
        assert_eq!(ada.script("location.pathname").await, "/settings");
        ada.script("void (window.fetch = direct)").await;
        ada.presses("Try again").await;
        ada.until("document.querySelector('.session')").await;
        assert_eq!(ada.token().await, Some(token));
        assert_eq!(ada.answers("path=\"/api/token/refresh\""), 0);
    })
    .await;
}

#[tokio::test]
async fn a_retry_when_the_browser_is_online_does_not_move_the_focus_elsewhere() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.goes(Network::Offline).await;
        ada.follows("/settings").await;
        ada.message("alert").await;
        ada.script("document.querySelector('nav a[href=\"/private\"]').focus()").await;
        ada.goes(Network::Online).await;
        ada.until("document.querySelector('.session')").await;
        let focus = ada.script("document.activeElement.getAttribute('href')").await;
        assert_eq!(focus, "/private");
    })
    .await;
}
