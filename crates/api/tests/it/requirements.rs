//! The requirements of guards on users.

use std::sync::Arc;
use std::time::Duration;

use accounts::Builder;
use api::{Auth, Role, SignedIn};
use auth_core::{ManualClock, TotpSecret};
use serde_json::json;
use tempfile::TempDir;
use warp::http::StatusCode;
use warp::{Filter as _, Reply as _};

use crate::embedded::{auth, log_in, text, token};
use crate::test_app::{EMAIL, PASSWORD, json_request, post};

#[tokio::test]
async fn a_guard_for_verified_users_rejects_others_with_403() {
    let folder = tempfile::tempdir().unwrap();
    let auth = auth(&folder).await;
    let private = auth
        .guard()
        .verified()
        .route(warp::path!("private"), async |user: SignedIn| format!("hello {}", user.email()));
    let body = warp::body::content_length_limit(100).and(warp::body::json());
    let note = auth.guard().verified().with(body).route(
        warp::path!("api" / "notes" / u64).and(warp::post()),
        async |user: SignedIn, id: u64, text: String| format!("{text} {id} by {}", user.email()),
    );
    let page = warp::any().map(|| "the page".into_response());
    let own = private.or(note).unify().or(page).unify();
    let app = auth.routes().or(own).unify().boxed();
    let token = token(&app).await;
    let send = async |bearer: &str| {
        let bearer = format!("Bearer {bearer}");
        let page = warp::test::request().path("/private").header("authorization", &bearer);
        let note = warp::test::request().method("POST").path("/api/notes/7");
        let note = note.header("authorization", &bearer).body("\"written\"");
        [page.reply(&app).await, note.reply(&app).await]
    };
    for response in send("nonsense").await {
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    for response in send(&token).await {
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert!(!response.headers().contains_key("www-authenticate"));
        let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["code"], "email_unverified");
    }
    let user = auth.accounts().authenticate(&token).await.unwrap().id();
    auth.accounts().operator().verify_email(user).await.unwrap();
    let [page, note] = send(&token).await;
    assert_eq!(page.body(), &format!("hello {EMAIL}"));
    assert_eq!(note.body(), &format!("written 7 by {EMAIL}"));
}

#[tokio::test]
async fn a_guard_for_a_role_rejects_others_with_403_until_it_is_granted() {
    let folder = tempfile::tempdir().unwrap();
    let auth = auth(&folder).await;
    let admin = || Role::parse("admin").unwrap();
    let guard = auth.guard().role(admin());
    let page =
        guard.route(warp::path!("admin"), async |user: SignedIn| format!("hello {}", user.id()));
    let note = guard.json(100).route(
        warp::path!("api" / "notes" / u64).and(warp::post()),
        async |_: SignedIn, id: u64, note: serde_json::Value| format!("{note} {id}"),
    );
    let other = warp::any().map(|| "the page".into_response());
    let app = auth.routes().or(page.or(note).unify().or(other).unify()).unify().boxed();
    let token = token(&app).await;
    let send = async |bearer: &str| {
        let bearer = format!("Bearer {bearer}");
        let page = warp::test::request().path("/admin").header("authorization", &bearer);
        let note = warp::test::request().method("POST").path("/api/notes/7");
        let note = note.header("authorization", &bearer);
        let note = note.header("content-type", "application/json").body("{}");
        [page.reply(&app).await, note.reply(&app).await].map(|response| {
            (response.status().as_u16(), String::from_utf8_lossy(response.body()).into_owned())
        })
    };
    let rejected = async || {
        for (status, body) in send(&token).await {
            assert_eq!(status, 403);
            assert!(
                body.contains("\"role_required\"") && body.contains("the role admin"),
                "{body}"
            );
        }
    };
    for (status, _) in send("nonsense").await {
        assert_eq!(status, 401);
    }
    rejected().await;
    let user = auth.accounts().authenticate(&token).await.unwrap().id();
    let operator = auth.accounts().operator();
    // Another role does not help.
    operator.grant_role(user, &Role::parse("administrator").unwrap()).await.unwrap();
    rejected().await;
    operator.grant_role(user, &admin()).await.unwrap();
    assert_eq!(send(&token).await, [(200, format!("hello {user}")), (200, "{} 7".to_owned())]);
    operator.revoke_role(user, &admin()).await.unwrap();
    rejected().await;
}

