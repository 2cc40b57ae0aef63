use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use accounts::{
    Accounts, Config, Email, Invitation, MailMode, SecondFactorPolicy, SignUpRefusal,
    SignUpRequest, Timestamp,
};
use api::{Auth, Origin};
use auth_core::ManualClock;
use serde_json::{Value, json};
use tempfile::TempDir;
use user_store::SqliteStore;
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;
use warp::test::RequestBuilder;

use crate::mailbox::{Mailbox, SecretsOnly, SentMail};
use crate::openapi::{Documented, compared};

pub(crate) const ORIGIN: &str = "https://auth.example.com";
/// The `WWW-Authenticate` header of a response to a request without an access token.
pub(crate) const CHALLENGE: &str = "Bearer realm=\"latchkey\"";
pub(crate) const COOKIE: &str = "__Host-latchkey_refresh";
pub(crate) const DEVICE: &str = "__Host-latchkey_device";
pub(crate) const EMAIL: &str = "Ada@example.com";
pub(crate) const PASSWORD: &str = "a long walk along the sea";

/// The API on its own store, with a manual clock.
pub(crate) struct TestApp {
    routes: BoxedFilter<(Response,)>,
    clock: Arc<ManualClock>,
    folder: TempDir,
    documented: Documented,
    accounts: Arc<Accounts>,
    mailbox: Mailbox,
}

/// Refuses sign-ups with email addresses of the domain `refused.example`.
async fn refuse_one_domain(request: SignUpRequest) -> Result<(), SignUpRefusal> {
    match request.email.key().as_str().ends_with("@refused.example") {
        true => Err(SignUpRefusal::new("Sign up with another e-mail address.")),
        false => Ok(()),
    }
}

/// A user with a session: the access token, and the refresh token from the cookie.
pub(crate) struct SignedInUser<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) token: String,
    pub(crate) cookie: String,
}

pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    text: String,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with_origin(Origin::parse(ORIGIN).unwrap()).await
    }

    /// Builds an app with an account for [`EMAIL`].
    pub(crate) async fn with_account() -> Self {
        let app = Self::new().await;
        app.sign_up().await;
        app
    }

    pub(crate) async fn with_origin(origin: Origin) -> Self {
        Self::with_config(Config::new(origin), MailMode::Off).await
    }

    /// Builds an app that sends mails.
    pub(crate) async fn with_mail() -> Self {
        Self::with_config(Config::new(Origin::parse(ORIGIN).unwrap()), MailMode::On).await
    }

    /// Builds an app where users can sign in by email.
    pub(crate) async fn with_email_sign_in() -> Self {
        Self::with_email_sign_in_at(Origin::parse(ORIGIN).unwrap()).await
    }

    pub(crate) async fn with_email_sign_in_at(origin: Origin) -> Self {
        let config = Config { email_sign_in: true, ..Config::new(origin) };
        Self::with_config(config, MailMode::On).await
    }

    /// Builds an app where visitors cannot create accounts.
    pub(crate) async fn without_sign_up() -> Self {
        let config = Config::new(Origin::parse(ORIGIN).unwrap());
        Self::with_config(Config { sign_up: false, ..config }, MailMode::Off).await
    }

    /// Builds an app that requires all users to have a second factor.
    pub(crate) async fn requiring_second_factors(mail: MailMode) -> Self {
        let config = Config::new(Origin::parse(ORIGIN).unwrap());
        let require_second_factor = SecondFactorPolicy::Required;
        Self::with_config(Config { require_second_factor, ..config }, mail).await
    }

    /// Builds an app with this configuration, but with few hash iterations.
    async fn with_config(config: Config, mail: MailMode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::<ManualClock>::default();
        let config = Config { pbkdf2_iterations: 1_000, ..config };
        let store = Arc::new(SqliteStore::open(&folder.path().join("latchkey.db")).unwrap());
        let mailbox = Mailbox::default();
        let builder = match mail {
            MailMode::Off => Accounts::builder(),
            MailMode::On => Accounts::builder().mail(mailbox.clone()).mail_text(SecretsOnly),
        };
        let accounts = builder
            .config(config)
            .store(store)
            .clock(Arc::<ManualClock>::clone(&clock))
            .accept_weaknesses()
            .without_maintenance()
            .before_sign_up(refuse_one_domain)
            .build()
            .await
            .unwrap();
        let auth = Auth::new(Arc::clone(&accounts));
        let documented = Documented::default();
        let routes = auth.routes().or(auth.api_not_found()).unify().boxed();
        let routes = compared(routes, &documented);
        Self { routes, clock, folder, documented, accounts, mailbox }
    }

    /// Returns the token of an invitation for an email address.
    pub(crate) async fn invite(&self, email: &str) -> String {
        let email = Email::parse(email).unwrap();
        let operator = self.accounts.operator();
        let invitation = operator.invite(&email, Invitation::DEFAULT_LIFETIME).await.unwrap();
        invitation.token.to_text().to_string()
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.accounts.now()
    }

    pub(crate) fn accounts(&self) -> &Arc<Accounts> {
        &self.accounts
    }

    /// Sends the mails that are due, and returns them.
    pub(crate) async fn mails(&self) -> Vec<SentMail> {
        self.accounts.send_due_mails().await.unwrap();
        self.mailbox.take()
    }

    /// Sends the mails that are due, and returns the code or the token in the one of this kind.
    pub(crate) async fn secret(&self, kind: &str) -> String {
        let mails = self.mails().await;
        let found: Vec<_> = mails.iter().filter(|mail| mail.kind == kind).collect();
        assert_eq!(found.len(), 1, "{kind}: {mails:?}");
        found[0].secret.clone()
    }

    /// Returns the responses of the OpenAPI document that have occurred.
    pub(crate) fn documented(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.documented.lock().unwrap()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("latchkey.db")
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> TestResponse {
        let response = request.reply(&self.routes).await;
        let body = match response.body() {
            body if body.is_empty() => Value::Null,
            body => serde_json::from_slice(body).unwrap(),
        };
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        TestResponse { status: response.status(), headers: response.headers().clone(), body, text }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.send(post(path).body(body.to_string())).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> TestResponse {
        self.send(json_request("PUT", path).body(body.to_string())).await
    }

    /// Creates an account with this email address, and disables it.
    pub(crate) async fn disabled_account(&self, email: &str) {
        let me = self.user_with_email(email).await.me().await;
        let id = me.body["id"].as_str().unwrap().parse().unwrap();
        self.accounts.operator().disable(id).await.unwrap();
    }

    pub(crate) async fn sign_up(&self) -> TestResponse {
        self.sign_up_as(EMAIL).await
    }

    pub(crate) async fn sign_up_as(&self, email: &str) -> TestResponse {
        self.post("/api/signup", json!({"email": email, "password": PASSWORD})).await
    }

    pub(crate) async fn sign_in(&self) -> SignedInUser<'_> {
        self.sign_in_as(EMAIL, PASSWORD, false).await
    }

    pub(crate) async fn sign_in_as(
        &self,
        email: &str,
        password: &str,
        remember: bool,
    ) -> SignedInUser<'_> {
        let body = json!({"email": email, "password": password, "remember": remember});
        self.user_of(&self.send(post("/api/token").body(body.to_string())).await)
    }

    /// Returns the user of a response that logs in.
    #[track_caller]
    pub(crate) fn user_of(&self, response: &TestResponse) -> SignedInUser<'_> {
        assert_eq!(response.status, 200, "{}", response.body);
        SignedInUser { app: self, token: response.token(), cookie: response.cookie() }
    }

    /// Creates the account if it does not exist, and signs in.
    pub(crate) async fn user(&self) -> SignedInUser<'_> {
        self.user_with_email(EMAIL).await
    }

    pub(crate) async fn user_with_email(&self, email: &str) -> SignedInUser<'_> {
        self.sign_up_as(email).await;
        self.sign_in_as(email, PASSWORD, false).await
    }
}

