use std::time::Duration;

use api::ClientAddress;
use serde_json::{Value, json};

use crate::test_app::{EMAIL, PASSWORD, TestApp, json_request, post};

#[tokio::test]
async fn activity_lists_events_with_their_client() {
    let app = TestApp::with_account().await;
    let wrong = json!({"email": EMAIL, "password": "wrong"}).to_string();
    let attacker = ClientAddress([198, 51, 100, 7].into());
    app.send(post("/api/token").extension(attacker).header("user-agent", "x/1").body(wrong)).await;
    app.advance(Duration::from_secs(1));
    let ada = app.sign_in().await;
    let mut response = ada.get("/api/me/activity").await;
    let session = response.body["events"][0]["session_id"].take();
    assert!(session.as_str().unwrap().len() == 36, "{session}");
    insta::assert_json_snapshot!(response.body["events"][0], @r#"
    {
      "actor": "user",
      "amr": [
        "pwd"
      ],
      "at": "2023-11-14T22:13:21Z",
      "ip": null,
      "kind": "signed_in",
      "session_id": null,
      "user_agent": null
    }
    "#);
    insta::assert_json_snapshot!(response.body["events"][1], @r#"
    {
      "actor": "user",
      "at": "2023-11-14T22:13:20Z",
      "ip": "198.51.100.7",
      "kind": "sign_in_failed",
      "session_id": null,
      "user_agent": "x/1"
    }
    "#);
    assert_eq!(ada.event_kinds().await, ["signed_in", "sign_in_failed", "account_created"]);
}

#[tokio::test]
async fn every_action_of_the_user_is_recorded() {
    let app = TestApp::new().await;
    let (mut ada, other) = (app.user().await, app.sign_in().await);
    let (third, _fourth) = (app.sign_in().await, app.sign_in().await);
    let listed = third.get("/api/sessions").await;
    let is_current = |session: &&Value| session["current"] == json!(true);
    let sessions = listed.body["sessions"].as_array().unwrap();
    let id = sessions.iter().find(is_current).unwrap()["id"].clone();
    ada.delete(&format!("/api/sessions/{}", id.as_str().unwrap())).await;
    ada.delete("/api/sessions").await;
    for (current, new) in [("wrong", PASSWORD), (PASSWORD, "a swim in the river")] {
        let body = json!({"current_password": current, "new_password": new}).to_string();
        ada.send(json_request("PUT", "/api/me/password").body(body)).await;
    }
    ada.refresh().await;
    let latest = app.sign_in_as(EMAIL, "a swim in the river", false).await;
    ada.sign_out().await;
    assert_eq!(
        latest.event_kinds().await[..8],
        [
            "signed_out",
            "signed_in",
            "password_changed",
            "password_check_failed",
            "other_sessions_ended",
            "session_ended",
            "signed_in",
            "signed_in",
        ]
    );
    other.me().await.assert_problem(401, "invalid_token");
    let export = latest.get("/api/me/export").await;
    assert_eq!(export.body["activity"].as_array().unwrap().len(), 11);
}

#[tokio::test]
async fn activity_lists_50_events_and_the_export_lists_all() {
    let app = TestApp::with_account().await;
    for _ in 0..52 {
        app.sign_in().await;
    }
    let ada = app.sign_in().await;
    assert_eq!(ada.event_kinds().await.len(), 50);
    let export = ada.get("/api/me/export").await;
    assert_eq!(export.body["activity"].as_array().unwrap().len(), 54);
}

#[tokio::test]
async fn activity_is_visible_to_its_user_only() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let grace = app.user_with_email("grace@example.com").await;
    app.post("/api/token", json!({"email": EMAIL, "password": "wrong"})).await;
    assert_eq!(grace.event_kinds().await.len(), 2);
    assert_eq!(ada.event_kinds().await.len(), 3);
    app.send(warp::test::request().path("/api/me/activity"))
        .await
        .assert_problem(401, "missing_token");
}
