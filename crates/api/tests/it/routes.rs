//! The parts, the prefix and the cross-origin requests of an app's routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::{Auth, Origin, Part, SignedIn};
use serde_json::{Value, json};
use tempfile::TempDir;
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Response};
use warp::test::RequestBuilder;

use crate::test_app::{EMAIL, PASSWORD, json_request, post};

const FRONT_END: &str = "https://app.example.com";

type Routes = BoxedFilter<(warp::reply::Response,)>;

async fn auth(folder: &TempDir) -> Auth {
    Auth::builder()
        .sqlite(folder.path().join("app.db"))
        .public_url("https://auth.example.com")
        .for_tests()
        .build()
        .await
        .unwrap()
}

/// Returns the routes of an app that pages at [`FRONT_END`] can use.
async fn app(folder: &TempDir) -> Routes {
    let auth = auth(folder).await.allow_origin(Origin::parse(FRONT_END).unwrap());
    let notes = auth.guarded(warp::path!("notes"), async |user: SignedIn| user.email().to_string());
    let created = warp::path!("created").and(warp::post()).map(|| "created");
    let own = auth.cors(notes.or(created));
    let unwrapped = warp::path!("unwrapped").and(warp::get()).map(|| "unwrapped");
    let unwrapped = unwrapped.map(warp::Reply::into_response);
    auth.routes().or(own).unify().or(auth.api_not_found()).unify().or(unwrapped).unify().boxed()
}

async fn status(routes: &Routes, request: RequestBuilder) -> u16 {
    match request.filter(routes).await {
        Ok(response) => response.status().as_u16(),
        Err(rejection) if rejection.is_not_found() => 0,
        Err(rejection) => unreachable!("{rejection:?}"),
    }
}

async fn document(routes: &Routes, path: &str) -> Value {
    let response = warp::test::request().path(path).reply(routes).await;
    assert_eq!(response.status(), 200);
    serde_json::from_slice(response.body()).unwrap()
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(warp::http::HeaderName::as_str).collect()
}

