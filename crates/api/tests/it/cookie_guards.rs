//! Guards of an embedding app that accept the session cookie.

use std::sync::Arc;
use std::time::Duration;

use api::accounts::SameSite;
use api::{Auth, Origin, Role, SignedIn};
use auth_core::ManualClock;
use serde_json::json;
use tempfile::TempDir;
use warp::filters::BoxedFilter;
use warp::http::Response as HttpResponse;
use warp::reply::Response;
use warp::test::RequestBuilder;
use warp::{Filter as _, Reply as _};

use crate::test_app::{EMAIL, PASSWORD, post};

struct App {
    routes: BoxedFilter<(Response,)>,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

async fn app() -> App {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::<ManualClock>::default();
    let auth = Auth::builder()
        .sqlite(folder.path().join("app.db"))
        .public_url("https://app.example")
        .session_cookie(SameSite::Lax)
        .clock(Arc::<ManualClock>::clone(&clock))
        .for_tests()
        .build()
        .await
        .unwrap()
        .log_in_page("/log-in")
        .allow_origin(Origin::parse("https://front.app.example").unwrap());
    let hello = async |user: SignedIn| format!("hello {}", user.email());
    let note = async |user: SignedIn, note: serde_json::Value| format!("{note} {}", user.email());
    let bearer = auth.guarded(warp::path!("bearer"), hello);
    let cookies = auth.guard().cookies().route(warp::path!("cookies"), hello);
    let page = auth.guard().page().route(warp::path!("page"), hello);
    let fresh = auth.guard().page().fresh().route(warp::path!("fresh"), hello);
    let admin = auth.guard().page().role(Role::parse("admin").unwrap());
    let admin = admin.route(warp::path!("admin"), hello);
    let json = auth.guard().cookies().json(100).route(warp::path!("json"), note);
    let cached = auth.guard().page().route(warp::path!("cached"), async |_: SignedIn| {
        warp::reply::with_header("cached", "cache-control", "max-age=60")
    });
    let home = auth.guard().page().optional(warp::path!("home"), async |user: Option<SignedIn>| {
        user.map_or_else(|| "a visitor".to_owned(), |user| user.email().to_owned())
    });
    let rejects = warp::any().and_then(async || Err::<u8, _>(warp::reject::reject()));
    let rejected = auth
        .guard()
        .cookies()
        .with(rejects)
        .route(warp::path!("rejected"), async |_: SignedIn, _: u8| "not rejected");
    let bearer = bearer.or(rejected).unify();
    let cross = auth.cors(auth.guard().cookies().route(warp::path!("cross"), hello));
    let cross_home = async |user: Option<SignedIn>| {
        user.map_or_else(|| "a visitor".to_owned(), |user| user.email().to_owned())
    };
    let cross_home = auth.guard().cookies().optional(warp::path!("cross-home"), cross_home);
    let bearer = bearer.or(cross.or(auth.cors(cross_home)).unify()).unify();
    let own = bearer.or(cookies).unify().or(page).unify().or(fresh).unify();
    let own = own.or(admin).unify().or(json).unify().or(cached).unify().or(home).unify();
    let routes = auth.routes().or(own).unify();
    let routes = routes.or(warp::any().map(|| "the page".into_response())).unify().boxed();
    App { routes, clock, _folder: folder }
}

impl App {
    /// Signs Ada up and in. Returns the session cookie.
    async fn sign_in(&self) -> String {
        let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
        assert_eq!(post("/api/signup").body(&body).reply(&self.routes).await.status(), 201);
        let response = post("/api/token").body(&body).reply(&self.routes).await;
        let cookie = session_cookie(&response).unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
        pair(&cookie)
    }

    async fn send(&self, request: RequestBuilder) -> HttpResponse<warp::hyper::body::Bytes> {
        request.reply(&self.routes).await
    }
}

fn get(path: &str, cookie: &str) -> RequestBuilder {
    let request = warp::test::request().path(path).header("accept", "text/html");
    if cookie.is_empty() { request } else { request.header("cookie", cookie) }
}

fn session_cookie<B>(response: &HttpResponse<B>) -> Option<String> {
    let cookies = response.headers().get_all("set-cookie").iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap().to_owned());
    cookies.find(|cookie| cookie.starts_with("__Host-latchkey_refresh="))
}