#[tokio::test]
async fn a_guard_for_a_role_checks_the_user_of_a_session_cookie_too() {
    let folder = tempfile::tempdir().unwrap();
    let auth = auth(&folder).await;
    let admin = Role::parse("admin").unwrap();
    let guard = auth.guard().cookies().role(admin.clone());
    let page = guard.route(warp::path!("admin"), async |_: SignedIn| "the page");
    let app = auth.routes().or(page).unify().boxed();
    let token = token(&app).await;
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let logged_in = post("/api/token").body(&body).reply(&app).await;
    let cookies = logged_in.headers().get_all("set-cookie").iter();
    let cookies: Vec<_> =
        cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap()).collect();
    let status = async || {
        let request = warp::test::request().path("/admin").header("cookie", cookies.join("; "));
        request.reply(&app).await.status().as_u16()
    };
    assert_eq!(status().await, 403);
    let user = auth.accounts().authenticate(&token).await.unwrap().id();
    auth.accounts().operator().grant_role(user, &admin).await.unwrap();
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn an_optional_guard_for_a_role_rejects_users_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let auth = auth(&folder).await;
    let admin = Role::parse("admin").unwrap();
    let home = async |user: Option<SignedIn>| if user.is_some() { "an admin" } else { "a visitor" };
    let tokens = auth.guard().role(admin.clone()).optional(warp::path!("tokens"), home);
    let cookies = auth.guard().cookies().role(admin.clone()).optional(warp::path!("cookies"), home);
    let app = auth.routes().or(tokens.or(cookies).unify()).unify().boxed();
    let token = token(&app).await;
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let logged_in = post("/api/token").body(&body).reply(&app).await;
    let set_cookies = logged_in.headers().get_all("set-cookie").iter();
    let pairs = set_cookies.map(|it| it.to_str().unwrap().split(';').next().unwrap());
    let cookie = pairs.collect::<Vec<_>>().join("; ");
    let bearer = format!("Bearer {token}");
    let send = async |path: &str, credential: Option<(&str, &str)>| {
        let mut request = warp::test::request().path(path);
        if let Some((name, value)) = credential {
            request = request.header(name, value);
        }
        let response = request.reply(&app).await;
        (response.status().as_u16(), String::from_utf8_lossy(response.body()).into_owned())
    };
    let users = [
        ("/tokens", "authorization", &bearer),
        ("/cookies", "authorization", &bearer),
        ("/cookies", "cookie", &cookie),
    ];
    for (path, name, value) in users {
        assert_eq!(send(path, None).await, (200, "a visitor".to_owned()));
        let (status, body) = send(path, Some((name, value))).await;
        assert!(status == 403 && body.contains("\"role_required\""), "{path} {name}: {body}");
    }
    let user = auth.accounts().authenticate(&token).await.unwrap().id();
    auth.accounts().operator().grant_role(user, &admin).await.unwrap();
    for (path, name, value) in users {
        assert_eq!(send(path, Some((name, value))).await, (200, "an admin".to_owned()));
    }
}

/// Builds an app whose access tokens are valid for longer than a log-in is recent.
fn builder(folder: &TempDir, clock: &Arc<ManualClock>) -> Builder<Auth> {
    Auth::builder()
        .sqlite(folder.path().join("app.db"))
        .public_url("https://app.example")
        .clock(Arc::<ManualClock>::clone(clock))
        .access_token_lifetime(Duration::from_mins(15))
        .for_tests()
}

#[tokio::test]
async fn a_guard_for_fresh_sessions_rejects_others_with_403() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::<ManualClock>::default();
    let auth = builder(&folder, &clock).build().await.unwrap();
    let payout = auth
        .guard()
        .fresh()
        .route(warp::path!("payout"), async |user: SignedIn| format!("paid to {}", user.email()));
    let body = warp::body::content_length_limit(100).and(warp::body::json());
    let transfer = auth.guard().fresh().with(body).route(
        warp::path!("api" / "transfers" / u64).and(warp::post()),
        async |user: SignedIn, id: u64, text: String| format!("{text} {id} by {}", user.email()),
    );
    let keys = auth.guarded_fresh(warp::path!("keys"), async |user: SignedIn| {
        format!("keys of {}", user.email())
    });
    let page = warp::any().map(|| "the page".into_response());
    let own = payout.or(transfer).unify().or(keys).unify().or(page).unify();
    let app = auth.routes().or(own).unify().boxed();
    let token = token(&app).await;
    let send = async |bearer: &str| {
        let bearer = format!("Bearer {bearer}");
        let payout = warp::test::request().path("/payout").header("authorization", &bearer);
        let transfer = warp::test::request().method("POST").path("/api/transfers/7");
        let transfer = transfer.header("authorization", &bearer).body("\"sent\"");
        let keys = warp::test::request().path("/keys").header("authorization", &bearer);
        [payout.reply(&app).await, transfer.reply(&app).await, keys.reply(&app).await]
    };
    for response in send("nonsense").await {
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    clock.advance(Duration::from_mins(10));
    let [payout, transfer, keys] = send(&token).await;
    assert_eq!(payout.body(), &format!("paid to {EMAIL}"));
    assert_eq!(transfer.body(), &format!("sent 7 by {EMAIL}"));
    assert_eq!(keys.body(), &format!("keys of {EMAIL}"));
    clock.advance(Duration::from_millis(1));
    for response in send(&token).await {
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert!(!response.headers().contains_key("www-authenticate"));
        let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["code"], "step_up_required");
    }
}

