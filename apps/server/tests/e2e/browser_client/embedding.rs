//! The browser client on the page of an embedding app.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::{Auth, Origin, SignedIn};
use serde_json::{Value, json};
use warp::Filter as _;
use warp::http::Uri;
use warp::path::FullPath;
use warp::reply::{html, with_header};

use super::GRACE;
use crate::browser::in_chromium;
use crate::server::Server;
use crate::visitor::{EMAIL, PASSWORD, TIMEOUT, Visitor, visit};

/// How late a late response is.
const DELAY: Duration = Duration::from_secs(3);

/// An embedding app: the example `front_end` of `api`, with routes that accept the session cookie,
/// and a redirect to another origin.
struct FrontEnd {
    url: String,
    /// The path whose responses are delayed.
    late: Arc<Mutex<String>>,
    /// `true` once a response is being delayed.
    is_waiting: Arc<AtomicBool>,
    _folder: tempfile::TempDir,
}

impl FrontEnd {
    async fn start(redirect: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let url = format!("http://localhost:{port}");
        let auth = Auth::builder().sqlite(folder.path().join("app.db")).public_url(&*url);
        let auth = auth.build().await.unwrap().log_in_page("/");
        let hello = async |user: SignedIn| format!("hello {}", user.email());
        let private = auth.guarded(warp::path!("private"), hello);
        let cookies = auth.guard().cookies().route(warp::path!("cookies"), hello);
        let rendered = async |_: SignedIn| {
            html("<script type=module src=/latchkey-page.js></script><p>Buy milk.")
        };
        let rendered = auth.guard().page().route(warp::path!("rendered"), rendered);
        let page = include_str!("../../../../../crates/api/examples/front_end/index.html");
        let page = warp::path::end().map(move || html(page));
        let script = include_str!("../../../../../crates/api/examples/front_end/app.js");
        let script = warp::path!("app.js")
            .map(move || with_header(script, "content-type", "text/javascript"));
        let away: Uri = redirect.parse().unwrap();
        let away = warp::path!("away").map(move || warp::redirect::temporary(away.clone()));
        let near = warp::path!("near").map(|| warp::redirect(Uri::from_static("/private")));
        let app = auth.routes().or(private).or(cookies).or(rendered).or(page).or(script);
        let app = app.or(away).or(near);
        let late = Arc::<Mutex<String>>::default();
        let is_waiting = Arc::<AtomicBool>::default();
        let (path, waits) = (Arc::clone(&late), Arc::clone(&is_waiting));
        let app = warp::path::full().and(app).then(move |full: FullPath, response| {
            let is_late = full.as_str() == *path.lock().unwrap();
            let waits = Arc::clone(&waits);
            async move {
                if is_late {
                    waits.store(true, Ordering::SeqCst);
                    tokio::time::sleep(DELAY).await;
                }
                response
            }
        });
        tokio::spawn(warp::serve(app).bind(([127, 0, 0, 1], port)).await.run());
        Self { url, late, is_waiting, _folder: folder }
    }

    fn delays(&self, path: &str) {
        path.clone_into(&mut self.late.lock().unwrap());
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server of another origin, which allows requests from every page and records their heads.
struct OtherOrigin {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl OtherOrigin {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let recorded = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 8 * 1024];
                let length = stream.read(&mut head).unwrap();
                recorded.lock().unwrap().push(String::from_utf8_lossy(&head[..length]).into());
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\
                      access-control-allow-origin: *\r\naccess-control-allow-headers: *, authorization\r\n\r\n",
                );
            }
        });
        Self { url, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn the_example_page_signs_up_logs_in_and_logs_out() {
    in_chromium(visit(async |ada| {
        let app = FrontEnd::start("/").await;
        ada.browser.client.goto(&app.url).await.unwrap();
        ada.until("!document.forms[0].hidden").await;
        ada.script(&format!(
            "void (document.forms[0].email.value = '{EMAIL}',
                document.forms[0].password.value = 'short',
                document.querySelector('[name=new]').click())"
        ))
        .await;
        ada.until("document.querySelector('[role=alert]').innerText.includes('at least 8')").await;
        ada.script(&format!(
            "void (document.forms[0].password.value = '{PASSWORD}',
                document.forms[0].remember.click(),
                document.querySelector('[name=new]').click())"
        ))
        .await;
        let hello = format!("document.body.innerText.includes('hello {EMAIL}')");
        ada.until(&hello).await;
        let first = ada.tab().await;
        ada.opens_a_tab().await;
        ada.browser.client.goto(&app.url).await.unwrap();
        ada.until(&hello).await;
        ada.tampers_with_the_token().await;
        ada.browser.client.refresh().await.unwrap();
        ada.until(&hello).await;
        ada.script("document.querySelector('#logout').click()").await;
        ada.until("!document.forms[0].hidden").await;
        ada.sees_nothing_private().await;
        ada.switches_to(&first).await;
        ada.until("!document.forms[0].hidden").await;
        ada.sees_nothing_private().await;
    }))
    .await;
}

