//! The browser client, `/latchkey.js`, on pages of the real server and on the page of an embedding
//! app.

mod embedding;
mod tabs;
mod watch;

use std::time::Duration;

use serde_json::{Value, json};

use crate::factors::SetUp;
use crate::server::bearer;
use crate::visitor::{EMAIL, NEW, Network, PASSWORD, Visitor, visit, visit_localhost};

const SIX_MINUTES: Duration = Duration::from_mins(6);
const GRACE: &str = "grace@example.com";

/// A page of the server that runs no script of its own.
const BLANK: &str = "/healthz";

impl Visitor {
    /// Opens a page without a script, and creates a client on it.
    async fn opens_a_page_with_the_client(&self) {
        self.open(BLANK).await;
        self.creates_the_client().await;
    }

    async fn creates_the_client(&self) {
        self.script(
            "import('/latchkey.js').then(({createClient}) => {
                window.auth = createClient();
                window.changes = [];
                auth.onChange((signedIn) => changes.push(signedIn));
            })",
        )
        .await;
    }

    /// Returns the result of a call of the client, or the status and the code of its error.
    async fn calls(&self, call: &str) -> Value {
        let result = "(it) => it ?? null";
        let error = "({status, code, message}) =>
            status === undefined ? {error: message} : {status, code: code ?? null}";
        self.script(&format!("auth.{call}.then({result}, {error})")).await
    }

    async fn logs_in_with_the_client(&self, email: &str, remember: bool) {
        let account = json!({"email": email, "password": PASSWORD, "remember": remember});
        let outcome = self.calls(&format!("login({account})")).await;
        assert_eq!(outcome, json!({"status": "signed_in"}));
    }

    /// Creates an account, and logs in on a page with the client.
    async fn is_signed_in_with_the_client(&self, remember: bool) {
        self.server.sign_up(EMAIL, PASSWORD);
        self.opens_a_page_with_the_client().await;
        self.logs_in_with_the_client(EMAIL, remember).await;
    }

    /// Sends a request with the client, and returns the status of the response.
    async fn fetches(&self, arguments: &str) -> Value {
        self.calls(&format!("fetch({arguments}).then((it) => it.status)")).await
    }

    async fn sees_the_user(&self, email: &str) {
        assert_eq!(self.calls("user()").await["email"], email);
    }

    /// Hides from the page that it becomes visible, after which it would check its session.
    async fn does_not_notice_its_visibility(&self) {
        self.script(
            "addEventListener('visibilitychange', (event) => event.stopPropagation(), true)",
        )
        .await;
    }

    fn refreshes(&self) -> usize {
        self.answers("path=\"/api/token/refresh\"")
    }
}

#[tokio::test]
async fn a_user_signs_up_logs_in_and_logs_out() {
    visit(async |ada| {
        ada.opens_a_page_with_the_client().await;
        assert_eq!(ada.calls("user()").await, Value::Null);
        assert_eq!(ada.answers("path=\"/api/me\""), 0, "there is no session to ask about");
        let account = json!({"email": EMAIL, "password": PASSWORD});
        let short = json!({"email": EMAIL, "password": "short"});
        let fields = format!("signUp({short}).catch((it) => [it.errors[0], it.message])");
        let fields = ada.calls(&fields).await;
        assert_eq!(fields[0]["code"], "password_too_short");
        assert_eq!(fields[0]["message"], fields[1]);
        assert_eq!(ada.calls(&format!("signUp({account})")).await["email"], EMAIL);
        let taken = json!({"status": 409, "code": "email_taken"});
        assert_eq!(ada.calls(&format!("signUp({account})")).await, taken);
        assert_eq!(ada.token().await, None);

        let wrong = json!({"email": EMAIL, "password": NEW});
        let rejected = json!({"status": 401, "code": "invalid_credentials"});
        assert_eq!(ada.calls(&format!("login({wrong})")).await, rejected);
        ada.logs_in_with_the_client(EMAIL, false).await;
        ada.sees_the_user(EMAIL).await;
        assert_eq!(ada.fetches("'/api/sessions'").await, 200);
        let token = ada.token().await.unwrap();
        assert_eq!(ada.script("localStorage.length").await, 0);

        assert_eq!(ada.calls("logout()").await, Value::Null);
        assert_eq!(ada.token().await, None);
        assert_eq!(ada.server.me(&token).status, 401);
        assert_eq!(ada.calls("user()").await, Value::Null);
        assert_eq!(ada.fetches("'/api/me'").await, 401);
        assert_eq!(ada.script("changes").await, json!([true, false]));
        assert_eq!(ada.refreshes(), 0);
    })
    .await;
}

