//! The secrets of second factors in responses and in the log.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::json;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::{complete, first_step};
use crate::test_app::TestApp;
use crate::test_factors::{FACTORS, RECOVERY_CODES, TOTP, TotpApp, recovery_codes, ticket};

/// A log in memory, of all tests of this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> &'static Self {
        static LOG: LazyLock<Log> = LazyLock::new(|| {
            let log = Log::default();
            tracing_subscriber::fmt()
                .with_ansi(false)
                .with_max_level(LevelFilter::TRACE)
                .with_writer(log.clone())
                .init();
            log
        });
        &LOG
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn secrets_are_in_one_response_only_and_never_in_the_log() {
    let log = Log::start();
    let app = TestApp::new().await;
    let user = app.user().await;
    let begun = user.post(TOTP, json!({})).await;
    let secret = begun.body["secret"].as_str().unwrap().to_owned();
    let totp = TotpApp::scan(&begun);
    let confirmed = user.put(TOTP, json!({"code": totp.code(&app)})).await;
    let mut secrets = recovery_codes(&confirmed);
    assert!(!confirmed.text().contains(&secret));
    secrets.push(secret);
    let (passkey, added) = user.add_passkey("laptop").await;
    let first = first_step(&app).await;
    let ticket = ticket(&first);
    let wrong = complete(&app, &ticket, ("recovery_code", "ABCD-EFGH-JKMN-PQRS-TVWX-YZ23")).await;
    let used = complete(&app, &ticket, ("recovery_code", &secrets[0])).await;
    let again = complete(&app, &app.ticket().await, ("recovery_code", &secrets[0])).await;
    let options = app.options().await;
    let passkey_log_in = app.log_in_with_passkey(&passkey.get(&options)).await;
    let mut responses = vec![added, first, wrong, used, again, options, passkey_log_in];
    for path in [FACTORS, "/api/me", "/api/me/export", "/api/me/activity", "/api/sessions"] {
        responses.push(user.get(path).await);
    }
    responses.push(user.post(RECOVERY_CODES, json!({})).await);
    for (n, response) in responses.iter().enumerate() {
        let found = secrets.iter().find(|secret| response.text().contains(secret.as_str()));
        assert!(found.is_none(), "response {n}");
    }
    secrets.extend([ticket, user.token.clone()]);
    let text = log.text();
    assert!(text.contains("turned the second factor on"), "the log is captured");
    for (n, secret) in secrets.iter().enumerate() {
        assert!(!text.contains(secret.as_str()), "secret {n} is in the log");
    }
}
