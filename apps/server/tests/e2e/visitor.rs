//! A user with a browser.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use fantoccini::Locator;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use warp::http::Method;

use crate::browser::{Browser, needs_chromium};
use crate::server::Server;

pub(crate) const EMAIL: &str = "Ada@example.com";
pub(crate) const PASSWORD: &str = "a long walk along the sea";
pub(crate) const NEW: &str = "a short swim in the river";

/// Returns whether `Keep me signed in` is checked.
pub(crate) const REMEMBER: &str = "document.querySelector('main input[name=remember]').checked";

pub(crate) struct Visitor {
    pub(crate) browser: Browser,
    pub(crate) server: Rc<Server>,
    pub(crate) folder: Rc<TempDir>,
    /// The origin of the server.
    pub(crate) base: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    Offline,
    Online,
}

/// How long to wait for a condition. Only a failing test waits that long.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// How long a test may take.
const TIME_LIMIT: Duration = Duration::from_mins(10);

/// The buttons of a dialog ignore clicks just after it has opened.
const DIALOG_ACCEPTS_CLICKS: &str = "[...document.querySelectorAll('dialog:modal button')].every(
    button => getComputedStyle(button).pointerEvents !== 'none')";

/// Runs a test with a browser and a server, and stops both even if the test fails.
pub(crate) async fn visit(test: impl AsyncFnOnce(&Visitor)) {
    visit_with(&[], test).await;
}

/// Runs a test like [`visit`], with options for the server.
pub(crate) async fn visit_with(options: &[&str], test: impl AsyncFnOnce(&Visitor)) {
    visit_in(|_| options.iter().map(|&option| option.to_owned()).collect(), test).await;
}

/// Runs a test like [`visit_with`], with options that can depend on the folder of the database.
pub(crate) async fn visit_in(
    options: impl FnOnce(&TempDir) -> Vec<String>,
    test: impl AsyncFnOnce(&Visitor),
) {
    let folder = Rc::new(tempfile::tempdir().unwrap());
    let options = options(&folder);
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let server = Rc::new(Server::start(&folder, &options));
    let base = format!("http://{}", server.address);
    visit_at(base, server, folder, Browser::start().await, test).await;
}

/// Runs a test like [`visit_with`], at `http://localhost`. Passkeys do not work at an IP address.
pub(crate) async fn visit_localhost(options: &[&str], test: impl AsyncFnOnce(&Visitor)) {
    visit_localhost_in(|_| options.iter().map(|&option| option.to_owned()).collect(), test).await;
}

/// Runs a test like [`visit_localhost`], with options that can depend on the folder of the
/// database.
pub(crate) async fn visit_localhost_in(
    options: impl FnOnce(&TempDir) -> Vec<String>,
    test: impl AsyncFnOnce(&Visitor),
) {
    let folder = Rc::new(tempfile::tempdir().unwrap());
    let options = options(&folder);
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let server = Rc::new(Server::start(&folder, &options));
    let base = format!("http://localhost:{}", server.address.rsplit_once(':').unwrap().1);
    visit_at(base, server, folder, Browser::start().await, test).await;
}

/// Runs a test like [`visit`], at another app that listens on this port. The server is not used.
pub(crate) async fn visit_app(port: u16, test: impl AsyncFnOnce(&Visitor)) {
    let folder = Rc::new(tempfile::tempdir().unwrap());
    let server = Rc::new(Server::start(&folder, &[]));
    visit_at(format!("http://localhost:{port}"), server, folder, Browser::start().await, test)
        .await;
}

/// Runs a test like [`visit`], in a browser whose password manager has saved the account.
pub(crate) async fn visit_with_saved_password(test: impl AsyncFnOnce(&Visitor)) {
    let folder = Rc::new(tempfile::tempdir().unwrap());
    let server = Rc::new(Server::start(&folder, &[]));
    let base = format!("http://{}", server.address);
    let browser = Browser::start_with_saved_password(&base, EMAIL).await;
    visit_at(base, server, folder, browser, test).await;
}

