//! An app of somebody else's, built around [`Auth`].

use api::{Auth, ClientAddress, Guarded, Refusal, TrustedProxies};
use serde_json::json;
use tempfile::TempDir;
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use crate::world::{EMAIL, PASSWORD, post};

async fn auth(folder: &TempDir) -> Auth {
    Auth::builder()
        .sqlite(folder.path().join("app.db"))
        .public_url("https://app.example")
        .weak_hashes_for_tests()
        .build()
        .await
        .unwrap()
}

/// The app has routes of its own, under `/api` too, and a page for all other paths.
fn app(auth: &Auth) -> BoxedFilter<(Response,)> {
    async fn note(id: u64, user: Guarded) -> Result<String, Refusal> {
        Ok(format!("note {id} of {}", user?.email()))
    }
    let private = warp::path!("private")
        .and(warp::get())
        .and(auth.require_user())
        .map(|user: Guarded| user.map(|user| format!("hello {}", user.email())));
    let note = warp::path!("api" / "notes" / u64).and(auth.require_user()).then(note);
    let page = warp::any().map(|| "the page");
    let own = private.or(note).or(page).map(warp::Reply::into_response);
    auth.routes().or(own).unify().boxed()
}

async fn token(app: &BoxedFilter<(Response,)>) -> String {
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let created = post("/api/signup").body(&body).reply(app).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let answer = post("/api/token").body(&body).reply(app).await;
    let answer: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn text(app: &BoxedFilter<(Response,)>, path: &str, token: &str) -> (u16, String) {
    let request =
        warp::test::request().path(path).header("authorization", format!("Bearer {token}"));
    let answer = request.reply(app).await;
    (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
}

#[tokio::test]
async fn who_is_signed_in_passes_the_guard_until_the_session_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&auth(&folder).await);
    let token = token(&app).await;
    assert_eq!(text(&app, "/private", &token).await, (200, format!("hello {EMAIL}")));
    assert_eq!(text(&app, "/api/notes/7", &token).await, (200, format!("note 7 of {EMAIL}")));

    let out = post("/api/logout").header("authorization", format!("Bearer {token}"));
    assert_eq!(out.body("{}").reply(&app).await.status(), StatusCode::NO_CONTENT);
    for path in ["/private", "/api/notes/7"] {
        let (status, body) = text(&app, path, &token).await;
        assert_eq!(status, 401);
        assert!(body.contains("invalid_token") && !body.contains(EMAIL), "{body}");
    }
}

#[tokio::test]
async fn a_guarded_path_is_never_answered_by_another_route() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&auth(&folder).await);
    for path in ["/private", "/api/notes/7"] {
        let answer = warp::test::request().path(path).reply(&app).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    // A failed sign-up neither.
    let answer = post("/api/signup").body("{}").reply(&app).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn paths_that_are_not_ours_are_the_apps_with_a_slash_at_their_end_too() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&auth(&folder).await);
    for path in ["/", "/api", "/api/other", "/api/other/", "/api/me/"] {
        let answer = warp::test::request().path(path).reply(&app).await;
        assert_eq!(answer.body(), "the page", "{path}");
    }
}

#[tokio::test]
async fn behind_a_proxy_failed_log_ins_are_counted_by_the_address_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let proxies = TrustedProxies::from_iter(["10.0.0.1".parse().unwrap()]);
    let app = app(&auth(&folder).await.trust_proxies(proxies));
    let attempt = |client: &str, number: usize| {
        let body = json!({"email": format!("nobody{number}@example.com"), "password": PASSWORD});
        let request = post("/api/token").remote_addr(([10, 0, 0, 1], 50_000).into());
        request.header("x-forwarded-for", client).body(body.to_string())
    };
    for number in 0..30 {
        let answer = attempt("192.0.2.1", number).reply(&app).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let again = attempt("192.0.2.1", 30).reply(&app).await;
    assert_eq!(again.status(), StatusCode::TOO_MANY_REQUESTS);
    let another = attempt("192.0.2.2", 31).reply(&app).await;
    assert_eq!(another.status(), StatusCode::UNAUTHORIZED);
    // Who runs the connections knows better.
    let known = attempt("192.0.2.1", 32).extension(ClientAddress([192, 0, 2, 3].into()));
    assert_eq!(known.reply(&app).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_refuses_shows_no_more_than_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let auth = auth(&folder).await;
    let guarded = warp::test::request().filter(&auth.require_user()).await.unwrap();
    let refusal = guarded.unwrap_err();
    assert_eq!(format!("{refusal:?}"), "Refusal(MissingToken)");
    assert!(refusal.to_string().starts_with("Send an access token"));
}
