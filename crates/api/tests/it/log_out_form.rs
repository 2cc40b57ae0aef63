//! The form to log out of an embedding app with pages that are rendered on the server.

use api::{Auth, SignedIn};
use serde_json::json;
use tempfile::TempDir;
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::http::Response as HttpResponse;
use warp::hyper::body::Bytes;
use warp::reply::Response;
use warp::test::RequestBuilder;

use crate::test_app::{EMAIL, PASSWORD, post};

struct App {
    routes: BoxedFilter<(Response,)>,
    _folder: TempDir,
}

async fn app_with(options: impl FnOnce(Auth) -> Auth) -> App {
    let folder = tempfile::tempdir().unwrap();
    let auth = Auth::builder()
        .sqlite(folder.path().join("app.db"))
        .public_url("https://app.example")
        .for_tests()
        .build();
    let auth = options(auth.await.unwrap());
    let page = async |user: SignedIn| format!("hello {}", user.email());
    let page = auth.guard().page().route(warp::path!("page"), page);
    let routes = auth.routes().or(auth.log_out_form()).unify().or(page).unify().boxed();
    App { routes, _folder: folder }
}

impl App {
    /// Signs Ada in. Returns the session cookie and the access token.
    async fn sign_in(&self) -> (String, String) {
        let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
        post("/api/signup").body(&body).reply(&self.routes).await;
        let response = post("/api/token").body(&body).reply(&self.routes).await;
        let cookies = set_cookies(&response);
        let cookie = cookies.iter().find(|it| it.starts_with("__Host-latchkey_refresh=")).unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let tokens: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        (cookie, tokens["access_token"].as_str().unwrap().to_owned())
    }

    async fn send(&self, request: RequestBuilder) -> HttpResponse<Bytes> {
        request.reply(&self.routes).await
    }

    async fn page(&self, cookie: &str) -> u16 {
        let request = warp::test::request().path("/page").header("accept", "text/html");
        self.send(request.header("cookie", cookie)).await.status().as_u16()
    }
}

/// The form, as a browser sends it.
fn form(cookie: &str) -> RequestBuilder {
    let request = warp::test::request().method("POST").path("/logout").header("cookie", cookie);
    request.header("origin", "https://app.example").header("sec-fetch-site", "same-origin")
}

fn set_cookies(response: &HttpResponse<Bytes>) -> Vec<String> {
    let cookies = response.headers().get_all("set-cookie").iter();
    cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_form_ends_the_session_of_the_cookie() {
    let app = app_with(|auth| auth).await;
    let (cookie, token) = app.sign_in().await;
    let (other, _) = app.sign_in().await;
    assert_eq!(app.page(&cookie).await, 200);

    let response = app.send(form(&cookie)).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (303, &"/".parse().unwrap())
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    let cleared = set_cookies(&response);
    assert!(cleared.iter().all(|it| it.ends_with("; Max-Age=0")), "{cleared:?}");
    assert!(cleared[0].starts_with("__Host-latchkey_refresh=;"), "{cleared:?}");

    assert_eq!(app.page(&cookie).await, 303);
    let me =
        warp::test::request().path("/api/me").header("authorization", format!("Bearer {token}"));
    assert_eq!(app.send(me).await.status(), 401);
    assert_eq!(app.page(&other).await, 200, "other sessions continue");
    // A second click, and a visitor.
    for cookie in [&*cookie, "a=b"] {
        assert_eq!(app.send(form(cookie)).await.status(), 303);
    }
}

#[tokio::test]
async fn a_form_of_another_origin_does_not_log_out() {
    let app = app_with(|auth| auth).await;
    let (cookie, _) = app.sign_in().await;
    let forged = || warp::test::request().method("POST").path("/logout").header("cookie", &cookie);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let response = app.send(forged().header(name, value)).await;
        assert_eq!(response.status(), 403, "{name}: {value}");
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(set_cookies(&response), [""; 0]);
    }
    // A link, an image or a prefetch.
    let response = app.send(form(&cookie).method("GET")).await;
    assert_eq!(response.status(), 405);
    assert_eq!(app.page(&cookie).await, 200);
}

#[tokio::test]
async fn the_app_chooses_the_page_after_the_log_out() {
    let app = app_with(|auth| auth.after_log_out("/goodbye")).await;
    let response = app.send(form("")).await;
    assert_eq!(response.headers()["location"], "/goodbye");
}

#[tokio::test]
async fn the_paths_of_the_app_can_have_any_characters() {
    let app = app_with(|auth| auth.log_in_page("/an melden").after_log_out("/tsch\u{fc}s")).await;
    let response = app.send(form("")).await;
    assert_eq!(response.headers()["location"], "/tsch%C3%BCs");
    let page = warp::test::request().path("/page").header("accept", "text/html");
    let response = app.send(page).await;
    assert_eq!(response.headers()["location"], "/an%20melden?next=%2Fpage");
}
