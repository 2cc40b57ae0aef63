//! An outbox that is full: a stranger has requested too many mails while none can be sent.

use std::time::Duration;

use api::ClientAddress;
use auth_core::{
    ClientInfo, Clock as _, CounterKey, Email, MailId, ManualClock, Network, ResetToken,
    SystemRandom,
};
use serde_json::{Value, json};
use user_store::{
    CodeStore as _, MAX_UNSENT_PER_NETWORK, NewMail, NewResetToken, SendOutcome, SqliteStore,
};
use warp::test::RequestBuilder;

use crate::test_app::{EMAIL, PASSWORD, TestApp, json_request, post};

const HOUR: Duration = Duration::from_hours(1);
const STRANGER: [u8; 4] = [198, 51, 100, 1];

/// Adds as many unsent mails to the outbox as clients at one IP address may request.
async fn fill(app: &TestApp) {
    let store = SqliteStore::open(&app.database()).unwrap();
    let (client, now) =
        (ClientInfo::new(Some(STRANGER.into()), None), ManualClock::default().now());
    for n in 0..MAX_UNSENT_PER_NETWORK {
        let email = Email::parse(&format!("nobody{n}@example.com")).unwrap();
        let token = NewResetToken {
            token: ResetToken::generate(&SystemRandom),
            expires_at: now + HOUR,
            mail: NewMail {
                id: MailId::generate(now, &SystemRandom),
                network: CounterKey::mails_by_network(Network::of(client.ip())),
            },
            client: client.clone(),
        };
        let outcome = store.send_reset_token(email.key(), &token, now).await.unwrap();
        assert_eq!(outcome, SendOutcome::Stored);
    }
}

fn from(address: [u8; 4], request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.extension(ClientAddress(address.into())).body(body.to_string())
}

#[tokio::test]
async fn requests_for_mails_get_503_with_retry_after_while_the_outbox_is_full() {
    let app = TestApp::with_email_sign_in().await;
    let user = app.user().await;
    fill(&app).await;
    let bearer = user.bearer();
    let signed_in = |path: &str| post(path).header("authorization", bearer.clone());
    let email = json!({"email": EMAIL});
    let sign_up = json!({"email": "grace@example.com", "password": PASSWORD});
    let change = json!({"email": "ada@new.example", "password": PASSWORD});
    let requests = |address| {
        [
            from(address, post("/api/password-reset"), &email),
            from(address, post("/api/token/email"), &email),
            from(address, post("/api/signup"), &sign_up),
            from(address, signed_in("/api/me/email"), &change),
            from(address, signed_in("/api/me/email/verification"), &json!({})),
        ]
    };
    // More often than the limit of mails per hour: a rejected request is not counted.
    for _ in 0..6 {
        for request in requests(STRANGER) {
            let rejected = app.send(request).await;
            rejected.assert_problem(503, "overloaded");
            assert_eq!(rejected.header("retry-after"), "5");
            assert_eq!(rejected.header("set-cookie"), "");
        }
    }
    let log_in = json_request("POST", "/api/token").body(sign_up.to_string());
    app.send(log_in).await.assert_problem(401, "invalid_credentials");

    // Clients of other networks are not affected.
    for request in requests([192, 0, 2, 1]) {
        let accepted = app.send(request).await;
        assert!(accepted.status.is_success(), "{}", accepted.body);
    }
    // The mails of the stranger have expired.
    app.advance(HOUR);
    let _ = app.accounts().purge_expired(MAX_UNSENT_PER_NETWORK).await.unwrap();
    let [reset, ..] = requests(STRANGER);
    assert_eq!(app.send(reset).await.status, 202);
}
