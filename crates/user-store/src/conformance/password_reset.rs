//! Resets of passwords.

use auth_core::SessionPolicy;
use futures_util::future::{join, join_all};

use crate::audit::EventKind;
use crate::codes::ResetPasswordOutcome;
use crate::conformance::code_steps::{kinds_of_events, request_sign_in, sign_in};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    CODE_LIFETIME, NOW, SECOND, current_credentials, is_alive, new_session, open, password_reset,
    request_reset, rotation, sign_in_ada, sign_up_ada, sign_up_verified, two_servers,
};
use crate::users::User;

cases! {
    ($) password_reset_cases in password_reset;
    a_reset_token_sets_a_password_once,
    only_the_newest_reset_token_is_valid,
    a_reset_token_expires,
    concurrent_resets_with_one_token_succeed_once,
    sign_ins_that_race_with_a_reset_leave_no_session,
    a_reset_ends_a_session_that_is_refreshed_at_the_same_time,
}

async fn a_reset_token_sets_a_password_once(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let before = current_credentials(&store, &ada).await;
    let token = request_reset(&store, &ada).await;
    let target = store.reset_target(&token.token.hash(), NOW).await.unwrap();
    assert_eq!(target, Some(ada.clone()), "the token is not used by looking it up");
    let reset = password_reset(&token);
    let outcome = store.reset_password(&reset, NOW).await.unwrap();
    let user = User { email_verified_at: Some(NOW), ..ada.clone() };
    let device_version = before.device_version.next();
    let expected = ResetPasswordOutcome::Reset { user: user.clone(), device_version };
    assert_eq!(outcome, expected);
    let after = current_credentials(&store, &ada).await;
    assert_eq!(after.password_hash, reset.password);
    assert_eq!(after.password_version, before.password_version.next());
    assert_eq!(after.device_version, device_version);
    assert_eq!(store.user(ada.id).await.unwrap(), Some(user));
    assert!(!is_alive(&store, &session).await);
    assert_eq!(store.reset_target(&token.token.hash(), NOW).await.unwrap(), None);
    let again = store.reset_password(&password_reset(&token), NOW).await.unwrap();
    assert_eq!(again, ResetPasswordOutcome::TokenInvalid);
    let kinds = kinds_of_events(&store).await;
    for kind in [EventKind::PasswordResetRequested, EventKind::PasswordReset] {
        assert_eq!(kinds.iter().filter(|recorded| **recorded == kind).count(), 1, "{kind:?}");
    }
}

async fn only_the_newest_reset_token_is_valid(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let former = request_reset(&store, &ada).await;
    let newest = request_reset(&store, &ada).await;
    let outcome = store.reset_password(&password_reset(&former), NOW).await.unwrap();
    assert_eq!(outcome, ResetPasswordOutcome::TokenInvalid);
    let outcome = store.reset_password(&password_reset(&newest), NOW).await.unwrap();
    assert!(matches!(outcome, ResetPasswordOutcome::Reset { .. }), "{outcome:?}");
}

async fn a_reset_token_expires(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let token = request_reset(&store, &ada).await;
    let end = NOW + CODE_LIFETIME;
    assert_eq!(store.reset_target(&token.token.hash(), end).await.unwrap(), None);
    let late = store.reset_password(&password_reset(&token), end).await.unwrap();
    assert_eq!(late, ResetPasswordOutcome::TokenInvalid);
    let in_time = store.reset_password(&password_reset(&token), end - SECOND).await.unwrap();
    assert!(matches!(in_time, ResetPasswordOutcome::Reset { .. }), "{in_time:?}");
}

async fn concurrent_resets_with_one_token_succeed_once(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&servers[0]).await;
    for _ in 0..4 {
        let token = request_reset(&servers[0], &ada).await;
        let resets: Vec<_> = (0..8).map(|_| password_reset(&token)).collect();
        let outcomes = resets.iter().enumerate();
        let outcomes = outcomes.map(|(n, reset)| servers[n % 2].reset_password(reset, NOW));
        let outcomes: Vec<_> = join_all(outcomes).await.into_iter().map(Result::unwrap).collect();
        let is_reset = |outcome: &_| matches!(outcome, ResetPasswordOutcome::Reset { .. });
        let winner = outcomes.iter().position(is_reset).unwrap();
        assert_eq!(outcomes.iter().filter(|outcome| is_reset(outcome)).count(), 1);
        let current = current_credentials(&servers[0], &ada).await;
        assert_eq!(current.password_hash, resets[winner].password);
    }
}

async fn sign_ins_that_race_with_a_reset_leave_no_session(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let ada = sign_up_verified(&servers[0], "ada@example.com").await;
    for _ in 0..6 {
        let verified = current_credentials(&servers[0], &ada).await.password_version;
        let token = request_reset(&servers[0], &ada).await;
        let log_in = request_sign_in(&servers[0], ada.email.key()).await;
        let reset = password_reset(&token);
        let sessions = [new_session(&ada).0, new_session(&ada).0];
        let with_password = sessions.iter().map(|new| servers[1].open_session(new, verified, None));
        let ((opened, reset), by_code) = join(
            join(join_all(with_password), servers[0].reset_password(&reset, NOW)),
            sign_in(&servers[1], &ada, &log_in),
        )
        .await;
        assert!(matches!(reset.unwrap(), ResetPasswordOutcome::Reset { .. }));
        for outcome in opened {
            let _ = outcome.unwrap();
        }
        let _ = by_code;
        assert_eq!(servers[0].sessions(ada.id, NOW).await.unwrap(), []);
    }
}

async fn a_reset_ends_a_session_that_is_refreshed_at_the_same_time(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&servers[0]).await;
    let policy = SessionPolicy::default();
    for _ in 0..6 {
        let (session, token) = open(&servers[0], &ada).await;
        let reset = password_reset(&request_reset(&servers[0], &ada).await);
        let (rotation, _) = rotation(&token);
        let (reset, refreshed) = join(
            servers[0].reset_password(&reset, NOW),
            servers[1].rotate_refresh_token(&rotation, &policy, NOW),
        )
        .await;
        assert!(matches!(reset.unwrap(), ResetPasswordOutcome::Reset { .. }));
        let _ = refreshed.unwrap();
        assert!(!is_alive(&servers[0], &session).await);
    }
}
