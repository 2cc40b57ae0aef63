//! An app that embeds [`Auth`].

use api::accounts::testing::memory_store;
use api::{Auth, ClientAddress, SignUpRefusal, SignUpRequest, SignedIn, TrustedProxies};
use serde_json::json;
use tempfile::TempDir;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;
use warp::{Filter as _, Reply as _};

use crate::test_app::{CHALLENGE, EMAIL, PASSWORD, post};

pub(crate) async fn auth(folder: &TempDir) -> Auth {
    Auth::builder()
        .sqlite(folder.path().join("app.db"))
        .public_url("https://app.example")
        .pbkdf2_iterations(1_000)
        .accept_weaknesses()
        .build()
        .await
        .unwrap()
}

/// Returns an app with its own routes, including some under `/api`, and a page at every other path.
fn app(auth: &Auth) -> BoxedFilter<(Response,)> {
    async fn note(user: SignedIn, id: u64) -> String {
        format!("note {id} of {}", user.email())
    }
    let private = warp::path!("private").and(warp::get());
    let private = auth.guarded(private, async |user: SignedIn| format!("hello {}", user.email()));
    let note = auth.guarded(warp::path!("api" / "notes" / u64).and(warp::get()), note);
    let new_note =
        auth.guard().with(warp::body::content_length_limit(100).and(warp::body::json())).route(
            warp::path!("api" / "notes" / u64).and(warp::post()),
            async |user: SignedIn, id: u64, text: String| {
                format!("{text} {id} by {}", user.email())
            },
        );
    let page = warp::any().map(|| "the page".into_response());
    let own = private.or(note).unify().or(new_note).unify().or(page).unify();
    auth.routes().or(own).unify().boxed()
}

/// Signs up and logs in. Returns the access token.
pub(crate) async fn token(app: &BoxedFilter<(Response,)>) -> String {
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let created = post("/api/signup").body(&body).reply(app).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    log_in(app).await
}

pub(crate) async fn log_in(app: &BoxedFilter<(Response,)>) -> String {
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let response = post("/api/token").body(&body).reply(app).await;
    let response: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    response["access_token"].as_str().unwrap().to_owned()
}

pub(crate) async fn text(app: &BoxedFilter<(Response,)>, path: &str, token: &str) -> (u16, String) {
    let request =
        warp::test::request().path(path).header("authorization", format!("Bearer {token}"));
    let response = request.reply(app).await;
    (response.status().as_u16(), String::from_utf8_lossy(response.body()).into_owned())
}

