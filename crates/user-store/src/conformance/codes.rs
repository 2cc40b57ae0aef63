//! Codes and reset tokens of all purposes.

use auth_core::{ResetTokenHash, Session};
use futures_util::future::{join, join_all};

use crate::audit::EventKind;
use crate::codes::{
    ChangeEmailOutcome, NewResetToken, NewSignInCode, OpenSessionWithCodeOutcome, PasswordReset,
    PendingSignIn, ResetPasswordOutcome, SendVerificationOutcome, VerifyEmailOutcome,
};
use crate::conformance::code_steps::{
    change, change_to, request_sign_in, send_verification, sign_in, verify,
};
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_steps::{
    add_passkey, begin_totp, confirm, factors, recovery_codes, sign_in_verified, turn_off, turn_on,
    turn_on_with_app, wrong_code,
};
use crate::conformance::steps::{
    NOW, SECOND, Server, acting, client, hash, kinds_of_mails, mail_id, new_code, open,
    password_reset, reauthenticate, request_reset, set_password, sign_in_ada, sign_out,
    sign_up_verified, two_servers, user,
};
use crate::factors::{
    ConfirmTotpOutcome, RemovePasskeyOutcome, ReplaceRecoveryCodesOutcome,
    ResetSecondFactorOutcome, TurnOffOutcome, TurnOnOutcome,
};
use crate::mails::{FAILED_MAIL_RETENTION, NewCode};
use crate::users::{ReauthenticatedChangeOutcome, UpdateUserOutcome, User};

cases! {
    ($) codes_cases in codes;
    an_ended_session_uses_no_code,
    an_expired_session_uses_no_code,
    a_code_is_valid_only_for_its_purpose,
    a_notice_goes_only_to_a_verified_email,
    a_disabled_account_has_no_valid_codes,
    a_request_for_an_unknown_or_disabled_email_is_stored_without_a_user,
    changes_of_the_account_delete_its_codes_and_mails,
    changes_of_factors_delete_the_codes_and_mails_of_the_account,
    a_deletion_leaves_only_notices,
    concurrent_uses_of_one_code_succeed_once,
    a_reset_and_an_email_change_with_codes_succeed_once,
}

async fn an_ended_session_uses_no_code(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let (other, _) = open(&store, &ada).await;
    let verification = send_verification(&store, &session, &ada).await;
    let email = change_to(&store, &ada, &session, "new@example.com").await;
    assert!(sign_out(&store, &session).await);
    assert_eq!(verify(&store, &session, &verification).await, VerifyEmailOutcome::SessionEnded);
    assert_eq!(change(&store, &session, &email).await, ChangeEmailOutcome::SessionEnded);
    let sent = store.send_verification_code(&acting(&session), &new_code(&ada), NOW).await;
    assert_eq!(sent.unwrap(), SendVerificationOutcome::SessionEnded);
    let outcome = verify(&store, &other, &verification).await;
    assert!(matches!(outcome, VerifyEmailOutcome::Verified(_)), "{outcome:?}");
}

async fn an_expired_session_uses_no_code(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let end = session.idle_expires_at;
    let code = NewCode { expires_at: end + SECOND, ..new_code(&ada) };
    let sent = store.send_verification_code(&acting(&session), &code, end).await.unwrap();
    assert_eq!(sent, SendVerificationOutcome::SessionEnded);
    let sent = store.send_verification_code(&acting(&session), &code, NOW).await.unwrap();
    assert_eq!(sent, SendVerificationOutcome::Stored);
    let outcome = store.verify_email(&acting(&session), &code.hash, end).await.unwrap();
    assert_eq!(outcome, VerifyEmailOutcome::SessionEnded);
    let outcome = store.change_email(&acting(&session), &code.hash, None, end).await.unwrap();
    assert_eq!(outcome, ChangeEmailOutcome::SessionEnded);
}

