use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::{Accounts, Settings};
use api::PublicOrigin;
use auth_core::{Clock, SystemRandom, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use user_store::SqliteStore;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;
use warp::test::RequestBuilder;

pub(crate) const ORIGIN: &str = "https://auth.example.com";
pub(crate) const EMAIL: &str = "Ada@example.com";
pub(crate) const PASSWORD: &str = "a long walk along the sea";

/// Somebody without an account.
pub(crate) struct Anonymous {
    routes: BoxedFilter<(Response,)>,
    clock: Arc<StoppedClock>,
    folder: TempDir,
}

/// Somebody with an account, a session and its token.
pub(crate) struct SignedInUser<'a> {
    world: &'a Anonymous,
    pub(crate) token: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

struct StoppedClock(Mutex<Timestamp>);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl Anonymous {
    pub(crate) async fn new() -> Self {
        Self::with_origin(PublicOrigin::exact(ORIGIN)).await
    }

    pub(crate) async fn with_origin(origin: PublicOrigin) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start = Timestamp::from_second(1_700_000_000).unwrap();
        let clock = Arc::new(StoppedClock(Mutex::new(start)));
        let settings = Settings { pbkdf2_iterations: 1_000, ..Settings::new(ORIGIN) };
        let store = Arc::new(SqliteStore::open(&folder.path().join("latchkey.db")).unwrap());
        let random = Arc::new(SystemRandom);
        let accounts =
            Accounts::start(store, settings, Arc::<StoppedClock>::clone(&clock), random).await;
        let routes = api::routes(Arc::new(accounts.unwrap()), origin);
        Self { routes, clock, folder }
    }

    pub(crate) fn pass(&self, time: Duration) {
        *self.clock.0.lock().unwrap() += time;
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("latchkey.db")
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.reply(&self.routes).await;
        let body = match response.body() {
            body if body.is_empty() => Value::Null,
            body => serde_json::from_slice(body).unwrap(),
        };
        Answer { status: response.status(), headers: response.headers().clone(), body }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(post(path).body(body.to_string())).await
    }

    pub(crate) async fn sign_up(&self) -> Answer {
        self.post("/api/signup", json!({"email": EMAIL, "password": PASSWORD})).await
    }

    pub(crate) async fn log_in(&self) -> SignedInUser<'_> {
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let answer = self.post("/api/token", body).await;
        let token = answer.body["access_token"].as_str().unwrap().to_owned();
        SignedInUser { world: self, token }
    }

    pub(crate) async fn signed_in(&self) -> SignedInUser<'_> {
        self.sign_up().await;
        self.log_in().await
    }
}

impl SignedInUser<'_> {
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub(crate) async fn me(&self) -> Answer {
        let request = warp::test::request().path("/api/me").header("authorization", self.bearer());
        self.world.send(request).await
    }

    pub(crate) async fn log_out(&self) -> Answer {
        let request = post("/api/logout").header("authorization", self.bearer()).body("{}");
        self.world.send(request).await
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), &self.body["code"]), (status, &json!(code)));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["type"], "about:blank");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert!(self.body["detail"].as_str().unwrap().ends_with('.'));
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A POST as a program sends it.
pub(crate) fn post(path: &str) -> RequestBuilder {
    warp::test::request().method("POST").path(path).header("content-type", "application/json")
}