impl Visitor {
    /// Logs in on the example page, and stays signed in.
    async fn is_signed_in_at(&self, app: &FrontEnd) {
        self.browser.client.goto(&app.url).await.unwrap();
        self.creates_the_client().await;
        let account = json!({"email": EMAIL, "password": PASSWORD});
        assert_eq!(self.calls(&format!("signUp({account})")).await["email"], EMAIL);
        self.logs_in_with_the_client(EMAIL, true).await;
        self.browser.client.refresh().await.unwrap();
        self.until(&format!("document.body.innerText.includes('hello {EMAIL}')")).await;
    }

    /// Sees the form of the example page, and still sees only it after all late responses.
    async fn sees_only_the_form(&self) {
        self.until("!document.forms[0].hidden").await;
        tokio::time::sleep(DELAY).await;
        self.until("!document.forms[0].hidden && document.querySelector('main').hidden").await;
        for element in ["#greeting", "[role=alert]"] {
            let text = format!("document.querySelector('{element}').textContent");
            assert_eq!(self.script(&text).await, "", "{element}");
        }
    }
}

#[tokio::test]
async fn a_late_response_brings_nothing_back_after_a_log_out_in_another_tab() {
    in_chromium(visit(async |ada| {
        let app = FrontEnd::start("/").await;
        ada.is_signed_in_at(&app).await;
        let mut first = ada.tab().await;
        for path in ["/private", "/api/me"] {
            app.delays(path);
            let second = ada.opens_a_tab().await;
            ada.browser.client.goto(&app.url).await.unwrap();
            match path {
                "/private" => ada.until("!document.querySelector('main').hidden").await,
                _ => ada.until("sessionStorage.getItem('access_token')").await,
            }
            ada.switches_to(&first).await;
            ada.script("document.querySelector('#logout').click()").await;
            ada.sees_only_the_form().await;
            ada.switches_to(&second).await;
            ada.sees_only_the_form().await;

            app.delays("");
            ada.script(&format!(
                "void (document.forms[0].email.value = '{EMAIL}',
                    document.forms[0].password.value = '{PASSWORD}',
                    document.forms[0].remember.checked = true,
                    document.forms[0].querySelector('button').click())"
            ))
            .await;
            ada.until(&format!("document.body.innerText.includes('hello {EMAIL}')")).await;
            first = second;
        }
        // The rejected request is listed in the console.
        drop(ada.browser.console().await);
    }))
    .await;
}

/// The cookie is of the user who has logged in last.
#[tokio::test]
async fn a_tab_never_acts_for_the_user_of_the_cookie() {
    in_chromium(visit(async |ada| {
        let app = FrontEnd::start("/").await;
        let blank = format!("{}/healthz", app.url);
        let logs_in = async |email: &str| {
            ada.browser.client.goto(&blank).await.unwrap();
            ada.creates_the_client().await;
            let account = json!({"email": email, "password": PASSWORD});
            assert_eq!(ada.calls(&format!("signUp({account})")).await["email"], email);
            ada.logs_in_with_the_client(email, false).await;
        };
        logs_in(EMAIL).await;
        let first = ada.tab().await;
        ada.opens_a_tab().await;
        logs_in(GRACE).await;
        ada.switches_to(&first).await;
        let text = "fetch('/cookies', {method: 'POST'}).then((it) => it.text())";
        assert_eq!(ada.calls(text).await, format!("hello {EMAIL}"));
        ada.script("void (performance.now = () => 1e9)").await;
        let outcomes = ada
            .script(
                "Promise.all([
                    auth.fetch('/cookies', {method: 'POST'})
                        .then((it) => it.status === 401 && it.json()).then((it) => it.code),
                    auth.fetch('/cookies', {method: 'POST', signal: AbortSignal.abort()})
                        .catch((it) => it.name),
                ])",
            )
            .await;
        assert_eq!(outcomes, json!(["missing_token", "AbortError"]));
        assert_eq!(ada.token().await, None);
        assert_eq!(ada.script("changes").await, json!([true, false]));
    }))
    .await;
}

#[tokio::test]
async fn a_rendered_page_that_is_loaded_during_a_log_out_is_loaded_again() {
    in_chromium(visit(async |ada| {
        let app = FrontEnd::start("/").await;
        ada.is_signed_in_at(&app).await;
        app.delays("/rendered");
        let first = ada.tab().await;
        ada.opens_a_tab().await;
        ada.browser.client.goto(&app.url).await.unwrap();
        ada.until(&format!("document.body.innerText.includes('hello {EMAIL}')")).await;
        let second = ada.tab().await;
        ada.switches_to(&first).await;
        // The driver would wait for the page if its load began before the switch.
        ada.script("void setTimeout(() => location = '/rendered', 500)").await;
        ada.switches_to(&second).await;
        let is_waiting = async {
            while !app.is_waiting.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, is_waiting).await.unwrap();
        ada.script("document.querySelector('#logout').click()").await;
        ada.until("!document.forms[0].hidden").await;
        ada.switches_to(&first).await;
        ada.until("location.search === '?next=%2Frendered'").await;
    }))
    .await;
}

