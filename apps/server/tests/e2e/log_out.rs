use crate::browser::in_chromium;
use crate::visitor::{EMAIL, visit};

#[tokio::test]
async fn the_session_ends_on_the_server_and_back_shows_nothing_private() {
    in_chromium(visit(async |ada| {
        let token = ada.logs_in().await;
        ada.script("document.querySelector('a[href=\"/\"]').click()").await;
        ada.arrives_at("/").await;
        ada.script("sessionStorage.setItem('another', 'value')").await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        assert_eq!(ada.server.me(&token).code(), "invalid_token");
        assert_eq!(ada.script("sessionStorage.length").await, 0);
        ada.until("document.querySelector('main').contains(document.activeElement)").await;
        // The previous history entry is the private page. Going back does not load the app again.
        ada.browser.client.back().await.unwrap();
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
    }))
    .await;
}

#[tokio::test]
async fn going_back_from_another_site_shows_nothing_private() {
    in_chromium(visit(async |ada| {
        let token = ada.logs_in().await;
        ada.browser.client.goto("about:blank").await.unwrap();
        ada.server.post("/api/logout", &format!("authorization: Bearer {token}\r\n"), "{}");
        ada.browser.client.back().await.unwrap();
        ada.until("location.pathname === '/login'").await;
        ada.sees_nothing_private().await;
    }))
    .await;
}

/// A test cannot make the browser keep a page in the back-forward cache, so this test dispatches
/// the events itself.
#[tokio::test]
async fn a_page_in_the_back_forward_cache_contains_nothing_private() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        let dispatch = async |event: &str| {
            let event = format!("new PageTransitionEvent('{event}', {{persisted: true}})");
            ada.script(&format!("window.dispatchEvent({event})")).await
        };
        ada.server.signal("STOP");
        dispatch("pagehide").await;
        ada.until(&format!("!document.body.innerText.includes('{EMAIL}')")).await;
        dispatch("pageshow").await;
        ada.sees_nothing_private().await;
        ada.server.signal("CONT");
        ada.sees_the_account().await;

        ada.server.post("/api/logout", &format!("authorization: Bearer {token}\r\n"), "{}");
        dispatch("pagehide").await;
        dispatch("pageshow").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
    })
    .await;
}

#[tokio::test]
async fn a_slow_server_does_not_undo_a_log_out() {
    in_chromium(visit(async |ada| {
        let token = ada.logs_in().await;
        ada.script("document.querySelector('a[href=\"/\"]').click()").await;
        ada.arrives_at("/").await;
        ada.server.signal("STOP");
        ada.presses("Log out").await;
        ada.until("sessionStorage.length === 0").await;
        // Go back to the private page before the server has answered.
        ada.script("void history.back()").await;
        ada.until("location.pathname === '/private'").await;
        ada.sees_nothing_private().await;
        ada.server.signal("CONT");
        ada.until("location.pathname === '/login'").await;
        ada.until("document.querySelector('[name=email]')").await;
        assert_eq!(ada.token().await, None);
        assert_eq!(ada.server.me(&token).status, 401);
        // The next log-in and log-out work as usual.
        ada.submits_the_log_in_form().await;
        ada.sees_the_account().await;
        ada.presses("Log out").await;
        ada.until("location.pathname === '/login'").await;
        assert_eq!(ada.token().await, None);
    }))
    .await;
}

#[tokio::test]
async fn log_out_works_on_every_page() {
    visit(async |ada| {
        for path in ["/", "/private", "/settings", "/nothing"] {
            let token = ada.logs_in().await;
            ada.open(path).await;
            ada.presses("Log out").await;
            ada.arrives_at("/login").await;
            assert_eq!(ada.server.me(&token).status, 401, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_a_proxy_does_not_confirm_a_log_out() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        ada.script("void (window.fetch = async () => new Response('<h1>Log in</h1>'))").await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        assert!(ada.message("alert").await.contains("may still be active"));
        ada.sees_nothing_private().await;
        assert_eq!(ada.token().await, None);
        assert_eq!(ada.server.me(&token).status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_log_out_without_a_server_still_clears_the_browser() {
    visit(async |ada| {
        ada.logs_in().await;
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
