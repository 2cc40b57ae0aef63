use accounts::{
    Accounts, AuthenticateError, Caller, ChangePassword, ClientInfo, DeviceToken, OwnAccountError,
    PasswordError, SignIn, SignInError, SignedIn,
};
use futures_util::future::{join, join_all};

use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, TestApp, authenticate, is_rejected, refresh};

async fn change_password(
    server: &Accounts,
    signed_in: &SignedIn,
    current_password: &str,
    new_password: &str,
) -> Result<Option<DeviceToken>, OwnAccountError> {
    let caller = &Caller::default();
    let request = ChangePassword { signed_in, current_password, new_password, caller };
    server.change_password(request).await
}

async fn delete_account(
    server: &Accounts,
    signed_in: &SignedIn,
    password: &str,
) -> Result<(), OwnAccountError> {
    server.delete_account(signed_in, password, &Caller::default()).await.map(|_| ())
}

async fn try_sign_in(server: &Accounts, password: &str) -> Result<(), SignInError> {
    server.sign_in(SignIn::new(EMAIL, password, &Caller::default())).await.map(drop)
}

#[tokio::test]
async fn after_a_password_change_the_new_one_works_and_every_other_session_has_ended() {
    let app = TestApp::new().await;
    let there = app.another_server().await;
    let (ada, other) = (app.user().await, app.remembered_session().await);
    change_password(&app, &ada, PASSWORD, NEW_PASSWORD).await.unwrap();
    authenticate(&there, &ada.tokens).await.unwrap();
    refresh(&there, &ada.tokens).await.unwrap();
    assert!(is_rejected(&there, &other.tokens).await);
    assert!(refresh(&there, &other.tokens).await.is_err());
    let old = try_sign_in(&there, PASSWORD).await;
    assert!(matches!(old, Err(SignInError::InvalidCredentials)));
    try_sign_in(&there, NEW_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    for wrong in ["", NEW_PASSWORD, "a long walk along the sea ", &format!("{PASSWORD}\0")] {
        let changed = change_password(&app, &ada, wrong, NEW_PASSWORD).await;
        assert!(matches!(changed, Err(OwnAccountError::WrongPassword)), "{wrong}");
        let deleted = delete_account(&app, &ada, wrong).await;
        assert!(matches!(deleted, Err(OwnAccountError::WrongPassword)), "{wrong}");
    }
    app.session().await;
}

#[tokio::test]
async fn a_new_password_follows_the_policy() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    for (new, error) in [
        ("short", PasswordError::TooShort { min_length: 8 }),
        ("ADA@example.com", PasswordError::Common),
        ("latchkey", PasswordError::Common),
        ("password1", PasswordError::Common),
    ] {
        // Even if the current one is wrong: checking the rules costs no hash.
        for current in [PASSWORD, "wrong"] {
            let rejected = change_password(&app, &ada, current, new).await;
            assert!(matches!(rejected, Err(OwnAccountError::Invalid(found)) if found == error));
        }
    }
}