#[tokio::test]
async fn the_guard_accepts_a_user_until_the_session_ends() {
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
async fn a_guarded_path_never_falls_through_to_another_route() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&auth(&folder).await);
    for path in ["/private", "/api/notes/7"] {
        let response = warp::test::request().path(path).reply(&app).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["www-authenticate"], CHALLENGE);
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
    // A failed sign-up does not fall through either.
    let response = post("/api/signup").body("{}").reply(&app).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn other_paths_fall_through_to_the_app_even_with_a_trailing_slash() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&auth(&folder).await);
    for path in ["/", "/api", "/api/other", "/api/other/", "/api/me/"] {
        let response = warp::test::request().path(path).reply(&app).await;
        assert_eq!(response.body(), "the page", "{path}");
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_failed_sign_ins_are_counted_by_the_forwarded_ip_address() {
    let folder = tempfile::tempdir().unwrap();
    let proxies = TrustedProxies::from_iter(["10.0.0.1".parse().unwrap()]);
    let app = app(&auth(&folder).await.trust_proxies(proxies));
    let attempt = |client: &str, number: usize| {
        let body = json!({"email": format!("nobody{number}@example.com"), "password": PASSWORD});
        let request = post("/api/token").remote_addr(([10, 0, 0, 1], 50_000).into());
        request.header("x-forwarded-for", client).body(body.to_string())
    };
    for number in 0..30 {
        let response = attempt("192.0.2.1", number).reply(&app).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    let again = attempt("192.0.2.1", 30).reply(&app).await;
    assert_eq!(again.status(), StatusCode::TOO_MANY_REQUESTS);
    let another = attempt("192.0.2.2", 31).reply(&app).await;
    assert_eq!(another.status(), StatusCode::UNAUTHORIZED);
    // A `ClientAddress` in the extensions of the request takes precedence over the header.
    let with_address = attempt("192.0.2.1", 32).extension(ClientAddress([192, 0, 2, 3].into()));
    assert_eq!(with_address.reply(&app).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_body_of_a_guarded_route_is_read_for_authenticated_users_only() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&auth(&folder).await);
    let token = token(&app).await;
    let send = |bearer: &str, body: &str| {
        let request = warp::test::request().method("POST").path("/api/notes/7");
        request.header("authorization", format!("Bearer {bearer}")).body(body).reply(&app)
    };
    let created = send(&token, "\"written\"").await;
    assert_eq!(created.body(), &format!("written 7 by {EMAIL}"));
    // The app handles the rejections of its own filter.
    assert_eq!(send(&token, &"x".repeat(101)).await.body(), "the page");
    // That filter does not run for unauthenticated requests.
    for body in ["\"written\"", &"x".repeat(101)] {
        assert_eq!(send("nonsense", body).await.status(), StatusCode::UNAUTHORIZED);
    }
    let unmatched = warp::test::request().method("POST").path("/api/notes/x").reply(&app).await;
    assert_eq!(unmatched.body(), "the page");
}

#[tokio::test]
async fn the_debug_output_of_unauthenticated_is_only_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let auth = auth(&folder).await;
    let user = warp::test::request().filter(&auth.user_or_error()).await.unwrap();
    let error = user.unwrap_err();
    assert_eq!(format!("{error:?}"), "Unauthenticated(MissingToken)");
    assert!(error.to_string().starts_with("You are not signed in"));
}

#[tokio::test]
async fn a_json_body_is_read_after_authentication_and_its_errors_are_problems() {
    #[derive(serde::Deserialize)]
    struct Note {
        title: String,
    }

    let folder = tempfile::tempdir().unwrap();
    let auth = auth(&folder).await;
    let note = auth.guard().json(32).route(
        warp::path!("notes" / u64).and(warp::post()),
        async |user: SignedIn, id: u64, note: Note| format!("{id} {} {}", note.title, user.email()),
    );
    let page = warp::any().map(|| "the page".into_response());
    let app = auth.routes().or(note.or(page).unify()).unify().boxed();
    let token = token(&app).await;
    let request = |kind: &str, body: &str| {
        let request = warp::test::request().method("POST").path("/notes/7");
        request.header("content-type", kind).body(body)
    };
    let json = "application/json";
    // Without a token, nothing else is checked.
    for (kind, body) in [(json, "nonsense"), ("text/plain", "{}"), (json, &"x".repeat(33))] {
        assert_eq!(request(kind, body).reply(&app).await.status(), 401);
    }
    for (kind, body, expected) in [
        ("text/plain", "{}", (415, "unsupported_media_type")),
        (json, &"x".repeat(33), (413, "payload_too_large")),
        (json, "nonsense", (400, "malformed_json")),
        (json, "[\"a\"]", (400, "invalid_request")),
        (json, "{\"title\": 7}", (400, "invalid_request")),
        (json, "{}", (400, "invalid_request")),
    ] {
        let request = request(kind, body).header("authorization", format!("Bearer {token}"));
        let response = request.reply(&app).await;
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{body}");
        let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let code = problem["code"].as_str().unwrap();
        assert_eq!((response.status().as_u16(), code), expected, "{body}");
        if body == "{}" && kind == json {
            assert!(problem["detail"].as_str().unwrap().contains("`title`"), "{problem}");
        }
        if expected.0 == 413 {
            assert_eq!(problem["detail"], "The body must be at most 32 bytes.");
        }
    }
    let request = request(json, "{\"title\": \"sea\"}");
    let response = request.header("authorization", format!("Bearer {token}")).reply(&app).await;
    assert_eq!(response.body(), &format!("7 sea {EMAIL}"));
}

#[tokio::test]
async fn a_sign_up_that_the_app_refuses_has_the_message_of_the_app() {
    let message = "Sign up with your work email address.";
    let check = async |request: SignUpRequest| match request.email.key().as_str() {
        "ada@example.com" => Ok(()),
        "down@example.com" => Err(SignUpRefusal::failed("the disk is full")),
        _ => Err(SignUpRefusal::new("Sign up with your work email address.")),
    };
    let auth = Auth::builder().store(memory_store()).public_url("https://app.example").for_tests();
    let app = app(&auth.before_sign_up(check).build().await.unwrap());
    let sign_up = async |email: &str| {
        let body = json!({"email": email, "password": PASSWORD}).to_string();
        let response = post("/api/signup").body(body).reply(&app).await;
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), body)
    };
    let (status, refused) = sign_up("ada@other.example").await;
    assert_eq!((status, &refused["code"]), (403, &json!("sign_up_refused")));
    assert_eq!(refused["detail"], message);
    let (status, failed) = sign_up("down@example.com").await;
    assert_eq!((status, &failed["code"]), (503, &json!("unavailable")));
    assert!(!failed.to_string().contains("disk"), "{failed}");
    assert_eq!(sign_up("ada@example.com").await.0, 201);
}