async fn visit_at(
    base: String,
    server: Rc<Server>,
    folder: Rc<TempDir>,
    browser: Browser,
    test: impl AsyncFnOnce(&Visitor),
) {
    let visitor = Visitor { browser, server, folder, base };
    let outcome = timeout(TIME_LIMIT, AssertUnwindSafe(test(&visitor)).catch_unwind()).await;
    // The driver waits for a page in an endless loop, so nothing else can be asked of it.
    let Ok(outcome) = outcome else { unreachable!("the test has not ended within ten minutes") };
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

/// Returns whether a console entry is an error of a page. Chromium also lists every response with
/// an error status. Those that the application handles do not count, nor do the 404 page and the
/// icon that the pages of another app do not have.
fn is_error(entry: &Value) -> bool {
    let text = entry["message"].as_str().unwrap_or_default();
    let is_handled = entry["source"] == "network"
        && ["/api/", "/nothing", "/favicon.ico"].iter().any(|path| text.contains(path));
    entry["level"] == "SEVERE" && !is_handled
}

impl Visitor {
    /// Runs a test in another browser, with the same server.
    pub(crate) async fn in_another_browser(&self, test: impl AsyncFnOnce(&Self)) {
        let (server, folder) = (Rc::clone(&self.server), Rc::clone(&self.folder));
        let browser = Browser::start().await;
        Box::pin(visit_at(self.base.clone(), server, folder, browser, test)).await;
    }

    /// Returns the current tab.
    pub(crate) async fn tab(&self) -> WindowHandle {
        self.browser.client.window().await.unwrap()
    }

    /// Opens another tab and switches to it. In the headless shell, the first tab would still be
    /// visible.
    pub(crate) async fn opens_a_tab(&self) -> WindowHandle {
        assert!(needs_chromium(), "a test with several tabs has to run `in_chromium`");
        let tab = self.browser.client.new_window(true).await.unwrap().handle;
        self.switches_to(&tab).await;
        tab
    }

    pub(crate) async fn switches_to(&self, tab: &WindowHandle) {
        self.browser.client.switch_to_window(tab.clone()).await.unwrap();
    }

    pub(crate) async fn open(&self, path: &str) {
        self.browser.client.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// Opens a page at the IP address of the server, which is another origin than `localhost`.
    pub(crate) async fn goes_to_the_ip_address(&self, path: &str) {
        let url = format!("http://{}{path}", self.server.address);
        self.browser.client.goto(&url).await.unwrap();
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

    /// Waits for a button with this text. While a dialog is open, only its buttons count.
    pub(crate) async fn button(&self, text: &str) -> Element {
        let path = format!(
            "//button[normalize-space()='{text}' and (ancestor::dialog or not(//dialog[@open]))]"
        );
        self.find(Locator::XPath(&path)).await
    }

    pub(crate) async fn presses(&self, button: &str) {
        self.until(DIALOG_ACCEPTS_CLICKS).await;
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

    /// Fills in the log-in form and submits it.
    pub(crate) async fn submits_the_log_in_form(&self) {
        self.types("email", EMAIL).await;
        self.types("password", PASSWORD).await;
        self.presses("Log in").await;
    }

    /// Creates an account, logs in and waits for the private page. Returns the token.
    pub(crate) async fn logs_in(&self) -> String {
        self.logs_in_and_remembers(false).await
    }

    /// Logs in like [`logs_in`](Self::logs_in), with `Keep me signed in`.
    pub(crate) async fn logs_in_with_remember(&self) -> String {
        self.logs_in_and_remembers(true).await
    }

    async fn logs_in_and_remembers(&self, remember: bool) -> String {
        self.server.sign_up(EMAIL, PASSWORD);
        self.open("/login").await;
        if remember {
            self.field("remember").await.click().await.unwrap();
        }
        self.submits_the_log_in_form().await;
        self.arrives_at("/private").await;
        self.sees_the_account().await;
        self.token().await.unwrap()
    }

    /// Follows a link on the page to another page.
    pub(crate) async fn follows_on_the_page(&self, path: &str) {
        let link = format!("document.querySelector('main a[href=\"{path}\"]')");
        self.until(&link).await;
        self.script(&format!("{link}.click()")).await;
    }

    /// Follows a link in the navigation.
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

    /// Checks that `localStorage` contains only the time at which a session has ended.
    pub(crate) async fn has_stored_only_the_end_of_a_session(&self) {
        let stored = self.script("JSON.stringify(localStorage).replace(/\\d+/, 'TIME')").await;
        assert_eq!(stored, r#"{"signed_out":"TIME"}"#);
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

    pub(crate) async fn restores_the_refresh_cookie(&self, cookie: &Value) {
        let cookie = json!({
            "name": cookie["name"], "value": cookie["value"], "url": self.base,
            "httpOnly": true, "sameSite": "Strict",
        });
        self.browser.devtools("Network.setCookie", cookie).await;
    }

    pub(crate) async fn tampers_with_the_token(&self) {
        let token = self.token().await.unwrap();
        let (start, signature) = token.rsplit_once('.').unwrap();
        let tampered = format!("{start}.{}", signature.chars().rev().collect::<String>());
        self.stores_token(&tampered).await;
    }

    /// Stores a token in `sessionStorage`.
    pub(crate) async fn stores_token(&self, token: &str) {
        self.script(&format!("sessionStorage.setItem('access_token', '{token}')")).await;
    }

    /// Runs a script in every new document, before the scripts of the page.
    pub(crate) async fn adds_script(&self, source: &str) {
        let source = json!({"source": source});
        self.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
    }

    /// Disconnects the browser from the network, or connects it again.
    pub(crate) async fn goes(&self, network: Network) {
        let conditions = json!({
            "offline": network == Network::Offline,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        });
        self.browser.devtools("Network.enable", json!({})).await;
        self.browser.devtools("Network.emulateNetworkConditions", conditions).await;
    }

    /// Presses a key in the element that has the focus.
    pub(crate) async fn presses_key(&self, key: Key) {
        let focused = self.browser.client.active_element().await.unwrap();
        focused.send_keys(&char::from(key).to_string()).await.unwrap();
    }

    /// Returns how many requests of this kind the server has answered.
    pub(crate) fn answers(&self, request: &str) -> usize {
        self.server
            .log()
            .lines()
            .filter(|line| line.contains(request) && line.contains("answered"))
            .count()
    }

    pub(crate) async fn script(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.browser.client.execute(&script, vec![]).await.unwrap()
    }

    /// Waits until the expression is true.
    #[track_caller]
    pub(crate) fn until(&self, expression: &str) -> impl Future<Output = ()> {
        let expression = format!("return Boolean({expression})");
        async move {
            let is_true = || async {
                let value = self.browser.client.execute(&expression, vec![]).await;
                value.is_ok_and(|value| value == true)
            };
            let wait = async {
                while !is_true().await {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            if timeout(TIMEOUT, wait).await.is_err() {
                unreachable!("timed out waiting for: {expression}");
            }
        }
    }

    /// Presses a button that downloads a file with this name. Returns the content of the file.
    pub(crate) async fn downloads(&self, button: &str, file: &str) -> String {
        let folder = self.folder.path();
        let allow = json!({"behavior": "allow", "downloadPath": folder.to_str().unwrap()});
        self.browser.devtools("Browser.setDownloadBehavior", allow).await;
        self.presses(button).await;
        let wait = async {
            loop {
                match std::fs::read_to_string(folder.join(file)) {
                    Ok(text) if !text.is_empty() => return text,
                    _ => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        match timeout(TIMEOUT, wait).await {
            Ok(text) => text,
            Err(_) => unreachable!("timed out waiting for: {file}"),
        }
    }

    /// Takes a screenshot of an element, as a PNG in base64.
    pub(crate) async fn screenshot(&self, selector: &str) -> String {
        let element = self.find(Locator::Css(selector)).await.element_id().to_string();
        let path = format!("element/{element}/screenshot");
        let image = self.browser.send(Method::GET, &path, None).await;
        image.as_str().unwrap().to_owned()
    }

    async fn find(&self, locator: Locator<'_>) -> Element {
        let found = self.browser.client.wait().at_most(TIMEOUT).for_element(locator).await;
        match found {
            Ok(element) => element,
            Err(CmdError::WaitTimeout) => unreachable!("timed out waiting for: {locator:?}"),
            Err(error) => unreachable!("{error}"),
        }
    }

    /// Prints the page and the server's log after a test has failed.
    #[expect(clippy::print_stderr, reason = "this is the report of a failed test")]
    async fn report(&self) {
        let url = self.browser.client.current_url().await.map(|url| url.to_string());
        let text = self.browser.client.execute("return document.body.innerText", vec![]).await;
        eprintln!("{url:?}\n{text:?}\n{}", self.server.log());
    }
}
