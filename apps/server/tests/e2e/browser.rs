//! Starts Chromium and its driver, one of each per test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use warp::http::Method;

tokio::task_local! {
    /// Set while a test runs in full Chromium.
    static CHROMIUM: ();
}

/// Runs a test in full Chromium. Use it for what the headless shell does differently, or may do
/// differently: several tabs, going back, downloads, suggested passkeys, permissions, and requests
/// to other origins.
///
/// All other tests run in the headless shell if `E2E_HEADLESS_SHELL` is set: Chromium's engine
/// without the rest of the browser, which starts in a third of the time.
pub(crate) async fn in_chromium<T>(test: impl Future<Output = T>) -> T {
    CHROMIUM.scope((), test).await
}

/// Returns `true` inside [`in_chromium`].
pub(crate) fn needs_chromium() -> bool {
    CHROMIUM.try_with(|()| ()).is_ok()
}

pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    /// The folder of the profile, which is new for each test.
    profile: Rc<TempDir>,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        Self::start_in(Rc::new(tempfile::tempdir().unwrap())).await
    }

    /// Starts a browser whose password manager has saved this account for the pages of `origin`.
    pub(crate) async fn start_with_saved_password(origin: &str, email: &str) -> Self {
        // The first start creates the database of saved passwords.
        let first = in_chromium(Self::start()).await;
        let profile = Rc::clone(&first.profile);
        first.close().await;
        drop(first);
        save_password(&profile, origin, email);
        in_chromium(Self::start_in(profile)).await
    }

    async fn start_in(profile: Rc<TempDir>) -> Self {
        // The driver chooses a port for IPv4 and exits if another program has it for IPv6.
        let (driver, port) = (0..5).find_map(|_| start_driver()).unwrap();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Self { client, driver, profile }
    }

    /// Sends a command of the Chrome DevTools Protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.post("goog/cdp/execute", body).await
    }

    /// Returns the entries of the console since the last call.
    pub(crate) async fn console(&self) -> Vec<Value> {
        let log = self.post("se/log", json!({"type": "browser"})).await;
        log.as_array().cloned().unwrap_or_default()
    }

    /// Sends a POST request to a path of the driver's session.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Sends a request to a path of the driver's session.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let command = Extension { method, path: path.to_owned(), body };
        self.client.issue_cmd(command).await.unwrap()
    }

    /// Closes the browser. If only the driver were killed, the browser would keep running.
    pub(crate) async fn close(&self) {
        let _ = self.client.clone().close().await;
    }
}

/// Starts the driver. Returns its process and port, or `None` if it exited.
fn start_driver() -> Option<(Child, u16)> {
    let program = std::env::var_os("E2E_CHROMEDRIVER").unwrap_or("chromedriver".into());
    let mut driver = Command::new(program).arg("--port=0").stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(driver.stdout.take().unwrap());
    match output.lines().find_map(|line| port(&line.unwrap())) {
        Some(port) => Some((driver, port)),
        None => {
            driver.wait().unwrap();
            None
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn port(line: &str) -> Option<u16> {
    line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok()
}

fn capabilities(profile: &TempDir) -> Capabilities {
    let mut options = json!({
        "args": [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--password-store=basic",
            "--window-size=1280,900",
            format!("--user-data-dir={}", profile.path().display()),
        ],
    });
    let shell = std::env::var("E2E_HEADLESS_SHELL").ok().filter(|_| !needs_chromium());
    let name = if shell.is_some() { "chrome-headless-shell" } else { "chrome" };
    if let Some(binary) = shell.or_else(|| std::env::var("E2E_CHROMIUM").ok()) {
        options["binary"] = json!(binary);
    }
    let capabilities = json!({
        "browserName": name,
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
    });
    capabilities.as_object().cloned().unwrap()
}

/// The password "a long walk along the sea" as Chromium saves it with `--password-store=basic`: in
/// AES-128-CBC, with a key that is the same everywhere.
const SAVED_PASSWORD: &str =
    "7631304d9b24c05eeda3fe27f9f1f32cf34e825676ee70eb0d25629506596cc57b039b";

fn save_password(profile: &TempDir, origin: &str, email: &str) {
    let database = Connection::open(profile.path().join("Default/Login Data")).unwrap();
    database.busy_timeout(Duration::from_secs(30)).unwrap();
    database
        .execute(
            "INSERT INTO logins (
                 origin_url, action_url, username_element, username_value, password_element,
                 password_value, submit_element, signon_realm, date_created, blacklisted_by_user,
                 scheme, password_type, times_used)
             VALUES (?1 || '/login', '', 'email', ?2, 'password', unhex(?3), '', ?1 || '/',
                     13400000000000000, 0, 0, 0, 1)",
            (origin, email, SAVED_PASSWORD),
        )
        .unwrap();
}

/// A command that fantoccini does not have.
#[derive(Debug)]
struct Extension {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (self.method.clone(), self.body.as_ref().map(Value::to_string))
    }
}
