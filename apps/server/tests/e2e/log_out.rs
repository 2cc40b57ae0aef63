use crate::visitor::{EMAIL, visit};

#[tokio::test]
async fn the_session_ends_on_the_server_and_back_shows_nothing_private() {
    visit(async |ada| {
        let token = ada.is_signed_in().await;
        ada.script("document.querySelector('a[href=\"/\"]').click()").await;
        ada.arrives_at("/").await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        assert_eq!(ada.server.me(&token).code(), "invalid_token");
        assert_eq!(ada.script("sessionStorage.length").await, 0);
        ada.until("document.querySelector('main').contains(document.activeElement)").await;
        // The entry before is the private page, within the app that is still running.
        ada.browser.client.back().await.unwrap();
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
    })
    .await;
}

#[tokio::test]
async fn going_back_from_another_site_shows_nothing_private() {
    visit(async |ada| {
        let token = ada.is_signed_in().await;
        ada.browser.client.goto("about:blank").await.unwrap();
        ada.server.post("/api/logout", &format!("authorization: Bearer {token}\r\n"), "{}");
        ada.browser.client.back().await.unwrap();
        ada.until("location.pathname === '/login'").await;
        ada.sees_nothing_private().await;
    })
    .await;
}

/// The browser decides whether it keeps a page in the back-forward cache. The test
/// dispatches the events that it would send.
#[tokio::test]
async fn a_page_in_the_back_forward_cache_holds_nothing_private() {
    visit(async |ada| {
        let token = ada.is_signed_in().await;
        let tell = async |event: &str| {
            let event = format!("new PageTransitionEvent('{event}', {{persisted: true}})");
            ada.script(&format!("window.dispatchEvent({event})")).await
        };
        ada.server.signal("STOP");
        tell("pagehide").await;
        ada.until(&format!("!document.body.innerText.includes('{EMAIL}')")).await;
        tell("pageshow").await;
        ada.sees_nothing_private().await;
        ada.server.signal("CONT");
        ada.sees_the_account().await;

        ada.server.post("/api/logout", &format!("authorization: Bearer {token}\r\n"), "{}");
        tell("pagehide").await;
        tell("pageshow").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
    })
    .await;
}

#[tokio::test]
async fn a_slow_server_does_not_undo_a_log_out() {
    visit(async |ada| {
        let token = ada.is_signed_in().await;
        ada.script("document.querySelector('a[href=\"/\"]').click()").await;
        ada.arrives_at("/").await;
        ada.server.signal("STOP");
        ada.presses("Log out").await;
        ada.until("sessionStorage.length === 0").await;
        // Back to the private page, while the server has not answered yet.
        ada.script("void history.back()").await;
        ada.until("location.pathname === '/private'").await;
        ada.sees_nothing_private().await;
        ada.server.signal("CONT");
        ada.until("location.pathname === '/login'").await;
        ada.until("document.querySelector('[name=email]')").await;
        assert_eq!(ada.token().await, None);
        assert_eq!(ada.server.me(&token).status, 401);
        // And the next session is one like any other.
        ada.logs_in().await;
        ada.sees_the_account().await;
        ada.presses("Log out").await;
        ada.until("location.pathname === '/login'").await;
        assert_eq!(ada.token().await, None);
    })
    .await;
}

#[tokio::test]
async fn log_out_works_on_every_page() {
    visit(async |ada| {
        for path in ["/", "/private", "/settings", "/nothing"] {
            let token = ada.is_signed_in().await;
            ada.open(path).await;
            ada.presses("Log out").await;
            ada.arrives_at("/login").await;
            assert_eq!(ada.server.me(&token).status, 401, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_log_out_without_a_server_still_clears_the_browser() {
    visit(async |ada| {
        ada.is_signed_in().await;
        ada.server.signal("KILL");
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        assert!(!ada.message("alert").await.is_empty());
        assert_eq!(ada.script("sessionStorage.length").await, 0);
        assert_eq!(
            ada.script(&format!("document.body.innerText.includes('{EMAIL}')")).await,
            false
        );
    })
    .await;
}
