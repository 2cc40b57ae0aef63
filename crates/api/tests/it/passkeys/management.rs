//! The list of passkeys: its limit, new names, and removal.

use std::time::Duration;

use serde_json::json;

use super::{GRACE, UNKNOWN_ID, add, creation_options, path_of};
use crate::test_app::{EMAIL, TestApp, json_request};
use crate::test_factors::{
    FACTORS, PASSKEYS, Passkey, SECOND_FACTOR, TOTP, TotpApp, recovery_codes,
};

#[tokio::test]
async fn a_user_has_at_most_20_passkeys() {
    let app = TestApp::new().await;
    let user = app.user().await;
    for n in 0..20 {
        let _ = user.add_passkey(&format!("passkey {n}")).await;
        app.advance(Duration::from_millis(1));
    }
    let (_, credential) = Passkey::create(&creation_options(&user).await);
    add(&user, &credential).await.assert_problem(409, "too_many_passkeys");
    let passkeys = user.get(FACTORS).await.body["passkeys"].clone();
    let names: Vec<_> = passkeys.as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!((names.len(), &names[0]), (20, &json!("passkey 0")), "oldest first");
}

#[tokio::test]
async fn a_passkey_is_renamed() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (_, added) = user.add_passkey("laptop").await;
    let renamed = user.put(&path_of(&added), json!({"name": "old laptop"})).await;
    assert_eq!(renamed.status, 200);
    let mut expected = added.body.clone();
    expected["name"] = json!("old laptop");
    assert_eq!(renamed.body, expected);
    assert_eq!(user.get(FACTORS).await.body["passkeys"], json!([expected]));
    let upper_case = format!("{PASSKEYS}/{}", added.body["id"].as_str().unwrap().to_uppercase());
    assert_eq!(user.put(&upper_case, json!({"name": "laptop"})).await.body, added.body);
}

#[tokio::test]
async fn a_removed_passkey_is_useless_and_the_other_sessions_end() {
    let app = TestApp::new().await;
    let (user, mut other) = (app.user().await, app.sign_in().await);
    let (passkey, added) = user.add_passkey("laptop").await;
    let removed = user.delete(&path_of(&added)).await;
    assert_eq!((removed.status.as_u16(), removed.body.is_null()), (204, true));
    other.refresh().await.assert_problem(401, "invalid_refresh_token");
    assert_eq!(user.get(FACTORS).await.body["passkeys"], json!([]));
    user.delete(&path_of(&added)).await.assert_problem(404, "not_found");
    let response = app.log_in_with_passkey(&passkey.get(&app.options().await)).await;
    response.assert_problem(401, "invalid_credentials");
    let activity = user.get("/api/me/activity").await.body;
    assert_eq!(activity["events"][0]["kind"], "passkey_removed");
}

#[tokio::test]
async fn the_last_factor_cannot_be_removed() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (_, first) = user.add_passkey("laptop").await;
    assert_eq!(user.put(SECOND_FACTOR, json!({})).await.status, 200);
    user.delete(&path_of(&first)).await.assert_problem(409, "last_factor");
    let (_, second) = user.add_passkey("phone").await;
    assert_eq!(user.delete(&path_of(&first)).await.status, 204);
    user.delete(&path_of(&second)).await.assert_problem(409, "last_factor");
    assert_eq!(user.delete(SECOND_FACTOR).await.status, 204);
    assert_eq!(user.delete(&path_of(&second)).await.status, 204);
}

#[tokio::test]
async fn an_app_added_to_a_passkey_returns_no_recovery_codes_and_ends_the_other_sessions() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    let code = app.secret("verify_email").await;
    assert_eq!(user.put("/api/me/email/verification", json!({"code": code})).await.status, 200);
    let (passkey, _) = user.add_passkey("laptop").await;
    let on = user.put(SECOND_FACTOR, json!({})).await;
    assert_eq!(recovery_codes(&on).len(), 10);
    let opened = app.log_in_with_passkey(&passkey.get(&app.options().await)).await;
    let mut other = app.user_of(&opened);
    app.mails().await;

    let totp = TotpApp::scan(&user.post(TOTP, json!({})).await);
    let confirmed = user.put(TOTP, json!({"code": totp.code(&app)})).await;
    assert_eq!((confirmed.status.as_u16(), confirmed.body), (200, json!({"recovery_codes": []})));
    other.me().await.assert_problem(401, "invalid_token");
    other.refresh().await.assert_problem(401, "invalid_refresh_token");
    assert_eq!(user.get(FACTORS).await.body["recovery_codes"]["left"], 10);
    let activity = user.get("/api/me/activity").await.body;
    assert_eq!(activity["events"][0]["kind"], "totp_replaced");
    let notices = app.mails().await;
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!((notice.to.as_str(), notice.kind.as_str()), (EMAIL, "totp_replaced"));
}

#[tokio::test]
async fn a_passkey_of_another_user_is_not_found() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (passkey, added) = user.add_passkey("laptop").await;
    let grace = app.user_with_email(GRACE).await;
    for path in [path_of(&added), format!("{PASSKEYS}/{UNKNOWN_ID}")] {
        grace.put(&path, json!({"name": "mine"})).await.assert_problem(404, "not_found");
        grace.delete(&path).await.assert_problem(404, "not_found");
    }
    for id in ["x", "", "018c0000-0000-4000-8000-000000000000", "018c0000000070008000000000000000"]
    {
        let path = format!("{PASSKEYS}/{id}");
        for method in ["PUT", "DELETE"] {
            let request = json_request(method, &path).body("{}");
            app.send(request).await.assert_problem(404, "not_found");
        }
    }
    assert_eq!(user.get(FACTORS).await.body["passkeys"], json!([added.body]));
    assert_eq!(app.log_in_with_passkey(&passkey.get(&app.options().await)).await.status, 200);
}
