use accounts::{Caller, KnownBrowsers, OperatorError, SignIn, SignInError};

use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, TestApp, is_rejected, refresh};

#[tokio::test]
async fn an_account_is_found_by_every_spelling_of_its_id_and_of_its_email_address() {
    let app = TestApp::new().await;
    let ada = app.account().await;
    let id = ada.id.to_string();
    for name in [&id, &id.to_uppercase(), EMAIL, " ADA@EXAMPLE.COM "] {
        assert_eq!(app.operator().user(name).await.unwrap(), ada, "{name}");
    }
    for name in ["grace@example.com", "ada", "", "01960000-0000-7000-8000-00000000ada0"] {
        let found = app.operator().user(name).await;
        assert!(matches!(found, Err(OperatorError::NoSuchUser)), "{name}");
    }
}

#[tokio::test]
async fn disabling_an_account_ends_its_sessions_and_sign_ins_do_not_reveal_it() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    app.account().await;
    let ada = app.remembered_session().await;
    other_server.operator().disable(ada.id()).await.unwrap();
    assert!(is_rejected(&app, &ada.tokens).await);
    assert!(refresh(&app, &ada.tokens).await.is_err());
    let caller = Caller::default();
    let sign_in = async || app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller)).await;
    assert!(matches!(sign_in().await, Err(SignInError::InvalidCredentials)));
    let disabled_at = other_server.operator().user(EMAIL).await.unwrap().disabled_at;
    assert_eq!(disabled_at, Some(app.now()));
    other_server.operator().enable(ada.id()).await.unwrap();
    let _ = sign_in().await.unwrap();
    assert!(is_rejected(&app, &ada.tokens).await, "ended sessions stay ended");
}

#[tokio::test]
async fn a_password_set_by_an_operator_must_follow_the_policy_and_ends_every_session() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    for wrong in ["short", EMAIL, "latchkey"] {
        let rejected = app.operator().set_password(ada.user(), wrong, KnownBrowsers::Keep).await;
        assert!(matches!(rejected, Err(OperatorError::Invalid(_))), "{wrong}");
    }
    assert!(!is_rejected(&app, &ada.tokens).await);
    app.operator().set_password(ada.user(), NEW_PASSWORD, KnownBrowsers::Keep).await.unwrap();
    assert!(is_rejected(&app, &ada.tokens).await);
    let _ = app.sign_in(SignIn::new(EMAIL, NEW_PASSWORD, &Caller::default())).await.unwrap();
}

#[tokio::test]
async fn an_operator_lists_and_ends_sessions_and_deletes_accounts() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    app.remembered_session().await;
    let operator = app.operator();
    assert_eq!(operator.sessions(ada.id()).await.unwrap().len(), 2);
    assert_eq!(operator.sign_out(ada.id()).await.unwrap(), 2);
    assert!(operator.sessions(ada.id()).await.unwrap().is_empty());
    operator.delete(ada.id()).await.unwrap();
    for again in [
        operator.delete(ada.id()).await,
        operator.unlock(ada.id()).await.map(drop),
        operator.lockouts(ada.id()).await.map(drop),
        operator.disable(ada.id()).await,
        operator.enable(ada.id()).await,
        operator.set_password(ada.user(), NEW_PASSWORD, KnownBrowsers::Keep).await,
    ] {
        assert!(matches!(again, Err(OperatorError::NoSuchUser)));
    }
    assert!(operator.users(None, 10).await.unwrap().is_empty());
}
