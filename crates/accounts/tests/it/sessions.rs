use std::time::Duration;

use accounts::{Caller, ClientInfo, EndSessionError, IssuedTokens, RefreshToken, SignIn};

use crate::app::{EMAIL, PASSWORD, TestApp, TestUser, authenticate, is_rejected, issue, refresh};

#[tokio::test]
async fn the_most_recently_used_session_is_listed_first_and_expired_ones_are_not() {
    let app = TestApp::new().await;
    app.user().await;
    app.advance(Duration::from_mins(20));
    let older = app.session().await;
    let newer = issue(&app, true).await;
    app.advance(Duration::from_mins(10));
    let newer = TestUser::new(&app, refresh(&app, &newer).await.unwrap()).await;
    let listed = app.sessions(&newer).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|record| record.session.id).collect();
    assert_eq!(ids, [newer.session().id, older.session().id]);
    assert_eq!(listed[0].client, ClientInfo::default(), "the client that refreshed the session");
    assert_eq!(listed[1].client.ip(), Some([192, 0, 2, 1].into()));
}

#[tokio::test]
async fn users_can_end_only_their_own_sessions() {
    let app = TestApp::new().await;
    let (ada, other) = (app.user().await, app.session().await);
    let grace = app.user_with_email("grace@example.com").await;
    let (ending, client) = (other.session().id, ClientInfo::default());
    let rejected = app.end_session(&grace, ending, &client).await;
    assert!(matches!(rejected, Err(EndSessionError::NoSuchSession)));
    assert!(!is_rejected(&app, &other.tokens).await);
    app.end_session(&ada, ending, &client).await.unwrap();
    assert!(is_rejected(&app, &other.tokens).await);
    assert!(refresh(&app, &other.tokens).await.is_err());
    let again = app.end_session(&ada, ending, &client).await;
    assert!(matches!(again, Err(EndSessionError::NoSuchSession)));
}

#[tokio::test]
async fn all_other_sessions_can_be_ended_in_one_call() {
    let app = TestApp::new().await;
    let others = [app.user().await, app.remembered_session().await];
    let ada = app.session().await;
    assert_eq!(app.end_other_sessions(&ada, &ClientInfo::default()).await.unwrap(), 2);
    for other in &others {
        assert!(is_rejected(&app, &other.tokens).await);
    }
    assert_eq!(app.sessions(&ada).await.unwrap().len(), 1);
    assert_eq!(app.end_other_sessions(&ada, &ClientInfo::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_session_that_has_ended_cannot_end_other_sessions() {
    let app = TestApp::new().await;
    let (stolen, ada) = (app.user().await, app.session().await);
    let client = ClientInfo::default();
    app.end_other_sessions(&ada, &client).await.unwrap();
    // The request was authenticated before its session ended.
    let ended = app.end_other_sessions(&stolen, &client).await;
    assert!(matches!(ended, Err(EndSessionError::SessionEnded)));
    let ended = app.end_session(&stolen, ada.session().id, &client).await;
    assert!(matches!(ended, Err(EndSessionError::SessionEnded)));
    app.sign_out(&stolen, &client).await.unwrap();
    assert_eq!(app.sessions(&ada).await.unwrap().len(), 1);
}

#[tokio::test]
async fn expired_sessions_are_purged_in_batches() {
    let app = TestApp::new().await;
    app.account().await;
    for _ in 0..15 {
        issue(&app, false).await;
    }
    app.advance(Duration::from_mins(30));
    let ada = app.session().await;
    let stored = async || app.export(&ada).await.unwrap().sessions.len();
    assert_eq!(stored().await, 16);
    assert_eq!(app.purge_expired(10).await.unwrap().sessions, 10);
    assert_eq!(stored().await, 6);
    assert_eq!(app.purge_expired(10).await.unwrap().sessions, 5);
    assert_eq!(stored().await, 1);
}

#[tokio::test]
async fn a_sign_in_replaces_the_session_of_the_same_browser() {
    async fn replace(app: &TestApp, token: &RefreshToken) -> IssuedTokens {
        let caller = Caller::default();
        let request = SignIn { replaces: Some(token), ..SignIn::new(EMAIL, PASSWORD, &caller) };
        app.sign_in(request).await.unwrap().into_tokens().unwrap()
    }

    let app = TestApp::new().await;
    let (elsewhere, first) = (app.user().await, app.session().await.tokens);
    let second = refresh(&app, &first).await.unwrap();
    let third = replace(&app, &second.refresh.token).await;
    for tokens in [&first, &second] {
        assert!(is_rejected(&app, tokens).await);
    }
    assert!(refresh(&app, &second).await.is_err());
    // Any refresh token of a session identifies the session to replace. The token of an ended
    // session is ignored.
    replace(&app, &third.refresh.token).await;
    replace(&app, &first.refresh.token).await;
    let ada = authenticate(&app, &elsewhere.tokens).await.unwrap();
    assert_eq!(app.sessions(&ada).await.unwrap().len(), 3);
    let session = app.session_for_token(&elsewhere.tokens.refresh.token).await.unwrap();
    assert_eq!(session.as_ref(), Some(ada.session()));
    assert_eq!(app.session_for_token(&second.refresh.token).await.unwrap(), None);
}