#[tokio::test]
async fn a_recent_log_in_is_required_before_an_email_address_and_a_second_factor() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::<ManualClock>::default();
    let auth = builder(&folder, &clock).require_second_factor().build().await.unwrap();
    let handler = async |_: SignedIn| "private";
    let payout = auth.guarded_fresh(warp::path!("payout"), handler);
    let team = auth.guard().verified().fresh().route(warp::path!("team"), handler);
    let app = auth.routes().or(payout.or(team).unify()).unify().boxed();
    let assert_rejected = async |token: &str, expected: [&str; 2]| {
        for (path, code) in ["/payout", "/team"].into_iter().zip(expected) {
            let (status, body) = text(&app, path, token).await;
            assert_eq!(status, 403, "{path}");
            assert!(body.contains(&format!("\"{code}\"")), "{path}: {body}");
        }
    };
    let first = token(&app).await;
    let enrolment = "second_factor_enrolment_required";
    assert_rejected(&first, [enrolment, "email_unverified"]).await;
    clock.advance(Duration::from_mins(10) + Duration::from_millis(1));
    assert_rejected(&first, ["step_up_required"; 2]).await;
    let user = auth.accounts().authenticate(&first).await.unwrap().id();
    auth.accounts().operator().verify_email(user).await.unwrap();
    assert_rejected(&first, ["step_up_required"; 2]).await;
    let second = log_in(&app).await;
    assert_rejected(&second, [enrolment; 2]).await;
}

#[tokio::test]
async fn every_guard_rejects_users_without_the_second_factor_that_the_app_requires() {
    let folder = tempfile::tempdir().unwrap();
    let auth = Auth::builder()
        .sqlite(folder.path().join("app.db"))
        .public_url("https://app.example")
        .for_tests()
        .require_second_factor()
        .build()
        .await
        .unwrap();
    async fn handler(_: SignedIn) -> &'static str {
        "private"
    }
    async fn handler_with(_: SignedIn, _: String) -> &'static str {
        "private"
    }
    let rest = || warp::header("authorization");
    let guarded = auth
        .guarded(warp::path!("a"), handler)
        .or(auth.guard().with(rest()).route(warp::path!("b"), handler_with))
        .unify()
        .or(auth.guard().fresh().route(warp::path!("c"), handler))
        .unify()
        .or(auth.guard().fresh().with(rest()).route(warp::path!("d"), handler_with))
        .unify()
        .or(auth.guard().verified().route(warp::path!("e"), handler))
        .unify()
        .or(auth.guard().verified().with(rest()).route(warp::path!("f"), handler_with))
        .unify();
    let app = auth.routes().or(guarded).unify().boxed();
    let token = token(&app).await;
    let user = auth.accounts().authenticate(&token).await.unwrap();
    assert!(user.needs_enrolment() && !user.has_second_factor());
    for path in ["/e", "/f"] {
        let (status, body) = text(&app, path, &token).await;
        assert_eq!(status, 403, "{path}");
        assert!(body.contains("\"email_unverified\""), "{path}: {body}");
    }
    auth.accounts().operator().verify_email(user.id()).await.unwrap();
    for path in ["/a", "/b", "/c", "/d", "/e", "/f"] {
        let (status, body) = text(&app, path, &token).await;
        assert_eq!(status, 403, "{path}");
        assert!(body.contains("\"second_factor_enrolment_required\""), "{path}: {body}");
    }
    let request = warp::test::request().header("authorization", format!("Bearer {token}"));
    let error = request.filter(&auth.user_or_error()).await.unwrap().unwrap_err();
    assert_eq!(format!("{error:?}"), "Unauthenticated(SecondFactorEnrolmentRequired)");

    // The second factor can be turned on with the routes of the API.
    let bearer = format!("Bearer {token}");
    let send = async |method: &str, body: String| {
        let request = json_request(method, "/api/me/totp").header("authorization", &bearer);
        let response = request.body(body).reply(&app).await;
        assert_eq!(response.status(), StatusCode::OK);
        serde_json::from_slice::<serde_json::Value>(response.body()).unwrap()
    };
    let secret = send("POST", "{}".to_owned()).await["secret"].as_str().unwrap().to_owned();
    let secret = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let code = TotpSecret::from_bytes(&secret).unwrap().code_at(auth.accounts().now());
    send("PUT", json!({"code": code.to_text().as_str()}).to_string()).await;
    for path in ["/a", "/b", "/c", "/d", "/e", "/f"] {
        assert_eq!(text(&app, path, &token).await, (200, "private".to_owned()), "{path}");
    }
}
