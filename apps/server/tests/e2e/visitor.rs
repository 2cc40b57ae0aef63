//! A user at a browser.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use fantoccini::Locator;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::WindowHandle;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::server::Server;

pub(crate) const EMAIL: &str = "Ada@example.com";
pub(crate) const PASSWORD: &str = "a long walk along the sea";
pub(crate) const NEW: &str = "a short swim in the river";

pub(crate) struct Visitor {
    pub(crate) browser: Browser,
    pub(crate) server: Rc<Server>,
    pub(crate) folder: Rc<TempDir>,
    /// The origin of the server.
    base: String,
}

/// How long a condition is waited for. Only a failing test waits so long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs a test with a browser and a server, and ends both in any case.
pub(crate) async fn visit(test: impl AsyncFnOnce(&Visitor)) {
    visit_with(&[], test).await;
}

/// Runs a test like [`visit`], with options for the server.
pub(crate) async fn visit_with(options: &[&str], test: impl AsyncFnOnce(&Visitor)) {
    let folder = Rc::new(tempfile::tempdir().unwrap());
    let server = Rc::new(Server::start(&folder, options));
    visit_at(server, folder, test).await;
}

async fn visit_at(server: Rc<Server>, folder: Rc<TempDir>, test: impl AsyncFnOnce(&Visitor)) {
    let base = format!("http://{}", server.address);
    let visitor = Visitor { browser: Browser::start().await, server, folder, base };
    let outcome = AssertUnwindSafe(test(&visitor)).catch_unwind().await;
    if outcome.is_err() {
        visitor.report().await;
    }
    let console = visitor.browser.console().await;
    visitor.browser.close().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
    let errors: Vec<_> = console.iter().filter(|entry| is_error(entry)).collect();
    assert!(errors.is_empty(), "the console shows errors: {errors:?}");
}

/// Whether a console entry is an error of a page. Chromium also lists every error status: those that
/// the app handles do not count, nor does the 404 page.
fn is_error(entry: &Value) -> bool {
    let text = entry["message"].as_str().unwrap_or_default();
    let is_handled =
        entry["source"] == "network" && (text.contains("/api/") || text.contains("/nothing"));
    entry["level"] == "SEVERE" && !is_handled
}

impl Visitor {
    /// Runs a test in another browser, which shares nothing with this one.
    pub(crate) async fn elsewhere(&self, test: impl AsyncFnOnce(&Self)) {
        Box::pin(visit_at(Rc::clone(&self.server), Rc::clone(&self.folder), test)).await;
    }

    /// Returns the current tab.
    pub(crate) async fn tab(&self) -> WindowHandle {
        self.browser.client.window().await.unwrap()
    }

    /// Opens another tab and switches to it.
    pub(crate) async fn opens_a_tab(&self) -> WindowHandle {
        let tab = self.browser.client.new_window(true).await.unwrap().handle;
        self.goes_to(&tab).await;
        tab
    }

    pub(crate) async fn goes_to(&self, tab: &WindowHandle) {
        self.browser.client.switch_to_window(tab.clone()).await.unwrap();
    }

