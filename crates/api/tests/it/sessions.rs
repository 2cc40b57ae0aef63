use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::test_app::{EMAIL, PASSWORD, TestApp, TestResponse, post};

fn ids(response: &TestResponse) -> Vec<(&str, bool)> {
    let sessions = response.body["sessions"].as_array().unwrap();
    let is_current = |session: &Value| session["current"].as_bool().unwrap();
    sessions.iter().map(|session| (session["id"].as_str().unwrap(), is_current(session))).collect()
}

#[tokio::test]
async fn sessions_are_listed_with_their_client_and_times() {
    let app = TestApp::with_account().await;
    let address: SocketAddr = "[::ffff:192.0.2.7]:50000".parse().unwrap();
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let elsewhere = post("/api/token").remote_addr(address).header("user-agent", "Browser/1.0");
    app.send(elsewhere.body(body)).await;
    app.advance(Duration::from_mins(2));
    let mut user = app.sign_in().await;
    app.advance(Duration::from_mins(1));
    user.refresh().await;
    let mut response = user.get("/api/sessions").await;
    assert_eq!((response.status.as_u16(), response.header("cache-control")), (200, "no-store"));
    for session in response.body["sessions"].as_array_mut().unwrap() {
        session["id"] = json!("[uuid]");
    }
    insta::assert_json_snapshot!(response.body, @r#"
    {
      "sessions": [
        {
          "created_at": "2023-11-14T22:15:20Z",
          "current": true,
          "id": "[uuid]",
          "ip": null,
          "last_seen_at": "2023-11-14T22:16:20Z",
          "user_agent": null
        },
        {
          "created_at": "2023-11-14T22:13:20Z",
          "current": false,
          "id": "[uuid]",
          "ip": "192.0.2.7",
          "last_seen_at": "2023-11-14T22:13:20Z",
          "user_agent": "Browser/1.0"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn ending_a_session_takes_effect_immediately() {
    let app = TestApp::new().await;
    let (user, mut other) = (app.user().await, app.sign_in().await);
    let listed = user.get("/api/sessions").await;
    let (id, _) = ids(&listed).into_iter().find(|(_, current)| !current).unwrap();
    let path = format!("/api/sessions/{id}");
    let ended = user.delete(&path).await;
    assert_eq!((ended.status.as_u16(), ended.header("set-cookie")), (204, ""));
    other.me().await.assert_problem(401, "invalid_token");
    other.refresh().await.assert_problem(401, "invalid_refresh_token");
    user.delete(&path).await.assert_problem(404, "not_found");
    assert_eq!(ids(&user.get("/api/sessions").await).len(), 1);
}

#[tokio::test]
async fn ending_the_current_session_signs_the_user_out() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let listed = user.get("/api/sessions").await;
    let [(id, true)] = ids(&listed)[..] else { unreachable!("{}", listed.body) };
    let ended = user.delete(&format!("/api/sessions/{id}")).await;
    assert_eq!(ended.status, 204);
    ended.assert_clears_the_cookie();
    user.me().await.assert_problem(401, "invalid_token");
}

#[tokio::test]
async fn a_user_cannot_see_or_end_the_sessions_of_others() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let grace = app.user_with_email("grace@example.com").await;
    let listed = ada.get("/api/sessions").await;
    let (id, _) = ids(&listed)[0];
    grace.delete(&format!("/api/sessions/{id}")).await.assert_problem(404, "not_found");
    assert_eq!(grace.delete("/api/sessions").await.status, 204);
    assert_eq!(ada.me().await.status, 200);
    assert_eq!(ids(&grace.get("/api/sessions").await).len(), 1);
}

#[tokio::test]
async fn ending_all_other_sessions_takes_effect_immediately() {
    let app = TestApp::new().await;
    let (one, two, user) = (app.user().await, app.sign_in().await, app.sign_in().await);
    assert_eq!(user.delete("/api/sessions").await.status, 204);
    for ended in [one, two] {
        ended.me().await.assert_problem(401, "invalid_token");
    }
    let remaining = user.get("/api/sessions").await;
    assert!(matches!(ids(&remaining)[..], [(_, true)]));
}

#[tokio::test]
async fn a_session_id_may_be_in_upper_case_or_percent_encoded() {
    let encode_all = |id: &str| id.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let spellings: [fn(&str) -> String; 3] =
        [str::to_uppercase, |id| id.replace('-', "%2d"), encode_all];
    let app = TestApp::new().await;
    let user = app.user().await;
    for spelling in spellings {
        let other = app.sign_in().await;
        let listed = user.get("/api/sessions").await;
        let (id, _) = ids(&listed).into_iter().find(|(_, current)| !current).unwrap();
        assert_eq!(id, id.to_lowercase(), "output is in lower case");
        let ended = user.delete(&format!("/api/sessions/{}", spelling(id))).await;
        assert_eq!(ended.status, 204);
        other.me().await.assert_problem(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_malformed_session_id_is_not_found() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let listed = user.get("/api/sessions").await;
    let (id, _) = ids(&listed)[0];
    for malformed in [
        "ada",
        "1%20OR%201=1",
        "%",
        "%2",
        "%ff%fe",
        &format!("{id}0"),
        &format!("{id}%00"),
        &format!("{id}%20"),
        &format!("%2F{id}"),
        &format!("%7B{id}%7D"),
        &format!("urn:uuid:{id}"),
        &id.replace('-', ""),
        // Decoded only once.
        &id.replace('-', "%252d"),
    ] {
        let path = format!("/api/sessions/{malformed}");
        user.delete(&path).await.assert_problem(404, "not_found");
    }
    assert_eq!(user.me().await.status, 200);
}

#[tokio::test]
async fn a_request_with_an_empty_session_id_ends_no_session() {
    let app = TestApp::new().await;
    let (other, user) = (app.user().await, app.sign_in().await);
    for path in ["/api/sessions/", "/api/sessions//", "/api//sessions"] {
        user.delete(path).await.assert_problem(404, "not_found");
    }
    user.get("/api/me/").await.assert_problem(404, "not_found");
    assert_eq!(other.me().await.status, 200);
}

#[tokio::test]
async fn ending_sessions_accepts_no_body_or_an_empty_object() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let with = |kind: &str, body: &str| {
        let delete = warp::test::request().method("DELETE").path("/api/sessions");
        user.send(delete.header("content-type", kind).body(body))
    };
    with("text/plain", "{}").await.assert_problem(415, "unsupported_media_type");
    with("application/json", "{\"id\":1}").await.assert_problem(400, "invalid_request");
    assert_eq!(with("application/json", "{}").await.status, 204);
    assert_eq!(with("application/json", "").await.status, 204);
}

#[tokio::test]
async fn sessions_require_a_token() {
    let app = TestApp::new().await;
    app.user().await;
    for (method, path) in [
        ("GET", "/api/sessions"),
        ("DELETE", "/api/sessions"),
        ("DELETE", "/api/sessions/01960000-0000-7000-8000-00000000ada0"),
        ("GET", "/api/me/export"),
    ] {
        let request = warp::test::request().method(method).path(path);
        app.send(request).await.assert_problem(401, "missing_token");
    }
}