#[tokio::test]
async fn the_example_page_shows_an_error_status_as_a_sentence() {
    visit(async |ada| {
        let app = FrontEnd::start("/").await;
        ada.is_signed_in_at(&app).await;
        ada.script(
            "void ((direct) => window.fetch = async (...request) =>
                request[0].url?.includes('private')
                    ? new Response('{}', {status: 503})
                    : direct(...request))(fetch)",
        )
        .await;
        ada.script("void new BroadcastChannel('latchkey').postMessage('user-changed')").await;
        ada.until("document.querySelector('[role=alert]').innerText.includes('Try again later.')")
            .await;
        assert_eq!(ada.script("document.querySelector('main').hidden").await, false);
        assert_eq!(ada.script("document.querySelector('#greeting').innerText").await, "");
    })
    .await;
}

#[tokio::test]
async fn the_token_is_not_sent_to_another_origin() {
    in_chromium(visit(async |ada| {
        let other = OtherOrigin::start();
        let app = FrontEnd::start(&other.url).await;
        ada.browser.client.goto(&app.url).await.unwrap();
        ada.creates_the_client().await;
        let account = json!({"email": EMAIL, "password": PASSWORD});
        assert_eq!(ada.calls(&format!("signUp({account})")).await["email"], EMAIL);
        ada.logs_in_with_the_client(EMAIL, false).await;

        let token = ada.token().await.unwrap();
        for request in [json!(other.url).to_string(), format!("new Request('{}')", other.url)] {
            assert_eq!(ada.fetches(&request).await, 200);
        }
        assert_eq!(other.heads().len(), 2);
        for request in ["'/away'", "new Request('/away', {mode: 'cors'})"] {
            assert_eq!(ada.fetches(request).await, json!({"status": 0, "code": null}));
        }
        let heads = other.heads().concat().to_lowercase();
        assert!(!heads.contains("authorization"), "{heads}");
        assert!(!heads.contains(&token.to_lowercase()), "{heads}");
        assert_eq!(other.heads().len(), 2, "redirects are not followed");
        assert_eq!(ada.fetches("'/near'").await, 200, "within the origin, they are");
        assert_eq!(ada.token().await, Some(token));
        let console = ada.browser.console().await;
        let blocked = console.iter().filter(|entry| entry["source"] == "security").count();
        assert_eq!(blocked, 2, "{console:?}");
    }))
    .await;
}

#[tokio::test]
async fn the_service_can_be_at_another_origin_and_under_another_path() {
    in_chromium(visit(async |ada| {
        let [page_port, port] = [free_port(), free_port()];
        let [page_url, url] = [page_port, port].map(|port| format!("http://localhost:{port}"));
        let page = warp::any().map(|| html("<!doctype html><title>A page</title>"));
        tokio::spawn(warp::serve(page).bind(([127, 0, 0, 1], page_port)).await.run());
        let folder = tempfile::tempdir().unwrap();
        let auth = Auth::builder().sqlite(folder.path().join("app.db")).public_url(&*url);
        let auth = auth.build().await.unwrap().prefix("/auth").unwrap();
        let auth = auth.allow_origin(Origin::parse(&page_url).unwrap());
        let hello = async |user: SignedIn| format!("hello {}", user.email());
        let private = auth.guarded(warp::path!("private"), hello);
        let app = auth.routes().or(auth.cors(private));
        tokio::spawn(warp::serve(app).bind(([127, 0, 0, 1], port)).await.run());

        ada.browser.client.goto(&page_url).await.unwrap();
        ada.script(&format!(
            "import('{url}/latchkey.js').then(({{createClient}}) => {{
                window.auth = createClient({{base: '{url}/auth'}});
            }})"
        ))
        .await;
        let account = json!({"email": EMAIL, "password": PASSWORD});
        assert_eq!(ada.calls(&format!("signUp({account})")).await["email"], EMAIL);
        ada.logs_in_with_the_client(EMAIL, true).await;
        ada.sees_the_user(EMAIL).await;
        assert_eq!(ada.fetches(&format!("'{url}/private'")).await, 200);
        ada.tampers_with_the_token().await;
        assert_eq!(ada.fetches(&format!("'{url}/private'")).await, 200);
        assert_eq!(ada.calls("logout()").await, Value::Null);
        assert_eq!(ada.calls("user()").await, Value::Null);
        // The rejected request is listed in the console.
        drop(ada.browser.console().await);
    }))
    .await;
}

#[tokio::test]
async fn a_server_that_stops_and_starts_again_keeps_the_session() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        ada.server.signal("KILL");
        assert_eq!(ada.calls("user()").await, json!({"status": 0, "code": null}));
        let _restarted = Server::start_at(&ada.server.address, &ada.folder, &[]);
        ada.sees_the_user(EMAIL).await;
    })
    .await;
}