#[tokio::test]
async fn a_session_that_has_ended_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    app.sign_out(&ada, &ClientInfo::default()).await.unwrap();
    let changed = change_password(&app, &ada, PASSWORD, NEW_PASSWORD).await;
    assert!(matches!(changed, Err(OwnAccountError::SessionEnded)));
    let deleted = delete_account(&app, &ada, PASSWORD).await;
    assert!(matches!(deleted, Err(OwnAccountError::SessionEnded)));
    app.session().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_password_changes_in_one_session_succeed_once() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let new: Vec<_> = (0..10).map(|n| format!("{NEW_PASSWORD} {n}")).collect();
    let changed = join_all(new.iter().map(|new| change_password(&app, &ada, PASSWORD, new))).await;
    let mut winners = 0;
    for (changed, new) in changed.iter().zip(&new) {
        let works = try_sign_in(&app, new).await.is_ok();
        assert_eq!(changed.is_ok(), works);
        winners += usize::from(works);
        assert!(works || matches!(changed, Err(OwnAccountError::WrongPassword)), "{changed:?}");
    }
    assert_eq!(winners, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_to_the_same_password_succeed_once() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    // The hash is outdated here.
    let server = app.another_server_with(|config| config.pbkdf2_iterations = 20_000).await;
    // Most of the time both have checked the password before one of them changes it.
    let mut rounds = Vec::new();
    while !rounds.contains(&1) && rounds.len() < 20 {
        let change = || change_password(&server, &ada, PASSWORD, PASSWORD);
        let (one, other) = join(change(), change()).await;
        rounds.push(usize::from(one.is_ok()) + usize::from(other.is_ok()));
        let mut rejected = [one, other].into_iter().filter_map(Result::err);
        assert!(rejected.all(|error| matches!(error, OwnAccountError::WrongPassword)));
    }
    assert!(rounds.contains(&1), "{rounds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_and_refreshes_that_race_with_a_password_change_leave_no_session() {
    let app = TestApp::new().await;
    let there = app.another_server().await;
    let ada = app.user().await;
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(app.session().await.tokens);
    }
    let caller = Caller::default();
    let sign_ins = join_all((0..10).map(|_| there.sign_in(SignIn::new(EMAIL, PASSWORD, &caller))));
    let refreshes = join_all(others.iter().map(|other| refresh(&there, other)));
    let ((sign_ins, refreshes), changed) =
        join(join(sign_ins, refreshes), change_password(&app, &ada, PASSWORD, NEW_PASSWORD)).await;
    changed.unwrap();
    for tokens in sign_ins.into_iter().flatten().chain(refreshes.into_iter().flatten()) {
        assert!(is_rejected(&app, &tokens).await);
        assert!(refresh(&app, &tokens).await.is_err());
    }
    let active = app.sessions(&ada).await.unwrap();
    assert_eq!(active.len(), 1);
    assert_eq!(active[0].session.id, ada.session().id);
}

#[tokio::test]
async fn a_password_change_succeeds_while_a_sign_in_rehashes_the_password() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let stronger = app.another_server_with(|config| config.pbkdf2_iterations = 2_000).await;
    let caller = Caller::default();
    let (signed_in, changed) = join(
        stronger.sign_in(SignIn::new(EMAIL, PASSWORD, &caller)),
        change_password(&stronger, &ada, PASSWORD, NEW_PASSWORD),
    )
    .await;
    changed.unwrap();
    // Whether the sign-in came first or too late, its session has ended.
    if let Ok(tokens) = signed_in {
        assert!(is_rejected(&stronger, &tokens).await);
    }
}

#[tokio::test]
async fn deleting_an_account_ends_everything_and_frees_its_email_address() {
    let app = TestApp::new().await;
    let (ada, other) = (app.user().await, app.remembered_session().await);
    delete_account(&app, &ada, PASSWORD).await.unwrap();
    for tokens in [&ada.tokens, &other.tokens] {
        assert!(is_rejected(&app, tokens).await);
        assert!(refresh(&app, tokens).await.is_err());
    }
    assert!(matches!(app.export(&ada).await, Err(AuthenticateError::InvalidToken)));
    // The password is not wrong: the account does not exist any more.
    let again = delete_account(&app, &ada, PASSWORD).await;
    assert!(matches!(again, Err(OwnAccountError::SessionEnded)));
    let changed = change_password(&app, &ada, PASSWORD, NEW_PASSWORD).await;
    assert!(matches!(changed, Err(OwnAccountError::SessionEnded)));
    let signed_in = try_sign_in(&app, PASSWORD).await;
    assert!(matches!(signed_in, Err(SignInError::InvalidCredentials)));
    assert_ne!(app.account().await.id, ada.id());
}

#[tokio::test]
async fn an_export_has_everything_stored_about_the_user() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    app.remembered_session().await;
    let data = app.export(&ada).await.unwrap();
    assert_eq!(data.user, *ada.user());
    assert_eq!(data.password_hash.iterations(), Some(1_000));
    assert_eq!(data.sessions.len(), 2);
    assert_eq!(data.sessions[0].client.user_agent(), Some("Browser/1.0"));
}
