use std::time::Duration;

use accounts::{Caller, ChangePassword, ClientInfo, Origin, SessionLimits};

use crate::app::{
    EMAIL, NEW_PASSWORD, PASSWORD, TestApp, authenticate, is_rejected, issue, refresh, session_on,
};

#[tokio::test]
async fn a_token_is_rejected_on_every_server_once_its_session_has_ended() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    let ada = app.user().await;
    assert_eq!(authenticate(&other_server, &ada.tokens).await.unwrap().email(), EMAIL);
    app.sign_out(&ada, &ClientInfo::default()).await.unwrap();
    for server in [&*app, &other_server] {
        assert!(is_rejected(server, &ada.tokens).await);
    }
    // Signing out again is not an error.
    app.sign_out(&ada, &ClientInfo::default()).await.unwrap();
}

#[tokio::test]
async fn a_token_expires_after_its_lifetime_while_its_session_stays_active() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    app.advance(Duration::from_secs(299));
    let signed_in = authenticate(&app, &ada.tokens).await.unwrap();
    assert!(signed_in.session().is_alive(app.now()));
    app.advance(Duration::from_secs(1));
    assert!(is_rejected(&app, &ada.tokens).await);
}

#[tokio::test]
async fn a_session_expires_when_it_is_idle_and_at_the_end_of_its_lifetime() {
    let minutes = Duration::from_mins;
    let limits = SessionLimits::new(minutes(20), minutes(30)).unwrap();
    let app = TestApp::with_config(|config| {
        config.sessions.standard = limits;
        config.access_token_lifetime = Duration::from_hours(5);
    })
    .await;
    app.account().await;
    let idle = issue(&app, false).await;
    assert_eq!(idle.access.expires_in, minutes(20), "a token expires with its session");
    app.advance(minutes(15));
    let used = refresh(&app, &issue(&app, false).await).await.unwrap();
    app.advance(minutes(5));
    assert!(is_rejected(&app, &idle).await);
    assert!(refresh(&app, &idle).await.is_err());
    let used = refresh(&app, &used).await.unwrap();
    authenticate(&app, &used).await.unwrap();
    assert_eq!(used.access.expires_in, minutes(20));
    app.advance(minutes(15));
    let used = refresh(&app, &used).await.unwrap();
    assert_eq!(used.access.expires_in, minutes(10), "a refresh does not extend the lifetime");
    app.advance(minutes(10));
    assert!(is_rejected(&app, &used).await);
    assert!(refresh(&app, &used).await.is_err());
}

#[tokio::test]
async fn servers_on_one_store_accept_each_others_tokens_even_after_a_restart() {
    let mut app = TestApp::new().await;
    let other_server = app.another_server().await;
    assert_eq!(app.jwks().await, other_server.jwks().await);
    let ada = app.user().await;
    authenticate(&other_server, &ada.tokens).await.unwrap();
    drop(other_server);
    app.restart().await;
    authenticate(&app, &ada.tokens).await.unwrap();
}

#[tokio::test]
async fn a_token_of_another_service_is_rejected() {
    let app = TestApp::new().await;
    let other_origin = Origin::parse("https://evil.example").unwrap();
    let other_service = app.another_server_with(|config| config.origin = other_origin).await;
    app.account().await;
    let token = session_on(&other_service).await.tokens;
    assert!(is_rejected(&app, &token).await);
    app.session().await;
}

#[tokio::test]
async fn debug_output_contains_no_secrets() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let (tokens, signed_in, data) = (&ada.tokens, &*ada, app.export(&ada).await.unwrap());
    let output = format!("{tokens:?} {signed_in:?} {data:?}");
    let (access, refresh) = (tokens.access.token.as_str(), tokens.refresh.token.to_text());
    for secret in [access, &*refresh, EMAIL, "192.0.2.1", "i=1000"] {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
}

/// The session must be looked up for every request, even if the token was accepted before.
#[tokio::test]
async fn a_token_in_use_is_rejected_immediately_however_its_session_is_ended() {
    for end in ["sign out", "sign out elsewhere", "end it", "change the password", "disable"] {
        let app = TestApp::new().await;
        let other_server = app.another_server().await;
        let (ada, other) = (app.user().await, app.session().await);
        for _ in 0..40 {
            authenticate(&app, &ada.tokens).await.unwrap();
        }
        let client = ClientInfo::default();
        match end {
            "sign out" => app.sign_out(&ada, &client).await.unwrap(),
            "sign out elsewhere" => other_server.sign_out(&ada, &client).await.unwrap(),
            "end it" => other_server.end_session(&other, ada.session().id, &client).await.unwrap(),
            "change the password" => {
                let change = ChangePassword {
                    signed_in: &other,
                    current_password: PASSWORD,
                    new_password: NEW_PASSWORD,
                    caller: &Caller::default(),
                };
                other_server.change_password(change).await.map(drop).unwrap();
            }
            _ => other_server.operator().disable(ada.id()).await.unwrap(),
        }
        assert!(is_rejected(&app, &ada.tokens).await, "{end}");
    }
}
