use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auth_core::ManualClock;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, RawQuery};
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::{HeaderMap, Request};
use axum::response::{AppendHeaders, Html, IntoResponse};
use axum::routing::{any, get};
use axum_accounts::accounts::{Accounts, Builder, Role};
use axum_accounts::{Auth, Rejection, User, UserBeforeEnrolment};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tower_service::Service as _;

pub(crate) const ORIGIN: &str = "https://app.example";
pub(crate) const ADA: &str = "email=ada%40example.com&password=a+long+walk+along+the+sea";
const MINUTE: Duration = Duration::from_mins(1);

/// An app with a store of its own and a manual clock.
pub(crate) struct TestApp {
    pub(crate) auth: Auth,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) slow: Arc<Slow>,
    router: Router,
    folder: TempDir,
}

/// The handler of `/slow`, which responds only after the test has let it.
#[derive(Default)]
pub(crate) struct Slow {
    pub(crate) started: Notify,
    pub(crate) respond: Notify,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(Builder<Auth>) -> Builder<Auth>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::<ManualClock>::default();
        let builder = Auth::builder()
            .sqlite(folder.path().join("app.db"))
            .public_url(ORIGIN)
            .clock(Arc::<ManualClock>::clone(&clock))
            .pbkdf2_iterations(1_000)
            .accept_weaknesses();
        let auth = change(builder).build().await.unwrap();
        Self::for_auth(auth, clock, folder)
    }

    /// Changes settings of the app that are not those of its accounts.
    pub(crate) fn set(self, change: impl FnOnce(Auth) -> Auth) -> Self {
        Self::for_auth(change(self.auth), self.clock, self.folder)
    }

    fn for_auth(auth: Auth, clock: Arc<ManualClock>, folder: TempDir) -> Self {
        let slow = Arc::<Slow>::default();
        let router = router(&auth, &slow);
        Self { auth, clock, slow, router, folder }
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        self.auth.accounts()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
            agent: "Browser/1.0",
            ip: 1,
        }
    }

    /// Returns a browser in which Ada has signed up.
    pub(crate) async fn ada(&self) -> Browser {
        let mut browser = self.browser();
        let response = browser.submit("/signup", ADA).await;
        assert_eq!(response.status, 303, "{}", response.body);
        browser
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Moves the clock until the next request rotates the session cookie.
    pub(crate) fn advance_to_rotation(&self) {
        self.advance(5 * MINUTE);
    }

    /// Makes every use of the store fail.
    pub(crate) fn break_store(&self) {
        let path = self.folder.path();
        std::fs::rename(path.join("app.db"), path.join("elsewhere.db")).unwrap();
    }
}