/// Returns the name and the value of a cookie.
fn pair(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn only_guards_with_the_option_accept_the_session_cookie() {
    let app = app().await;
    let cookie = app.sign_in().await;
    for path in ["/cookies", "/page", "/fresh"] {
        let response = app.send(get(path, &cookie)).await;
        assert_eq!(response.body(), &format!("hello {EMAIL}"), "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let vary: Vec<_> = response.headers().get_all("vary").iter().collect();
        assert_eq!(vary, ["Authorization", "Cookie"]);
        assert!(session_cookie(&response).is_none());
    }
    assert_eq!(app.send(get("/bearer", &cookie)).await.status(), 401);
    let cached = app.send(get("/cached", &cookie)).await;
    assert_eq!(cached.headers()["cache-control"], "max-age=60, private");
}

#[tokio::test]
async fn an_optional_guard_also_runs_its_handler_for_visitors() {
    let app = app().await;
    let cookie = app.sign_in().await;
    assert_eq!(app.send(get("/home", "")).await.body(), "a visitor");
    assert_eq!(app.send(get("/home", &cookie)).await.body(), EMAIL);
    let invalid = app.send(get("/home", "__Host-latchkey_refresh=x")).await;
    assert_eq!(invalid.body(), "a visitor");
    assert!(session_cookie(&invalid).unwrap().contains("Max-Age=0"));
    let request = warp::test::request().path("/home").header("cookie", &cookie);
    let request = request.header("authorization", "Bearer nonsense");
    assert_eq!(app.send(request).await.status(), 401);
    // Browsers send no cookie with the form of another site.
    for cookie in [&*cookie, "__Host-latchkey_refresh=x", ""] {
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
        {
            let forged = get("/home", cookie).method("POST").header(name, value);
            assert_eq!(app.send(forged).await.status(), 403, "{cookie} {name}");
            let forged = get("/home", cookie).header("upgrade", "websocket").header(name, value);
            assert_eq!(app.send(forged).await.status(), 403, "{cookie} {name}");
        }
    }
    let own = get("/home", "").method("POST").header("origin", "https://app.example");
    assert_eq!(app.send(own).await.body(), "a visitor");
}

#[tokio::test]
async fn only_a_navigation_to_a_page_is_redirected_to_the_log_in_page() {
    let app = app().await;
    let response = app.send(get("/page?a=1&b=2", "")).await;
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()["location"], "/log-in?next=%2Fpage%3Fa%3D1%26b%3D2");
    assert_eq!(app.send(get("/cookies", "")).await.status(), 401);
    let script = warp::test::request().path("/page").header("accept", "*/*");
    assert_eq!(app.send(script).await.status(), 401);
    let script = get("/page", "").header("sec-fetch-mode", "cors");
    assert_eq!(app.send(script.method("POST")).await.status(), 401);

    let cookie = app.sign_in().await;
    app.clock.advance(Duration::from_mins(11));
    let response = app.send(get("/fresh", &cookie)).await;
    assert_eq!(response.headers()["location"], "/log-in?next=%2Ffresh&fresh=on");
    let cookie = pair(&session_cookie(&response).unwrap());
    assert_eq!(app.send(get("/page", &cookie)).await.status(), 200);
}

#[tokio::test]
async fn a_form_without_a_session_leads_to_the_log_in_page_and_back_to_the_page_with_the_form() {
    let app = app().await;
    let form = |cookie: &str, path: &str| {
        get(path, cookie).method("POST").header("origin", "https://app.example")
    };
    for cookie in ["", "__Host-latchkey_refresh=ended"] {
        for (referer, expected) in [
            ("https://app.example/form?a=1", "/log-in?next=%2Fform%3Fa%3D1"),
            ("https://app.example//evil.example", "/log-in"),
            ("https://evil.example/form", "/log-in"),
        ] {
            let response = app.send(form(cookie, "/page").header("referer", referer)).await;
            assert_eq!(response.status(), 303);
            assert_eq!(response.headers()["location"], expected, "{referer}");
            assert_eq!(session_cookie(&response).is_some(), !cookie.is_empty());
        }
    }
    let cookie = app.sign_in().await;
    for cookie in ["", &cookie] {
        let forged = get("/page", cookie).method("POST").header("origin", "https://evil.example");
        let response = app.send(forged.header("referer", "https://app.example/form")).await;
        assert_eq!(response.status(), 403);
    }
}

#[tokio::test]
async fn a_page_shows_other_errors_to_a_browser_as_a_page() {
    let app = app().await;
    let cookie = app.sign_in().await;
    for (path, is_page) in [("/admin", true), ("/json", false)] {
        let forged = get(path, &cookie).method("POST").header("origin", "https://evil.example");
        let response = app.send(forged).await;
        assert_eq!(response.status(), 403, "{path}");
        assert_eq!(response.headers()["content-type"] == "text/html; charset=utf-8", is_page);
    }
    let response = app.send(get("/admin", &cookie)).await;
    assert_eq!(response.status(), 403);
    let page = String::from_utf8_lossy(response.body());
    assert!(page.contains("<p>This requires the role admin."), "{page}");
    let program = warp::test::request().path("/admin").header("cookie", &cookie);
    assert_eq!(app.send(program).await.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_session_cookie_is_replaced_within_a_request_and_reuse_ends_the_session() {
    let app = app().await;
    let old = app.sign_in().await;
    app.clock.advance(Duration::from_mins(5));
    // A response of the guard itself also sets the new cookie.
    let invalid = get("/json", &old).method("POST").header("content-type", "application/json");
    let response = app.send(invalid.body("nonsense")).await;
    assert_eq!(response.status(), 400);
    let new = pair(&session_cookie(&response).unwrap());
    assert_ne!(new, old);
    let again = app.send(get("/page", &old)).await;
    assert_eq!(
        (again.status().as_u16(), pair(&session_cookie(&again).unwrap())),
        (200, new.clone())
    );
    app.clock.advance(Duration::from_secs(31));
    assert_eq!(app.send(get("/page", &new)).await.status(), 200);
    let reused = app.send(get("/cookies", &old)).await;
    assert_eq!(reused.status(), 401);
    assert!(session_cookie(&reused).unwrap().contains("Max-Age=0"));
    assert_eq!(app.send(get("/page", &new)).await.status(), 303);
}

#[tokio::test]
async fn a_request_of_a_script_does_not_delete_the_cookie_of_a_new_log_in() {
    let app = app().await;
    let old = app.sign_in().await;
    // Another tab logs in again, which ends the session.
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let again = post("/api/token").header("cookie", &old).header("sec-fetch-site", "same-origin");
    let new = session_cookie(&app.send(again.body(body)).await).unwrap();
    for mode in ["cors", "same-origin", "no-cors", "websocket"] {
        for (path, status) in [("/cookies", 401), ("/page", 401), ("/home", 200)] {
            let response = app.send(get(path, &old).header("sec-fetch-mode", mode)).await;
            assert_eq!(response.status(), status, "{mode} {path}");
            assert_eq!(session_cookie(&response), None, "{mode} {path}");
        }
    }
    for (path, status) in [("/cookies", 401), ("/page", 303), ("/home", 200)] {
        let response = app.send(get(path, &old).header("sec-fetch-mode", "navigate")).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(session_cookie(&response).unwrap().contains("=; "), "{path}");
    }
    assert_eq!(app.send(get("/page", &pair(&new))).await.status(), 200);
}

#[tokio::test]
async fn a_rejected_request_leaves_the_browser_with_a_valid_cookie() {
    let app = app().await;
    let cookie = app.sign_in().await;
    app.clock.advance(Duration::from_mins(5));
    let rejected = app.send(get("/rejected", &cookie)).await;
    assert_eq!(rejected.body(), "the page");
    assert!(session_cookie(&rejected).is_none());
    app.clock.advance(Duration::from_secs(31));
    let response = app.send(get("/page", &cookie)).await;
    assert_eq!(response.status(), 200);
    assert!(session_cookie(&response).is_some());
}

#[tokio::test]
async fn a_request_with_a_session_cookie_must_come_from_a_page_of_the_app() {
    let app = app().await;
    let cookie = app.sign_in().await;
    let send = async |name: &str, value: &str| {
        let request = get("/json", &cookie).method("POST").header(name, value);
        app.send(request.header("content-type", "application/json").body("{}")).await
    };
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let response = send(name, value).await;
        assert_eq!(response.status(), 403, "{name}: {value}");
        assert!(!String::from_utf8_lossy(response.body()).contains(EMAIL));
    }
    assert_eq!(send("origin", "https://app.example").await.body(), &format!("{{}} {EMAIL}"));
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_cannot_read_by_the_session_cookie() {
    let app = app().await;
    let cookie = app.sign_in().await;
    let send = async |method: &str, path: &str, origin: &str| {
        let request = get(path, &cookie).method(method).header("origin", origin);
        let response = app.send(request.header("sec-fetch-site", "same-site")).await;
        let body = String::from_utf8_lossy(response.body()).into_owned();
        assert!(session_cookie(&response).is_none());
        (response.status().as_u16(), body)
    };
    let allowed = "https://front.app.example";
    for method in ["GET", "HEAD", "OPTIONS"] {
        let (status, body) = send(method, "/cross", allowed).await;
        assert!(status == 401 && !body.contains(EMAIL), "{method}: {status} {body}");
    }
    assert_eq!(send("GET", "/cross-home", allowed).await, (200, "a visitor".to_owned()));
    // From its own pages, and from links of other sites, the app is used as before.
    let own = get("/cross", &cookie).header("origin", "https://app.example");
    assert_eq!(app.send(own).await.status(), 200);
    let link = get("/cross", &cookie).header("sec-fetch-site", "cross-site");
    assert_eq!(app.send(link).await.status(), 200);
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let tokens = post("/api/token").body(&body).reply(&app.routes).await;
    let tokens: serde_json::Value = serde_json::from_slice(tokens.body()).unwrap();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let by_token = get("/cross", &cookie).header("origin", allowed);
    assert_eq!(app.send(by_token.header("authorization", bearer)).await.status(), 200);
}