/// The crate `yew-session` has the same rules.
#[tokio::test]
async fn only_paths_of_the_same_origin_are_a_safe_next() {
    visit(async |ada| {
        ada.open(BLANK).await;
        let vectors = include_str!("../../../../crates/yew-session/tests/next.json");
        let wrong = ada
            .script(&format!(
                "import('/latchkey.js').then(({{safeNext}}) => {{
                    const vectors = {vectors};
                    return [
                        ...vectors.safe.filter((next) => safeNext(next) !== next),
                        ...[...vectors.unsafe, null].filter((next) => safeNext(next) !== null),
                    ];
                }})"
            ))
            .await;
        assert_eq!(wrong, json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_lockout_says_when_to_try_again() {
    visit(async |ada| {
        ada.opens_a_page_with_the_client().await;
        let wrong = json!({"email": EMAIL, "password": "x"});
        for _ in 0..10 {
            assert_eq!(ada.calls(&format!("login({wrong})")).await["status"], 401);
        }
        let call =
            format!("login({wrong}).catch(({{status, retryAfter}}) => [status, retryAfter])");
        let answer = ada.calls(&call).await;
        assert_eq!(answer[0], 429);
        assert!(answer[1].as_u64().is_some_and(|seconds| seconds > 0), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn concurrent_requests_with_an_expired_token_share_one_refresh() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        ada.lets_time_pass(SIX_MINUTES).await;
        // The refresh begins after all requests have been rejected.
        ada.script(
            "void ((direct) => window.fetch = async (...request) => {
                if (String(request[0]).includes('refresh')) {
                    await new Promise((done) => setTimeout(done, 500));
                }
                return direct(...request);
            })(fetch)",
        )
        .await;
        let expired = ada.token().await.unwrap();
        let body = json!({"current_password": PASSWORD, "new_password": NEW}).to_string();
        let init = json!({
            "method": "PUT", "headers": {"Content-Type": "application/json"}, "body": body,
        });
        let statuses = ada
            .script(&format!(
                "Promise.all([
                    auth.fetch('/api/sessions'),
                    auth.fetch(new Request('/api/me/password', {init})),
                    auth.fetch('/api/me/activity'),
                ].map(async (it) => (await it).status))"
            ))
            .await;
        assert_eq!(statuses, json!([200, 204, 200]));
        assert_ne!(ada.token().await.unwrap(), expired);
        assert_eq!(ada.refreshes(), 1);
        ada.server.log_in(EMAIL, NEW);

        // A body of the options is sent again, too.
        ada.lets_time_pass(SIX_MINUTES).await;
        let body = json!({"current_password": NEW, "new_password": PASSWORD}).to_string();
        let init = json!({
            "method": "PUT", "headers": {"Content-Type": "application/json"}, "body": body,
        });
        assert_eq!(ada.fetches(&format!("'/api/me/password', {init}")).await, 204);
        ada.server.log_in(EMAIL, PASSWORD);
        assert_eq!(ada.refreshes(), 2);
        assert_eq!(ada.script("changes").await, json!([true]), "a refresh is no change");
        assert!(!ada.server.log().contains("was reused"));
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_about_to_expire_is_refreshed_before_the_request() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        let token = ada.token().await.unwrap();
        assert_eq!(ada.fetches("'/api/me'").await, 200);
        assert_eq!(ada.refreshes(), 0);
        ada.script("void ((now) => performance.now = () => now() + 295_000)(performance.now.bind(performance))")
            .await;
        assert_eq!(ada.fetches("'/api/me'").await, 200);
        assert_eq!(ada.refreshes(), 1);
        assert_ne!(ada.token().await.unwrap(), token);
        assert_eq!(ada.fetches("'/api/me'").await, 200);
        assert_eq!(ada.refreshes(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_stream_is_not_sent_again() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        // Chromium sends streams over HTTP/2 only.
        ada.script(
            "void (window.sent = 0, window.fetch = async () => {
                sent++;
                const headers = {'WWW-Authenticate': 'Bearer error=\"invalid_token\"'};
                return new Response('', {status: 401, headers});
            })",
        )
        .await;
        let body = "{method: 'POST', duplex: 'half', body: new Blob(['x']).stream()}";
        assert_eq!(ada.fetches(&format!("'/upload', {body}")).await, 401);
        assert_eq!(ada.script("sent").await, 1);
        assert!(ada.token().await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_session_that_has_ended_elsewhere_is_noticed_at_the_next_request() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(true).await;
        let other = ada.server.log_in(EMAIL, PASSWORD);
        let ended = ada.server.request("DELETE", "/api/sessions", &bearer(&other));
        assert_eq!(ended.status, 204);
        assert_eq!(ada.fetches("'/api/me'").await, 401);
        assert_eq!(ada.token().await, None);
        assert_eq!(ada.calls("user()").await, Value::Null);
        assert_eq!(ada.script("changes").await, json!([true, false]));
        assert_eq!(ada.script("localStorage.remember ?? null").await, Value::Null);
        assert_eq!(ada.refreshes(), 1);
        ada.logs_in_with_the_client(EMAIL, false).await;
        ada.sees_the_user(EMAIL).await;
    })
    .await;
}