fn preflight(path: &str, origin: &str) -> RequestBuilder {
    warp::test::request()
        .method("OPTIONS")
        .path(path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
        .header("sec-fetch-site", "same-site")
}

#[track_caller]
fn assert_readable<B>(response: &Response<B>) {
    let headers = response.headers();
    assert_eq!(headers["access-control-allow-origin"], FRONT_END);
    assert_eq!(headers["access-control-allow-credentials"], "true");
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    for name in ["Retry-After", "WWW-Authenticate", "X-Request-Id"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    assert_eq!(headers["vary"], "Origin");
}

#[track_caller]
fn assert_unreadable<B>(response: &Response<B>) {
    let names = names(response.headers());
    assert!(!names.iter().any(|name| name.starts_with("access-control-")), "{names:?}");
}

#[tokio::test]
async fn a_part_that_is_off_does_not_exist_and_is_not_documented() {
    let folder = tempfile::tempdir().unwrap();
    let auth = auth(&folder).await;
    let everything = document(&auth.routes(), "/api/openapi.json").await;
    for (part, method, path, status_when_off) in [
        (Part::SignUp, "POST", "/api/signup", 0),
        (Part::PasswordChange, "PUT", "/api/me/password", 0),
        (Part::PasswordReset, "POST", "/api/password-reset", 0),
        (Part::Email, "PUT", "/api/me/email/verification", 0),
        (Part::Deletion, "DELETE", "/api/me", 405),
        (Part::PersonalData, "GET", "/api/me/export", 0),
        (Part::PersonalData, "GET", "/api/me/metadata", 0),
        (Part::Sessions, "GET", "/api/sessions", 0),
        (Part::SecondFactors, "POST", "/api/token/second-factor", 0),
        (Part::SecondFactors, "POST", "/api/token/passkey/options", 0),
        (Part::SecondFactors, "GET", "/api/me/factors", 0),
        (Part::KeySet, "GET", "/.well-known/jwks.json", 0),
        (Part::Health, "GET", "/healthz", 0),
        (Part::OpenApi, "GET", "/api/openapi.json", 0),
    ] {
        let operation = |document: &Value| {
            document["paths"][path][method.to_lowercase()]["operationId"].is_string()
        };
        assert!(operation(&everything), "{path}");
        assert!(status(&auth.routes(), json_request(method, path).body("{}")).await > 0, "{path}");
        let routes = auth.clone().without(part).routes();
        let response = status(&routes, json_request(method, path).body("{}")).await;
        assert_eq!(response, status_when_off, "{method} {path}");
        assert!(status(&routes, json_request("POST", "/api/token").body("{}")).await == 400);
        if part != Part::OpenApi {
            assert!(!operation(&document(&routes, "/api/openapi.json").await), "{path}");
        }
    }
}

#[tokio::test]
async fn a_prefix_replaces_api_in_the_routes_and_in_their_document() {
    let folder = tempfile::tempdir().unwrap();
    let auth = auth(&folder).await.prefix("/v1/auth").unwrap();
    let routes = auth.routes().or(auth.api_not_found()).unify().boxed();
    let credentials = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let created = post("/v1/auth/signup").body(&credentials).reply(&routes).await;
    assert_eq!(created.status(), 201);
    let response = post("/v1/auth/token").body(&credentials).reply(&routes).await;
    assert_eq!(response.status(), 200);
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-") && cookie.contains("Path=/;"), "{cookie}");
    let tokens: Value = serde_json::from_slice(response.body()).unwrap();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let id = "01960000-0000-7000-8000-00000000ada0";
    let end = json_request("DELETE", &format!("/v1/auth/sessions/{id}"));
    let unknown_session = end.header("authorization", bearer).reply(&routes).await;
    assert_eq!(unknown_session.status(), 404);
    for path in ["/healthz", "/.well-known/jwks.json"] {
        assert_eq!(status(&routes, warp::test::request().path(path)).await, 200, "{path}");
    }
    for (path, expected) in [("/api/token", 0), ("/v1/auth/nothing", 404), ("/v1/author", 0)] {
        assert_eq!(status(&routes, post(path).body(&credentials)).await, expected, "{path}");
    }
    let document = document(&routes, "/v1/auth/openapi.json").await;
    assert!(document["paths"]["/v1/auth/sessions/{id}"]["delete"].is_object());
    assert!(!document.to_string().contains("/api/"), "{document}");
    for invalid in ["", "/", "auth", "/auth/", "/.well-known"] {
        assert!(auth.clone().prefix(invalid).is_err(), "{invalid}");
    }
}

#[tokio::test]
async fn without_an_allowed_origin_no_response_is_readable_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let routes = auth(&folder).await.routes();
    let response = preflight("/api/token", FRONT_END).reply(&routes).await;
    assert_eq!(response.status(), 405);
    assert_unreadable(&response);
    assert!(!response.headers().contains_key("vary"));
}

#[tokio::test]
async fn a_page_at_an_allowed_origin_can_log_in_and_refresh() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder).await;
    let credentials = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let from_page = |request: RequestBuilder| {
        request.header("origin", FRONT_END).header("sec-fetch-site", "same-site")
    };
    let response = preflight("/api/token", FRONT_END).reply(&app).await;
    assert_eq!(response.status(), 204);
    assert_readable(&response);
    assert!(response.headers()["access-control-allow-methods"].to_str().unwrap().contains("PUT"));
    let allowed = response.headers()["access-control-allow-headers"].to_str().unwrap();
    assert_eq!(allowed, "Authorization, Content-Type");
    assert_eq!(response.headers()["access-control-max-age"], "600");

    let response = from_page(post("/api/signup")).body(&credentials).reply(&app).await;
    assert_eq!(response.status(), 201);
    assert_readable(&response);
    let response = from_page(post("/api/token")).body(&credentials).reply(&app).await;
    assert_eq!(response.status(), 200);
    assert_readable(&response);
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let refresh = from_page(post("/api/token/refresh")).header("cookie", &cookie).body("");
    let response = refresh.reply(&app).await;
    assert_eq!(response.status(), 200);
    assert_readable(&response);
    let tokens: Value = serde_json::from_slice(response.body()).unwrap();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let notes = from_page(warp::test::request().path("/notes").header("authorization", &bearer));
    let response = notes.reply(&app).await;
    assert_eq!(response.status(), 200);
    assert_readable(&response);
    // Errors are readable, too.
    for (path, status) in [("/notes", 401), ("/api/nothing", 404), ("/api/token", 405)] {
        let response = from_page(warp::test::request().path(path)).reply(&app).await;
        assert_eq!(response.status(), status, "{path}");
        assert_readable(&response);
    }
}