impl SignedInUser<'_> {
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> TestResponse {
        self.app.send(request.header("authorization", self.bearer())).await
    }

    pub(crate) async fn me(&self) -> TestResponse {
        self.send(warp::test::request().path("/api/me")).await
    }

    pub(crate) async fn get(&self, path: &str) -> TestResponse {
        self.send(warp::test::request().path(path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.send(post(path).body(body.to_string())).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> TestResponse {
        self.send(json_request("PUT", path).body(body.to_string())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> TestResponse {
        self.send(warp::test::request().method("DELETE").path(path)).await
    }

    /// Returns the kinds of the latest audit events of the user, newest first.
    pub(crate) async fn event_kinds(&self) -> Vec<String> {
        let response = self.get("/api/me/activity").await;
        assert_eq!(response.status, 200, "{}", response.body);
        let kind = |event: &Value| event["kind"].as_str().unwrap().to_owned();
        response.body["events"].as_array().unwrap().iter().map(kind).collect()
    }

    pub(crate) async fn sign_out(&self) -> TestResponse {
        self.send(post("/api/logout").body("{}")).await
    }

    /// Refreshes the session and stores the new tokens.
    pub(crate) async fn refresh(&mut self) -> TestResponse {
        let response = self.app.send(refresh(&self.cookie)).await;
        if response.status == 200 {
            self.token = response.token();
            self.cookie = response.cookie();
        }
        response
    }
}

impl TestResponse {
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), &self.body["code"]), (status, &json!(code)));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["type"], "about:blank");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert!(self.body["detail"].as_str().unwrap().ends_with('.'));
    }

    /// Asserts that the response rejects one field, for breaking the rule with this code.
    #[track_caller]
    pub(crate) fn assert_field_error(&self, field: &str, code: &str) {
        self.assert_problem(422, "invalid_fields");
        let errors = self.body["errors"].as_array().unwrap();
        let found: Vec<_> = errors.iter().map(|error| (&error["field"], &error["code"])).collect();
        assert_eq!(found, [(&json!(field), &json!(code))]);
        assert!(errors[0]["message"].as_str().unwrap().ends_with('.'));
    }

    pub(crate) fn token(&self) -> String {
        self.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Returns the value of the first cookie that the response sets.
    pub(crate) fn cookie(&self) -> String {
        let (_, value) = self.header("set-cookie").split_once('=').unwrap();
        value.split(';').next().unwrap().to_owned()
    }

    /// Returns the `Set-Cookie` headers, without the names in front of them, that set the cookie
    /// with this name.
    pub(crate) fn set_cookies(&self, name: &str) -> Vec<&str> {
        let set = self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        set.filter_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('=')).collect()
    }

    /// Returns the value of the only cookie with this name that the response sets.
    #[track_caller]
    pub(crate) fn cookie_named(&self, name: &str) -> &str {
        let set = self.set_cookies(name);
        assert_eq!(set.len(), 1, "{name}: {:?}", self.headers);
        set[0].split(';').next().unwrap()
    }

    #[track_caller]
    pub(crate) fn assert_clears_the_cookie(&self) {
        assert_eq!(
            self.header("set-cookie"),
            format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0")
        );
    }

    /// Returns the status, the headers and the body as they are sent.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
        }
        text + &self.text
    }

    /// Returns the body as it is sent.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Returns a refresh request with this token in the cookie.
pub(crate) fn refresh(cookie: &str) -> RequestBuilder {
    post("/api/token/refresh").header("cookie", format!("{COOKIE}={cookie}"))
}

/// Returns a POST request with a JSON content type, but without `Origin` and `Sec-Fetch-Site`.
pub(crate) fn post(path: &str) -> RequestBuilder {
    json_request("POST", path)
}

/// Returns a request with a JSON content type.
pub(crate) fn json_request(method: &str, path: &str) -> RequestBuilder {
    warp::test::request().method(method).path(path).header("content-type", "application/json")
}