#[tokio::test]
async fn a_session_that_has_ended_elsewhere_is_noticed_when_the_page_becomes_visible() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        let other = ada.server.log_in(EMAIL, PASSWORD);
        let ended = ada.server.request("DELETE", "/api/sessions", &bearer(&other));
        assert_eq!(ended.status, 204);
        ada.script("document.dispatchEvent(new Event('visibilitychange'))").await;
        ada.until("changes.join() === 'true,false'").await;
        assert_eq!(ada.token().await, None);
    })
    .await;
}

#[tokio::test]
async fn deleted_site_data_are_noticed_once_when_the_page_becomes_visible() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(true).await;
        ada.script("(sessionStorage.clear(), localStorage.clear())").await;
        for _ in 0..2 {
            ada.script("document.dispatchEvent(new Event('visibilitychange'))").await;
            assert_eq!(ada.script("changes").await, json!([true, false]));
        }
    })
    .await;
}

#[tokio::test]
async fn a_network_failure_or_an_error_of_the_server_does_not_end_the_session() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        ada.lets_time_pass(SIX_MINUTES).await;
        let expired = ada.token().await;
        let unreachable = json!({"status": 0, "code": null});
        ada.goes(Network::Offline).await;
        assert_eq!(ada.calls("user()").await, unreachable);
        assert_eq!(ada.fetches("'/api/me'").await, unreachable);
        let message = "fetch('/api/me').catch(({name, message}) => `${name}: ${message}`)";
        let sentence = "AuthError: The service cannot be reached. \
                        Check your connection and try again.";
        assert_eq!(ada.calls(message).await, sentence);
        let account = json!({"email": EMAIL, "password": PASSWORD});
        let message =
            format!("login({account}).catch(({{name, message}}) => `${{name}}: ${{message}}`)");
        assert_eq!(ada.calls(&message).await, sentence);
        assert_eq!(
            ada.calls("fetch('/', {signal: AbortSignal.abort()}).catch((it) => it.name)").await,
            "AbortError"
        );
        ada.goes(Network::Online).await;
        ada.script(
            "void (window.direct = fetch, window.fetch = async (...request) =>
                String(request[0]).includes('refresh')
                    ? new Response('{\"code\":\"unavailable\"}', {status: 503})
                    : direct(...request))",
        )
        .await;
        let unavailable = json!({"status": 503, "code": "unavailable"});
        assert_eq!(ada.calls("user()").await, unavailable);
        assert_eq!(ada.fetches("'/api/me'").await, unavailable);
        assert_eq!(ada.token().await, expired);
        // A proxy with its own log-in.
        ada.script("void (window.fetch = async () => new Response('<h1>', {status: 401}))").await;
        assert_eq!(ada.fetches("'/api/me'").await, 401);
        assert_eq!(ada.calls("user()").await, json!({"status": 401, "code": null}));
        assert_eq!(ada.token().await, expired);
        ada.script("void (window.fetch = direct)").await;
        ada.sees_the_user(EMAIL).await;
        assert_eq!(ada.script("changes").await, json!([true]));
    })
    .await;
}

