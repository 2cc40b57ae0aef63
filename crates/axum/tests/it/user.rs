//! The extractors.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::get;
use axum_accounts::accounts::{Builder, Caller, Role, SignIn};
use axum_accounts::{User, UserBeforeEnrolment};
use tower_service::Service as _;

use crate::app::{ORIGIN, TestApp};

#[tokio::test]
async fn a_visitor_is_redirected_from_pages_and_gets_an_error_otherwise() {
    let app = TestApp::new().await;
    let mut visitor = app.browser();
    let page = visitor.open("/private?page=2&all=1").await;
    page.assert_redirect("/login?next=%2Fprivate%3Fpage%3D2%26all%3D1");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let script = [("accept", "*/*"), ("sec-fetch-mode", "cors")];
    let response = visitor.send("GET", "/private", &script, "").await;
    response.assert_problem(401, "missing_token");
    assert!(response.header("www-authenticate").is_some());
    visitor.submit("/private", "").await.assert_problem(401, "missing_token");
    let script = [("accept", "text/html"), ("sec-fetch-mode", "cors"), ("origin", ORIGIN)];
    visitor.send("POST", "/private", &script, "").await.assert_problem(401, "missing_token");
    assert_eq!(visitor.open("/").await.body, "a visitor");
}

#[tokio::test]
async fn an_access_token_authenticates_without_a_check_of_the_origin() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let caller = Caller::default();
    let sign_in = SignIn::new("ada@example.com", "a long walk along the sea", &caller);
    let tokens = app.accounts().sign_in(sign_in).await.unwrap().into_tokens().unwrap();
    let bearer = format!("Bearer {}", tokens.access.token.as_str());
    let mut program = app.browser();
    let headers = [("authorization", &*bearer), ("origin", "https://other.example")];
    assert_eq!(program.send("POST", "/private", &headers, "").await.body, "by ada@example.com");
    // A token that is not valid is an error, even with a valid cookie.
    let invalid = [("authorization", "Bearer nonsense")];
    for path in ["/private", "/"] {
        ada.send("GET", path, &invalid, "").await.assert_problem(401, "invalid_token");
    }
    // Other schemes, such as that of a proxy with a password, do not matter.
    let basic = [("authorization", "Basic YTpi")];
    assert_eq!(ada.send("GET", "/private", &basic, "").await.status, 200);
}

#[tokio::test]
async fn requirements_reject_users_who_do_not_meet_them() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    assert_eq!(ada.open("/fresh").await.body, "fresh");
    ada.send("GET", "/verified", &[], "").await.assert_problem(403, "email_unverified");
    let user = app.accounts().operator().user("ada@example.com").await.unwrap().id;
    app.accounts().operator().verify_email(user).await.unwrap();
    assert_eq!(ada.open("/verified").await.body, "verified");
    app.advance(Duration::from_mins(11));
    ada.open("/fresh").await.assert_redirect("/login?next=%2Ffresh&fresh=on");
    ada.send("GET", "/fresh", &[], "").await.assert_problem(403, "step_up_required");
    assert_eq!(ada.open("/private").await.status, 200);
}

#[tokio::test]
async fn a_role_is_required_until_it_is_granted() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    ada.send("GET", "/admin", &[], "").await.assert_problem(403, "role_required");
    let operator = app.accounts().operator();
    let user = operator.user("ada@example.com").await.unwrap().id;
    operator.grant_role(user, &Role::parse("admin").unwrap()).await.unwrap();
    assert_eq!(ada.open("/admin").await.body, "admin");
}

#[tokio::test]
async fn users_who_must_turn_a_second_factor_on_are_rejected() {
    let app = TestApp::with(Builder::require_second_factor).await;
    let mut ada = app.ada().await;
    for path in ["/private", "/", "/fresh", "/verified", "/twice"] {
        let response = ada.send("GET", path, &[], "").await;
        response.assert_problem(403, "second_factor_enrolment_required");
    }
    assert_eq!(ada.open("/enrol").await.status, 200);
    app.browser().open("/enrol").await.assert_redirect("/login?next=%2Fenrol");
}

#[tokio::test]
async fn a_public_page_can_serve_users_who_must_turn_a_second_factor_on() {
    let app = TestApp::with(Builder::require_second_factor).await;
    let mut ada = app.ada().await;
    assert_eq!(ada.open("/welcome").await.body, "ada@example.com");
    assert_eq!(app.browser().open("/welcome").await.body, "a visitor");
    // The other rejections are those of `Option<User>`.
    let forged = [("origin", "https://evil.example")];
    let invalid = [("authorization", "Bearer nonsense")];
    for path in ["/welcome", "/"] {
        let response = app.browser().send("POST", path, &forged, "").await;
        response.assert_problem(403, "forbidden_origin");
        let response = ada.send("GET", path, &invalid, "").await;
        response.assert_problem(401, "invalid_token");
    }
    app.break_store();
    for path in ["/welcome", "/"] {
        ada.send("GET", path, &[], "").await.assert_problem(503, "unavailable");
    }
}

#[tokio::test]
async fn without_the_layer_the_extractor_fails() {
    for router in [
        Router::<()>::new().route("/", get(async |_: User| "hello")),
        Router::<()>::new().route("/", get(async |_: Option<User>| "hello")),
        Router::<()>::new().route("/", get(async |_: Option<UserBeforeEnrolment>| "hello")),
    ] {
        let response = router.clone().call(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 500);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "internal");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("Add `.layer(auth.layer())`"), "{detail}");
    }
}