#[tokio::test]
async fn a_log_in_at_an_allowed_origin_replaces_the_session_of_the_browser() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder).await;
    let credentials = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    post("/api/signup").body(&credentials).reply(&app).await;
    let log_in = async |cookie: &str| {
        let request = post("/api/token").header("origin", FRONT_END).header("cookie", cookie);
        let request = request.header("sec-fetch-site", "same-site").body(&credentials);
        let response = request.reply(&app).await;
        let cookies = response.headers().get_all("set-cookie").iter();
        let cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let tokens: Value = serde_json::from_slice(response.body()).unwrap();
        (tokens["access_token"].as_str().unwrap().to_owned(), cookies)
    };
    let (_, cookie) = log_in("").await;
    let (token, _) = log_in(&cookie).await;
    let sessions = warp::test::request().path("/api/sessions");
    let sessions = sessions.header("authorization", format!("Bearer {token}")).reply(&app).await;
    let sessions: Value = serde_json::from_slice(sessions.body()).unwrap();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn other_origins_get_nothing_and_are_rejected_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder).await;
    let credentials = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    for origin in [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://APP.example.com",
        "null",
        "*",
    ] {
        let response = preflight("/api/token", origin).reply(&app).await;
        assert_eq!(response.status(), 405, "{origin}");
        assert_unreadable(&response);
        assert_eq!(response.headers()["vary"], "Origin");
        let request = post("/api/token").header("origin", origin).body(&credentials);
        let response = request.header("sec-fetch-site", "same-site").reply(&app).await;
        assert_eq!(response.status(), 403, "{origin}");
        assert_unreadable(&response);
    }
    // A page of a sibling, which does not name its origin.
    let nameless = post("/api/token").header("sec-fetch-site", "same-site").body(&credentials);
    assert_eq!(status(&app, nameless).await, 403);
}

/// A browser sends no cookies with such a request.
#[tokio::test]
async fn a_page_of_another_site_is_rejected_even_at_an_allowed_origin() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder).await;
    let request = post("/api/token").header("origin", FRONT_END).body("{}");
    let response = request.header("sec-fetch-site", "cross-site").reply(&app).await;
    assert_eq!(response.status(), 403);
    assert_unreadable(&response);
}

#[tokio::test]
async fn only_wrapped_routes_respond_to_preflights() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder).await;
    for path in ["/notes", "/created"] {
        let response = preflight(path, FRONT_END).reply(&app).await;
        assert_eq!(response.status(), 204, "{path}");
        assert_readable(&response);
    }
    let response = preflight("/unwrapped", FRONT_END).reply(&app).await;
    assert_eq!(response.status(), 405);
    assert_unreadable(&response);
    let unknown = preflight("/nothing", FRONT_END).reply(&app).await;
    assert_eq!(unknown.status(), 404);
    assert_unreadable(&unknown);
}

#[tokio::test]
async fn a_preflight_does_not_run_the_handler_of_a_route_with_a_method() {
    let folder = tempfile::tempdir().unwrap();
    let auth = auth(&folder).await.allow_origin(Origin::parse(FRONT_END).unwrap());
    let calls = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&calls);
    let route = warp::path!("counted").and(warp::post()).map(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        "counted"
    });
    let app = auth.cors(route);
    assert_eq!(preflight("/counted", FRONT_END).reply(&app).await.status(), 204);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let request = warp::test::request().method("POST").path("/counted");
    assert_eq!(request.header("origin", FRONT_END).reply(&app).await.status(), 200);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