#[tokio::test]
async fn a_lost_response_to_a_refresh_is_requested_again() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        ada.lets_time_pass(SIX_MINUTES).await;
        ada.script(
            "void ((direct) => window.fetch = async (...request) => {
                if (!String(request[0]).includes('refresh') || window.lost) return direct(...request);
                window.lost = true;
                throw new TypeError('lost');
            })(fetch)",
        )
        .await;
        ada.sees_the_user(EMAIL).await;
        assert_eq!(ada.script("lost").await, true);
        assert_eq!(ada.refreshes(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_log_out_without_the_server_signs_the_tab_out_and_rejects() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(true).await;
        ada.goes(Network::Offline).await;
        assert_eq!(ada.calls("logout()").await, json!({"status": 0, "code": null}));
        assert_eq!(ada.token().await, None);
        assert_eq!(ada.script("localStorage.remember ?? null").await, Value::Null);
        ada.goes(Network::Online).await;
        assert_eq!(ada.calls("user()").await, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_log_out_with_an_expired_token_ends_the_session_of_the_cookie() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        ada.lets_time_pass(SIX_MINUTES).await;
        assert_eq!(ada.calls("logout()").await, Value::Null);
        let other = ada.server.log_in(EMAIL, PASSWORD);
        let listed = ada.server.request("GET", "/api/sessions", &bearer(&other)).json();
        assert_eq!(listed["sessions"].as_array().unwrap().len(), 1, "only the new session");
    })
    .await;
}

#[tokio::test]
async fn a_log_in_is_completed_with_a_code_or_a_recovery_code() {
    visit(async |ada| {
        let SetUp { app, recovery_codes, .. } = ada.signs_up_with_an_app();
        ada.opens_a_page_with_the_client().await;
        let account = json!({"email": EMAIL, "password": PASSWORD, "remember": true});
        let first = ada.calls(&format!("login({account})")).await;
        assert_eq!(first["status"], "second_factor_required");
        assert_eq!(first["factors"], json!(["totp", "recovery_code"]));
        assert_eq!(first["expires_in"], 600);
        assert_eq!(ada.token().await, None);
        let second = |member: &str, code: &str, ticket: &Value| {
            format!("completeLogin({})", json!({"ticket": ticket, member: code}))
        };
        let wrong = ada.calls(&second("code", &app.wrong_code(), &first["ticket"])).await;
        assert_eq!(wrong, json!({"status": 422, "code": "invalid_fields"}));
        let signed_in = json!({"status": "signed_in"});
        assert_eq!(ada.calls(&second("code", &app.code(), &first["ticket"])).await, signed_in);
        ada.sees_the_user(EMAIL).await;
        assert!(ada.script("localStorage.remember").await.is_string(), "the choice is kept");

        let first = ada.calls(&format!("login({account})")).await;
        let second = second("recovery_code", &recovery_codes[0], &first["ticket"]);
        assert_eq!(ada.calls(&second).await, signed_in);
        let used = json!({"status": 401, "code": "invalid_ticket"});
        assert_eq!(ada.calls(&second).await, used);
        ada.sees_the_user(EMAIL).await;
    })
    .await;
}

#[tokio::test]
async fn a_passkey_logs_in() {
    visit_localhost(&[], async |ada| {
        ada.has_an_authenticator().await;
        ada.is_signed_in_with_the_client(false).await;
        let added = ada
            .script(
                "auth.fetch('/api/me/passkeys/options', {
                    method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}',
                }).then(async (response) => {
                    const publicKey =
                        PublicKeyCredential.parseCreationOptionsFromJSON(await response.json());
                    const credential = await navigator.credentials.create({publicKey});
                    const body = JSON.stringify({name: 'one', credential: credential.toJSON()});
                    return auth.fetch('/api/me/passkeys', {
                        method: 'POST', headers: {'Content-Type': 'application/json'}, body,
                    });
                }).then((response) => response.status)",
            )
            .await;
        assert_eq!(added, 201);
        assert_eq!(ada.calls("logout()").await, Value::Null);
        let signed_in = json!({"status": "signed_in"});
        assert_eq!(ada.calls("loginWithPasskey()").await, signed_in);
        ada.sees_the_user(EMAIL).await;
        assert_eq!(ada.script("localStorage.remember ?? null").await, Value::Null);
        assert_eq!(ada.calls("loginWithPasskey({remember: true})").await, signed_in);
        assert!(ada.script("localStorage.remember").await.is_string());
    })
    .await;
}
