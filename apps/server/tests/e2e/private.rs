use crate::visitor::{EMAIL, visit};

#[tokio::test]
async fn without_a_token_it_is_replaced_by_the_log_in_page() {
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
        let token = ada.is_signed_in().await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account().await;
        assert_eq!(ada.token().await, Some(token));
    })
    .await;
}

#[tokio::test]
async fn a_tampered_token_is_removed_and_shows_nothing() {
    visit(async |ada| {
        ada.is_signed_in().await;
        // With the cookie, another would be got in its place.
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
async fn a_token_that_no_header_can_carry_is_replaced_or_removed() {
    visit(async |ada| {
        ada.is_signed_in().await;
        ada.keeps_token("tok\u{2603}").await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account().await;
        assert_eq!(ada.server.me(&ada.token().await.unwrap()).status, 200);
        ada.browser.client.delete_all_cookies().await.unwrap();
        ada.keeps_token("tok\u{2603}").await;
        ada.browser.client.refresh().await.unwrap();
        ada.arrives_at("/login?next=%2Fprivate").await;
        assert_eq!(ada.token().await, None);
    })
    .await;
}

#[tokio::test]
async fn a_session_ended_elsewhere_is_ended_here() {
    visit(async |ada| {
        let token = ada.is_signed_in().await;
        ada.open("/").await;
        // This page asks as well; the session ends after its answer.
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
async fn nothing_private_is_shown_before_the_server_has_confirmed() {
    visit(async |ada| {
        ada.is_signed_in().await;
        ada.open("/").await;
        ada.heading().await;
        ada.until("document.querySelector('nav a[href=\"/private\"]')").await;
        // Every text that the page ever shows from now on is kept.
        ada.script(
            "(window.seen = [], new MutationObserver(() => window.seen.push(document.body.innerText))
                .observe(document, {subtree: true, childList: true, characterData: true}))",
        )
        .await;
        ada.server.signal("STOP");
        ada.script("document.querySelector('nav a[href=\"/private\"]').click()").await;
        ada.until("location.pathname === '/private'").await;
        ada.until("document.querySelector('main [role=status], main[aria-busy=true], main [aria-busy=true]')").await;
        let shown = ada.script("[document.body.innerText, ...window.seen].join(' ')").await;
        assert!(!shown.as_str().unwrap().contains(EMAIL), "{shown}");
        assert_eq!(ada.script("document.querySelector('main h1')").await, serde_json::Value::Null);
        ada.server.signal("CONT");
        ada.sees_the_account().await;
    })
    .await;
}