fn router(auth: &Auth, slow: &Arc<Slow>) -> Router {
    let slow = Arc::clone(slow);
    let slow = async move |_: User| {
        slow.started.notify_one();
        slow.respond.notified().await;
        "slow"
    };
    async fn fresh(user: User) -> Result<&'static str, Rejection> {
        user.require_fresh().map(|()| "fresh")
    }
    async fn verified(user: User) -> Result<&'static str, Rejection> {
        user.require_verified().map(|()| "verified")
    }
    async fn admin(user: User) -> Result<&'static str, Rejection> {
        user.require_role(&Role::parse("admin").unwrap()).map(|()| "admin")
    }
    async fn home(user: Option<User>) -> String {
        user.map_or_else(|| "a visitor".to_owned(), |user| user.email().to_owned())
    }
    async fn welcome(user: Option<UserBeforeEnrolment>) -> String {
        user.map_or_else(|| "a visitor".to_owned(), |user| user.email().to_owned())
    }
    async fn by(user: User) -> String {
        format!("by {}", user.email())
    }
    /// Responds with the `Cache-Control` in the query.
    async fn cache(_: Option<User>, RawQuery(query): RawQuery) -> impl IntoResponse {
        let values = query.unwrap_or_default().replace("%20", " ");
        let values = values.split('&').map(|value| (CACHE_CONTROL, value.to_owned()));
        AppendHeaders(values.collect::<Vec<_>>())
    }
    let private = get(async |user: User| format!("hello {}", user.email()));
    Router::new()
        .route("/", get(home).post(home))
        .route("/private", private.post(by).options(by))
        .route("/any", any(by))
        .route("/cached", get(async |_: User| ([("cache-control", "max-age=60")], "cached")))
        .route("/public", get(async |_: Option<User>| PUBLIC))
        .route("/cache", get(cache))
        .route(
            "/twice",
            get(async |one: User, two: Option<User>| {
                assert_eq!(one.session().id, two.unwrap().session().id);
                "twice"
            }),
        )
        .route("/slow", get(slow))
        .route("/static", get(async || "static"))
        .route("/admin", get(admin))
        .route("/fresh", get(fresh))
        .route("/verified", get(verified))
        .route("/enrol", get(async |user: UserBeforeEnrolment| format!("{}", user.id())))
        .route("/welcome", get(welcome).post(welcome))
        .merge(auth.forms(|page| Html(format!("<h1>{}</h1>{}", page.title(), page.to_html()))))
        .layer(auth.layer())
}

/// The response of `/public`.
const PUBLIC: ([(&str, &str); 2], &str) =
    ([("cache-control", "max-age=60, public"), ("vary", "accept, cookie")], "public");

/// A browser with its own cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) agent: &'static str,
    pub(crate) ip: u8,
}

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    /// Opens a page.
    pub(crate) async fn open(&mut self, path: &str) -> Response {
        self.send("GET", path, &[("accept", "text/html")], "").await
    }

    /// Sends a form from the page at this address, as a browser does.
    pub(crate) async fn navigate(&mut self, path: &str, referer: &str) -> Response {
        let headers = [
            ("accept", "text/html"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "same-origin"),
            ("origin", ORIGIN),
            ("referer", referer),
        ];
        self.send("POST", path, &headers, "note=x").await
    }

    /// Sends a form from a page of the app.
    pub(crate) async fn submit(&mut self, path: &str, body: &str) -> Response {
        self.send("POST", path, &[("origin", ORIGIN), ("sec-fetch-site", "same-origin")], body)
            .await
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let response = self.send_without_storing(method, path, headers, body).await;
        for cookie in response.set_cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    /// Sends a request, and ignores the cookies that the response sets.
    pub(crate) async fn send_without_storing(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("user-agent", self.agent);
        if method == "POST" && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer = SocketAddr::from(([192, 0, 2, self.ip], 50_000));
        let request = request.extension(ConnectInfo(peer)).body(Body::from(body.to_owned()));
        let response = self.router.clone().call(request.unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Response { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends a request to `/slow`, and returns when its handler runs.
    pub(crate) async fn start_slow(&self, app: &TestApp) -> JoinHandle<Response> {
        let browser = self.clone();
        let request = async move { browser.send_without_storing("GET", "/slow", &[], "").await };
        let request = tokio::spawn(request);
        app.slow.started.notified().await;
        request
    }

    pub(crate) fn session_cookie(&self) -> Option<&String> {
        self.cookies.get("__Host-latchkey_refresh")
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn vary(&self) -> String {
        let values = self.headers.get_all("vary").iter();
        values.map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// Checks that the response is a problem with this code.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["code"], code);
    }

    /// Checks that the response is a page with this title.
    #[track_caller]
    pub(crate) fn assert_page(&self, status: u16, title: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(self.body.contains(&format!("<h1>{title}</h1>")), "{}", self.body);
    }

    /// Checks that the response is a redirect to this location.
    #[track_caller]
    pub(crate) fn assert_redirect(&self, location: &str) {
        assert_eq!((self.status, self.header("location")), (303, Some(location)), "{}", self.body);
    }
}
