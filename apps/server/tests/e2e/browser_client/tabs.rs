//! The browser client in several tabs.

use serde_json::{Value, json};

use super::{BLANK, GRACE, SIX_MINUTES};
use crate::browser::in_chromium;
use crate::visitor::{EMAIL, PASSWORD, visit};

#[tokio::test]
async fn remembered_tabs_sign_in_and_out_together() {
    in_chromium(visit(async |ada| {
        let second = ada.tab().await;
        ada.opens_a_page_with_the_client().await;
        let first = ada.opens_a_tab().await;
        ada.is_signed_in_with_the_client(true).await;
        ada.switches_to(&second).await;
        ada.until("changes.join() === 'true'").await;
        ada.sees_the_user(EMAIL).await;
        let token = ada.token().await.unwrap();

        // Both tabs refresh at the same time.
        ada.lets_time_pass(SIX_MINUTES).await;
        ada.script("void setTimeout(() => window.late = auth.user(), 500)").await;
        ada.switches_to(&first).await;
        ada.tampers_with_the_token().await;
        ada.script("void setTimeout(() => window.late = auth.user(), 400)").await;
        ada.until("window.late").await;
        assert_eq!(ada.script("late").await["email"], EMAIL);
        ada.switches_to(&second).await;
        ada.until("window.late").await;
        assert_eq!(ada.script("late").await["email"], EMAIL);
        assert_ne!(ada.token().await.unwrap(), token);
        assert!(!ada.server.log().contains("was reused"));

        ada.switches_to(&first).await;
        ada.does_not_notice_its_visibility().await;
        ada.switches_to(&second).await;
        assert_eq!(ada.calls("logout()").await, Value::Null);
        ada.switches_to(&first).await;
        ada.until("changes.join() === 'true,false'").await;
        assert_eq!(ada.token().await, None);
        assert_eq!(ada.calls("user()").await, Value::Null);
    }))
    .await;
}

#[tokio::test]
async fn a_remembered_tab_without_a_token_notices_a_log_out() {
    in_chromium(visit(async |ada| {
        let second = ada.tab().await;
        ada.opens_a_page_with_the_client().await;
        ada.does_not_notice_its_visibility().await;
        ada.opens_a_tab().await;
        ada.is_signed_in_with_the_client(true).await;
        let first = ada.tab().await;
        ada.switches_to(&second).await;
        ada.until("changes.join() === 'true'").await;
        assert_eq!(ada.token().await, None);
        ada.switches_to(&first).await;
        assert_eq!(ada.calls("logout()").await, Value::Null);
        ada.switches_to(&second).await;
        ada.until("changes.join() === 'true,false'").await;

        // A form does not remove the id of the remembered session.
        ada.switches_to(&first).await;
        ada.logs_in_with_the_client(EMAIL, true).await;
        ada.switches_to(&second).await;
        ada.until("changes.join() === 'true,false,true'").await;
        ada.switches_to(&first).await;
        ada.browser.client.delete_all_cookies().await.unwrap();
        ada.script("void new BroadcastChannel('latchkey').postMessage('signed-out')").await;
        ada.switches_to(&second).await;
        ada.until("changes.join() === 'true,false,true,false'").await;
    }))
    .await;
}

#[tokio::test]
async fn without_remember_a_new_tab_is_signed_out() {
    in_chromium(visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        ada.opens_a_tab().await;
        ada.opens_a_page_with_the_client().await;
        assert_eq!(ada.calls("user()").await, Value::Null);
        assert_eq!(ada.fetches("'/api/me'").await, 401);
        assert_eq!(ada.refreshes(), 0);
    }))
    .await;
}

#[tokio::test]
async fn a_tab_never_acts_for_the_user_of_another_tab() {
    in_chromium(visit(async |ada| {
        ada.is_signed_in_with_the_client(true).await;
        let first = ada.tab().await;
        ada.server.sign_up(GRACE, PASSWORD);
        let second = ada.opens_a_tab().await;
        ada.opens_a_page_with_the_client().await;
        ada.logs_in_with_the_client(GRACE, true).await;
        ada.switches_to(&first).await;
        ada.sees_the_user(EMAIL).await;
        ada.lets_time_pass(SIX_MINUTES).await;
        assert_eq!(ada.fetches("'/api/sessions', {method: 'DELETE'}").await, 401);
        assert_eq!(ada.token().await, None);
        assert_eq!(ada.calls("user()").await, Value::Null, "the cookie is Grace's");
        assert_eq!(ada.script("changes").await, json!([true, false]));
        ada.switches_to(&second).await;
        ada.sees_the_user(GRACE).await;
    }))
    .await;
}

#[tokio::test]
async fn a_request_is_not_repeated_for_the_user_who_logs_in_meanwhile() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        ada.server.sign_up(GRACE, PASSWORD);
        ada.lets_time_pass(SIX_MINUTES).await;
        let grace = json!({"email": GRACE, "password": PASSWORD});
        ada.script(&format!(
            "void ((direct) => window.fetch = async (...request) => {{
                const response = await direct(...request);
                if (request[0].url?.includes('sessions')) await auth.login({grace});
                return response;
            }})(fetch)",
        ))
        .await;
        assert_eq!(ada.fetches("'/api/sessions', {method: 'DELETE'}").await, 401);
        ada.sees_the_user(GRACE).await;
        assert_eq!(ada.refreshes(), 0);
    })
    .await;
}

#[tokio::test]
async fn the_client_and_the_pages_share_one_session() {
    in_chromium(visit(async |ada| {
        let token = ada.logs_in_with_remember().await;
        let page = ada.tab().await;
        ada.opens_a_tab().await;
        ada.opens_a_page_with_the_client().await;
        ada.sees_the_user(EMAIL).await;
        assert_eq!(ada.calls("logout()").await, Value::Null);
        ada.switches_to(&page).await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        assert_eq!(ada.server.me(&token).status, 401);

        // In the other direction.
        ada.open(BLANK).await;
        ada.creates_the_client().await;
        ada.logs_in_with_the_client(EMAIL, true).await;
        let client = ada.tab().await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.sees_the_account().await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        ada.switches_to(&client).await;
        ada.until("changes.join() === 'true,false'").await;
        assert_eq!(ada.token().await, None);
    }))
    .await;
}
