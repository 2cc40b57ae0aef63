use crate::visitor::{EMAIL, visit};

#[tokio::test]
async fn without_a_token_the_log_in_page_replaces_the_private_page() {
    visit(async |ada| {
        ada.open("/").await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
    })
    .await;
}

#[tokio::test]
async fn a_reload_keeps_the_session() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account().await;
        assert_eq!(ada.token().await, Some(token));
    })
    .await;
}

#[tokio::test]
async fn without_a_cookie_a_tampered_token_is_removed() {
    visit(async |ada| {
        ada.logs_in().await;
        // With the cookie, the page would get a new token.
        ada.browser.client.delete_all_cookies().await.unwrap();
        ada.tampers_with_the_token().await;
        ada.browser.client.refresh().await.unwrap();
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
        assert_eq!(ada.token().await, None);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_cannot_be_sent_in_a_header_is_replaced_or_removed() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.stores_token("tok\u{2603}").await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account().await;
        assert_eq!(ada.server.me(&ada.token().await.unwrap()).status, 200);
        ada.browser.client.delete_all_cookies().await.unwrap();
        ada.stores_token("tok\u{2603}").await;
        ada.browser.client.refresh().await.unwrap();
        ada.arrives_at("/login?next=%2Fprivate").await;
        assert_eq!(ada.token().await, None);
    })
    .await;
}

#[tokio::test]
async fn a_session_that_was_ended_elsewhere_leads_to_the_log_in_page() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        ada.open("/").await;
        // The home page sends the same request as the private page. Wait for its response before
        // ending the session.
        let answered = "performance.getEntriesByName(location.origin + '/api/me').length";
        ada.until(answered).await;
        ada.server.post("/api/logout", &format!("authorization: Bearer {token}\r\n"), "{}");
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
        assert!(ada.message("status").await.contains("ended"));
    })
    .await;
}

#[tokio::test]
async fn nothing_private_is_shown_before_the_server_has_confirmed_the_session() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.open("/").await;
        ada.heading().await;
        ada.until("document.querySelector('nav a[href=\"/private\"]')").await;
        // Records all text that the page shows from now on.
        ada.script(
            "(window.seen = [], new MutationObserver(() => window.seen.push(document.body.innerText))
                .observe(document, {subtree: true, childList: true, characterData: true}))",
        )
        .await;
        ada.server.signal("STOP");
        ada.script("document.querySelector('nav a[href=\"/private\"]').click()").await;
        ada.until("location.pathname === '/private'").await;
        ada.until("document.querySelector('main [role=status], main[aria-busy=true], main [aria-busy=true]')").await;
        let seen = ada.script("[document.body.innerText, ...window.seen].join(' ')").await;
        assert!(!seen.as_str().unwrap().contains(EMAIL), "{seen}");
        assert_eq!(ada.script("document.querySelector('main h1')").await, serde_json::Value::Null);
        ada.server.signal("CONT");
        ada.sees_the_account().await;
    })
    .await;
}