    pub(crate) async fn open(&self, path: &str) {
        self.browser.client.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// Waits until the URL has this path and query.
    pub(crate) async fn arrives_at(&self, path: &str) {
        self.until(&format!("location.pathname + location.search === {}", json!(path))).await;
    }

    /// Waits for the page's heading and returns its text.
    pub(crate) async fn heading(&self) -> String {
        self.find(Locator::Css("main h1")).await.text().await.unwrap()
    }

    pub(crate) async fn field(&self, name: &str) -> Element {
        self.find(Locator::Css(&format!("main input[name={name}]"))).await
    }

    pub(crate) async fn value(&self, name: &str) -> String {
        self.field(name).await.prop("value").await.unwrap().unwrap_or_default()
    }

    pub(crate) async fn types(&self, name: &str, text: &str) {
        let field = self.field(name).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Fills in the form that changes the password.
    pub(crate) async fn types_passwords(&self, current: &str, new: &str) {
        self.types("current_password", current).await;
        self.types("new_password", new).await;
    }

    pub(crate) async fn button(&self, text: &str) -> Element {
        let path = format!("//button[normalize-space()='{text}']");
        self.find(Locator::XPath(&path)).await
    }

    pub(crate) async fn presses(&self, button: &str) {
        self.button(button).await.click().await.unwrap();
    }

    /// Waits for a message with this role and returns its text.
    pub(crate) async fn message(&self, role: &str) -> String {
        self.until(&format!(
            "[...document.querySelectorAll('main [role={role}]')].some(e => e.innerText.trim())"
        ))
        .await;
        self.script(&format!(
            "[...document.querySelectorAll('main [role={role}]')].map(e => e.innerText).join(' ').trim()"
        ))
        .await
        .as_str()
        .unwrap_or_default()
        .to_owned()
    }

    pub(crate) async fn signs_up(&self) {
        self.open("/signup").await;
        self.types("email", EMAIL).await;
        self.types("password", PASSWORD).await;
        self.presses("Sign up").await;
        self.arrives_at("/login").await;
    }

    pub(crate) async fn logs_in(&self) {
        self.types("email", EMAIL).await;
        self.types("password", PASSWORD).await;
        self.presses("Log in").await;
    }

    /// Creates an account, logs in and waits for the private page. Returns the token.
    pub(crate) async fn is_signed_in(&self) -> String {
        self.is_signed_in_and(false).await
    }

    /// Signs in like [`is_signed_in`](Self::is_signed_in), with `Keep me signed in`.
    pub(crate) async fn is_kept_signed_in(&self) -> String {
        self.is_signed_in_and(true).await
    }

    async fn is_signed_in_and(&self, remember: bool) -> String {
        self.server.sign_up(EMAIL, PASSWORD);
        self.open("/login").await;
        if remember {
            self.field("remember").await.click().await.unwrap();
        }
        self.logs_in().await;
        self.arrives_at("/private").await;
        self.sees_the_account().await;
        self.token().await.unwrap()
    }

    /// Follows a link of the navigation.
    pub(crate) async fn follows(&self, path: &str) {
        self.until(&format!("document.querySelector('nav a[href=\"{path}\"]')")).await;
        self.script(&format!("document.querySelector('nav a[href=\"{path}\"]').click()")).await;
    }

    pub(crate) async fn sees_the_account(&self) {
        self.until(&format!("document.querySelector('main').innerText.includes('{EMAIL}')")).await;
    }

    pub(crate) async fn sees_nothing_private(&self) {
        assert_eq!(
            self.script(&format!("document.body.innerText.includes('{EMAIL}')")).await,
            false
        );
    }

    /// Returns the token in `sessionStorage`.
    pub(crate) async fn token(&self) -> Option<String> {
        self.script("sessionStorage.getItem('access_token')").await.as_str().map(str::to_owned)
    }

    pub(crate) async fn refresh_cookie(&self) -> Option<Value> {
        let cookies = self.browser.devtools("Network.getAllCookies", json!({})).await;
        let cookies = cookies["cookies"].as_array().unwrap();
        cookies.iter().find(|cookie| cookie["name"] == "latchkey_refresh").cloned()
    }

    pub(crate) async fn has_for_refresh_cookie(&self, cookie: &Value) {
        let same = json!({
            "name": cookie["name"], "value": cookie["value"], "url": self.base,
            "httpOnly": true, "sameSite": "Strict",
        });
        self.browser.devtools("Network.setCookie", same).await;
    }

    pub(crate) async fn tampers_with_the_token(&self) {
        let token = self.token().await.unwrap();
        let (start, signature) = token.rsplit_once('.').unwrap();
        let tampered = format!("{start}.{}", signature.chars().rev().collect::<String>());
        self.keeps_token(&tampered).await;
    }

    /// Stores a token in `sessionStorage`.
    pub(crate) async fn keeps_token(&self, token: &str) {
        self.script(&format!("sessionStorage.setItem('access_token', '{token}')")).await;
    }

    pub(crate) async fn script(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.browser.client.execute(&script, vec![]).await.unwrap()
    }

    /// Waits until the expression holds.
    #[track_caller]
    pub(crate) fn until(&self, expression: &str) -> impl Future<Output = ()> {
        let expression = format!("return Boolean({expression})");
        async move {
            let holds = || async {
                let value = self.browser.client.execute(&expression, vec![]).await;
                value.is_ok_and(|value| value == true)
            };
            let wait = async {
                while !holds().await {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            if tokio::time::timeout(TIMEOUT, wait).await.is_err() {
                unreachable!("never: {expression}");
            }
        }
    }

    async fn find(&self, locator: Locator<'_>) -> Element {
        let found = self.browser.client.wait().at_most(TIMEOUT).for_element(locator).await;
        match found {
            Ok(element) => element,
            Err(CmdError::WaitTimeout) => unreachable!("never there: {locator:?}"),
            Err(error) => unreachable!("{error}"),
        }
    }

    /// Prints the page and the log of the server when a test has failed.
    #[expect(clippy::print_stderr, reason = "this is the report of a failed test")]
    async fn report(&self) {
        let url = self.browser.client.current_url().await.map(|url| url.to_string());
        let text = self.browser.client.execute("return document.body.innerText", vec![]).await;
        eprintln!("{url:?}\n{text:?}\n{}", self.server.log());
    }
}