async fn a_code_is_valid_only_for_its_purpose(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let verification = send_verification(&store, &session, &ada).await;
    assert_eq!(change(&store, &session, &verification).await, ChangeEmailOutcome::CodeExpired);
    let token = ResetTokenHash::from_bytes(verification.hash.as_bytes()).unwrap();
    assert_eq!(store.reset_target(&token, NOW).await.unwrap(), None);
    let reset = PasswordReset { token, password: hash(), client: client(), notice: None };
    let outcome = store.reset_password(&reset, NOW).await.unwrap();
    assert_eq!(outcome, ResetPasswordOutcome::TokenInvalid);
    assert!(matches!(
        verify(&store, &session, &verification).await,
        VerifyEmailOutcome::Verified(_)
    ));
    let email = change_to(&store, &ada, &session, "new@example.com").await;
    assert_eq!(verify(&store, &session, &email).await, VerifyEmailOutcome::CodeExpired);
}

async fn a_notice_goes_only_to_a_verified_email(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let code = change_to(&store, &ada, &session, "new@example.com").await;
    assert_eq!(kinds_of_mails(&store).await, ["change_email"]);
    let proof = reauthenticate(&store, &ada, &session).await;
    let changed = store.change_password(&proof, &hash(), Some(mail_id()), NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert!(kinds_of_mails(&store).await.is_empty());
    assert_eq!(change(&store, &session, &code).await, ChangeEmailOutcome::CodeExpired);

    let _ = store.mark_email_verified(ada.id, NOW).await.unwrap();
    let proof = reauthenticate(&store, &ada, &session).await;
    let changed = store.change_password(&proof, &hash(), Some(mail_id()), NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert_eq!(kinds_of_mails(&store).await, ["password_changed"]);
}

async fn a_disabled_account_has_no_valid_codes(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let before = request_reset(&store, &ada).await;
    let sign_in_before = request_sign_in(&store, ada.email.key()).await;
    let _ = store.disable_user(ada.id, NOW).await.unwrap();
    let during = request_reset(&store, &ada).await;
    let _ = store.enable_user(ada.id, NOW).await.unwrap();
    for token in [before, during] {
        assert_eq!(store.reset_target(&token.token.hash(), NOW).await.unwrap(), None);
        let outcome = store.reset_password(&password_reset(&token), NOW).await.unwrap();
        assert_eq!(outcome, ResetPasswordOutcome::TokenInvalid);
    }
    let outcome = sign_in(&store, &ada, &sign_in_before).await;
    assert_eq!(outcome, OpenSessionWithCodeOutcome::CodeExpired);
    assert!(kinds_of_mails(&store).await.is_empty());
}

async fn a_request_for_an_unknown_or_disabled_email_is_stored_without_a_user(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let _ = store.disable_user(ada.id, NOW).await.unwrap();
    let nobody = user("nobody@example.com");
    for unknown in [&nobody, &ada] {
        request_reset(&store, unknown).await;
        let code = request_sign_in(&store, unknown.email.key()).await;
        let pending = store.pending_sign_in(&code.browser, &code.hash, NOW).await.unwrap();
        assert_eq!(
            pending,
            Some(PendingSignIn { user: None, remember: true, is_code_right: true })
        );
        let events = store.events(None, None, 1_000).await.unwrap();
        let [reset, log_in] = &events[events.len() - 2..] else { unreachable!() };
        assert_eq!((&reset.1.kind, reset.1.user), (&EventKind::PasswordResetRequested, None));
        assert_eq!((&log_in.1.kind, log_in.1.user), (&EventKind::LogInCodeSent, None));
    }
    assert_eq!(store.claim_mails(NOW, 10).await.unwrap(), []);
}

async fn changes_of_the_account_delete_its_codes_and_mails(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    for kind in ["change_password", "set_password", "reset_password", "change_email", "disable"] {
        let ada = sign_up_verified(&store, &format!("{kind}@example.com")).await;
        let (session, _) = open(&store, &ada).await;
        let codes = Codes::request(&store, &ada, &session).await;
        match kind {
            "change_password" => {
                let proof = reauthenticate(&store, &ada, &session).await;
                let done = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
                assert_eq!(done, ReauthenticatedChangeOutcome::Done);
            }
            "set_password" => {
                let done = set_password(&store, &ada, &hash()).await.unwrap();
                assert_eq!(done, UpdateUserOutcome::Updated);
            }
            "reset_password" => {
                let done = store.reset_password(&password_reset(&codes.reset), NOW).await.unwrap();
                assert!(matches!(done, ResetPasswordOutcome::Reset { .. }));
            }
            "change_email" => {
                let done = change(&store, &session, &codes.email).await;
                assert!(matches!(done, ChangeEmailOutcome::Changed { .. }));
            }
            _ => {
                let done = store.disable_user(ada.id, NOW).await.unwrap();
                assert_eq!(done, UpdateUserOutcome::Updated);
            }
        }
        codes.assert_deleted(&store, kind).await;
    }
}

async fn changes_of_factors_delete_the_codes_and_mails_of_the_account(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    for kind in [
        "add_passkey",
        "turn_second_factor_on",
        "replace_recovery_codes",
        "add_totp",
        "remove_passkey",
        "turn_second_factor_off",
        "confirm_totp",
        "reset_second_factor",
    ] {
        let codes = Codes::request(&store, &ada, &session).await;
        match kind {
            "add_passkey" => {
                add_passkey(&store, &session).await;
            }
            "turn_second_factor_on" => {
                assert_eq!(turn_on(&store, &session).await, TurnOnOutcome::TurnedOn);
            }
            "replace_recovery_codes" => {
                let (session, new) = (acting(&session), recovery_codes());
                let done = store.replace_recovery_codes(&session, &new, None, NOW).await.unwrap();
                assert_eq!(done, ReplaceRecoveryCodesOutcome::Replaced);
            }
            "add_totp" => {
                let secret = begin_totp(&store, &session).await;
                let wrong = confirm(&store, &session, wrong_code(&secret)).await;
                assert_eq!(wrong, ConfirmTotpOutcome::CodeWrong);
                codes.assert_stored(&store).await;
                let done = confirm(&store, &session, secret.code_at(NOW)).await;
                assert_eq!(done, ConfirmTotpOutcome::Replaced);
            }
            "remove_passkey" => {
                let id = factors(&store, &ada).await.passkeys[0].id;
                let done = store.remove_passkey(&acting(&session), id, None, NOW).await.unwrap();
                assert_eq!(done, RemovePasskeyOutcome::Removed);
            }
            "turn_second_factor_off" => {
                assert_eq!(turn_off(&store, &session).await, TurnOffOutcome::TurnedOff);
            }
            "confirm_totp" => {
                turn_on_with_app(&store, &session).await;
            }
            _ => {
                let done = store.reset_second_factor(ada.id, None, NOW).await.unwrap();
                assert_eq!(done, ResetSecondFactorOutcome::Reset);
            }
        }
        codes.assert_deleted(&store, kind).await;
    }
    // The notices of the changes are kept.
    assert!(kinds_of_mails(&store).await.contains(&"second_factor_off".to_owned()));
}

/// The codes of a user whose email address is verified, one of each purpose. They have unsent
/// mails.
struct Codes {
    email: NewCode,
    reset: NewResetToken,
    sign_in: NewSignInCode,
}

impl Codes {
    async fn request(store: &Server, user: &User, session: &Session) -> Self {
        let new_email = format!("new-{}", user.email.as_str());
        Self {
            email: change_to(store, user, session, &new_email).await,
            reset: request_reset(store, user).await,
            sign_in: request_sign_in(store, user.email.key()).await,
        }
    }

    async fn assert_stored(&self, store: &Server) {
        let target = store.reset_target(&self.reset.token.hash(), NOW).await.unwrap();
        assert!(target.is_some());
        assert!(
            store
                .pending_sign_in(&self.sign_in.browser, &self.sign_in.hash, NOW)
                .await
                .unwrap()
                .is_some()
        );
    }

    async fn assert_deleted(&self, store: &Server, change: &str) {
        let target = store.reset_target(&self.reset.token.hash(), NOW).await.unwrap();
        assert_eq!(target, None, "{change}");
        let pending =
            store.pending_sign_in(&self.sign_in.browser, &self.sign_in.hash, NOW).await.unwrap();
        assert_eq!(pending, None, "{change}");
        let with_codes = ["change_email", "reset_password", "sign_in"];
        for kind in kinds_of_mails(store).await {
            assert!(!with_codes.contains(&kind.as_str()), "{change}: {kind}");
        }
    }
}

async fn a_deletion_leaves_only_notices(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    for by_operator in [false, true] {
        let ada = sign_up_verified(&store, "ada@example.com").await;
        let (session, _) = open(&store, &ada).await;
        change_to(&store, &ada, &session, "new@example.com").await;
        let failed = request_reset(&store, &ada).await.mail.id;
        store.mail_failed(failed, "550 no such mailbox", NOW).await.unwrap();
        let log_in = request_sign_in(&store, ada.email.key()).await;
        let notice = Some(mail_id());
        if by_operator {
            let outcome = store.delete_user(ada.id, notice, NOW).await.unwrap();
            assert_eq!(outcome, UpdateUserOutcome::Updated);
        } else {
            let proof = reauthenticate(&store, &ada, &session).await;
            let outcome = store.delete_own_account(&proof, notice, NOW).await.unwrap();
            assert_eq!(outcome, ReauthenticatedChangeOutcome::Done);
        }
        assert_eq!(store.pending_sign_in(&log_in.browser, &log_in.hash, NOW).await.unwrap(), None);
        // The earlier notice is kept too: an intruder must not be able to withdraw it.
        let mut left = store.mails(None, 10).await.unwrap();
        left.sort_by(|one, other| one.kind.cmp(&other.kind));
        let kinds: Vec<_> = left.iter().map(|mail| mail.kind.as_str()).collect();
        assert_eq!(kinds, ["account_deleted", "email_change_requested"]);
        for mail in &left {
            assert_eq!((mail.recipient.as_str(), mail.user), ("ada@example.com", None));
            // Nothing is recorded about the deleted user, even if the notice fails.
            store.mail_failed(mail.id, "550 no such mailbox", NOW).await.unwrap();
        }
        let kinds: Vec<_> =
            store.activity(ada.id, 10).await.unwrap().into_iter().map(|e| e.kind).collect();
        assert_eq!(kinds, [EventKind::AccountDeleted]);
        let _ = store.purge_mails(NOW + FAILED_MAIL_RETENTION, 10).await.unwrap();
    }
}

async fn concurrent_uses_of_one_code_succeed_once(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, session) = sign_in_ada(&servers[0]).await;
    let code = send_verification(&servers[0], &session, &ada).await;
    let uses = (0..8).map(|n| verify(&servers[n % 2], &session, &code));
    let verified = join_all(uses).await.into_iter();
    let verified = verified.filter(|used| matches!(used, VerifyEmailOutcome::Verified(_)));
    assert_eq!(verified.count(), 1);
    for _ in 0..4 {
        let code = request_sign_in(&servers[0], ada.email.key()).await;
        let uses = (0..8).map(|n| sign_in(&servers[n % 2], &ada, &code));
        let opened = join_all(uses).await.into_iter();
        let opened =
            opened.filter(|used| matches!(used, OpenSessionWithCodeOutcome::Opened { .. }));
        assert_eq!(opened.count(), 1);
    }
}

async fn a_reset_and_an_email_change_with_codes_succeed_once(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    for round in 0..6 {
        let ada = sign_up_verified(&servers[0], &format!("ada{round}@example.com")).await;
        let (session, _) = open(&servers[0], &ada).await;
        let new_email = format!("new{round}@example.com");
        let code = change_to(&servers[0], &ada, &session, &new_email).await;
        let reset = password_reset(&request_reset(&servers[0], &ada).await);
        let (reset, changed) =
            join(servers[0].reset_password(&reset, NOW), change(&servers[1], &session, &code))
                .await;
        let is_reset = matches!(reset.unwrap(), ResetPasswordOutcome::Reset { .. });
        let is_changed = matches!(changed, ChangeEmailOutcome::Changed { .. });
        assert!(is_reset != is_changed, "each one deletes the code of the other");
        let user = servers[0].user(ada.id).await.unwrap().unwrap();
        assert_eq!(user.email.as_str() == new_email, is_changed);
    }
}
