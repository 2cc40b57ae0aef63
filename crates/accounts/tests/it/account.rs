use accounts::{
    Accounts, AuthenticateError, Caller, ChangePassword, ClientInfo, DeviceToken, OwnAccountError,
    PasswordError, SignIn, SignInError, SignInOutcome, SignedIn,
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
async fn a_password_change_ends_every_other_session_and_the_new_password_works() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    let (ada, other) = (app.user().await, app.remembered_session().await);
    change_password(&app, &ada, PASSWORD, NEW_PASSWORD).await.unwrap();
    authenticate(&other_server, &ada.tokens).await.unwrap();
    refresh(&other_server, &ada.tokens).await.unwrap();
    assert!(is_rejected(&other_server, &other.tokens).await);
    assert!(refresh(&other_server, &other.tokens).await.is_err());
    let old = try_sign_in(&other_server, PASSWORD).await;
    assert!(matches!(old, Err(SignInError::InvalidCredentials)));
    try_sign_in(&other_server, NEW_PASSWORD).await.unwrap();
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
        // The rules are checked before the current password, because this needs no hashing.
        for current in [PASSWORD, "wrong"] {
            let rejected = change_password(&app, &ada, current, new).await;
            assert!(matches!(rejected, Err(OwnAccountError::Invalid(found)) if found == error));
        }
    }
}

#[tokio::test]
async fn a_session_that_has_ended_cannot_change_or_delete_the_account() {
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
    let mut successes = 0;
    for (changed, new) in changed.iter().zip(&new) {
        let works = try_sign_in(&app, new).await.is_ok();
        assert_eq!(changed.is_ok(), works);
        successes += usize::from(works);
        assert!(works || matches!(changed, Err(OwnAccountError::WrongPassword)), "{changed:?}");
    }
    assert_eq!(successes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_to_the_same_password_succeed_once() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    // The stored hash is outdated for this server.
    let server = app.another_server_with(|config| config.pbkdf2_iterations = 20_000).await;
    // In most rounds, both calls check the password before one of them changes it.
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
async fn sign_ins_and_refreshes_that_race_with_a_password_change_leave_no_active_session() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    let ada = app.user().await;
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(app.session().await.tokens);
    }
    let caller = Caller::default();
    let sign_ins =
        join_all((0..10).map(|_| other_server.sign_in(SignIn::new(EMAIL, PASSWORD, &caller))));
    let refreshes = join_all(others.iter().map(|other| refresh(&other_server, other)));
    let ((sign_ins, refreshes), changed) =
        join(join(sign_ins, refreshes), change_password(&app, &ada, PASSWORD, NEW_PASSWORD)).await;
    changed.unwrap();
    let sign_ins = sign_ins.into_iter().flatten().filter_map(SignInOutcome::into_tokens);
    for tokens in sign_ins.chain(refreshes.into_iter().flatten()) {
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
    // If the sign-in was first, the password change has ended its session.
    if let Ok(SignInOutcome::SignedIn(tokens)) = signed_in {
        assert!(is_rejected(&stronger, &tokens).await);
    }
}

#[tokio::test]
async fn deleting_an_account_ends_its_sessions_and_frees_its_email_address() {
    let app = TestApp::new().await;
    let (ada, other) = (app.user().await, app.remembered_session().await);
    delete_account(&app, &ada, PASSWORD).await.unwrap();
    for tokens in [&ada.tokens, &other.tokens] {
        assert!(is_rejected(&app, tokens).await);
        assert!(refresh(&app, tokens).await.is_err());
    }
    assert!(matches!(app.export(&ada).await, Err(AuthenticateError::InvalidToken)));
    // The password is not reported as wrong, because the account no longer exists.
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
