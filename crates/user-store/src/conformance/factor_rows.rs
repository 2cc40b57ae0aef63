//! The rows of second factors, and their deletion.

use auth_core::{
    CodeFailures, CodeLimit, PasskeyChallenge, PasskeyName, RecoveryCode, SystemRandom,
};
use std::time::Duration;

use crate::attempts::{Lockouts, UnlockOutcome};
use crate::audit::{Event, EventKind};
use crate::conformance::code_steps::kinds_of_events;
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_steps::{
    SETUP_TIME, add, add_passkey, begin_totp, challenge, confirm, delete_mails, enter_code,
    factors, is_opened, new_passkey, newest_event, passkey_sign_in, present, second_step,
    sign_in_verified, sign_in_with_passkey, sign_up_with_app, take, ticket, turn_off,
    turn_on_with_app, wrong_code,
};
use crate::conformance::steps::{
    NOW, SECOND, acting, is_alive, kinds_of_mails, mail_id, open, sign_in_ada, sign_out, user,
};
use crate::factors::{
    AddPasskeyOutcome, ConfirmTotpOutcome, Factors, PasskeySignInOutcome, PresentedFactor,
    ResetSecondFactorOutcome, SecondStepOutcome, TurnOffOutcome, TurnOnOutcome,
};
use crate::users::{UpdateUserOutcome, User};

cases! {
    ($) factor_rows_cases in factor_rows;
    an_operator_resets_the_second_factor,
    a_reset_without_anything_to_reset_writes_nothing,
    a_reset_deletes_an_app_that_is_only_being_set_up,
    disabling_an_account_deletes_an_app_that_is_being_set_up,
    notices_go_only_to_verified_email_addresses,
    a_deleted_account_leaves_no_factors,
    user_data_contains_the_factors,
    unlocking_an_account_clears_the_wrong_codes,
    expired_ids_and_apps_are_purged_in_batches,
}

async fn an_operator_resets_the_second_factor(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let (grace, of_grace, _) = sign_up_with_app(&store, "grace@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let pending = begin_totp(&store, &session).await;
    let wrong = enter_code(&store, &ada, app.wrong_code()).await;
    assert_eq!(wrong, SecondStepOutcome::CodeWrong);
    let (former, others) = (ticket(&store, &ada).await, factors(&store, &grace).await);
    delete_mails(&store).await;

    let reset = async || store.reset_second_factor(ada.id, Some(mail_id()), NOW).await.unwrap();
    assert_eq!(reset().await, ResetSecondFactorOutcome::Reset);
    assert_eq!(factors(&store, &ada).await, Factors::default());
    assert_eq!(store.passkey(&passkey.credential_id).await.unwrap(), None);
    let by_operator = Event::by_operator(EventKind::SecondFactorReset, NOW).about(ada.id);
    assert_eq!(newest_event(&store, &ada).await, by_operator);
    assert_eq!(kinds_of_mails(&store).await, ["second_factor_reset"]);
    assert!(!is_alive(&store, &session).await);
    let step = second_step(former, PresentedFactor::AppCode(app.code()));
    assert_eq!(take(&store, &step).await, SecondStepOutcome::TicketInvalid);
    let (session, _) = open(&store, &ada).await;
    let confirmed = confirm(&store, &session, pending.code_at(NOW)).await;
    assert_eq!(confirmed, ConfirmTotpOutcome::NoPendingTotp);
    assert_eq!(reset().await, ResetSecondFactorOutcome::NothingToReset);
    assert!(is_alive(&store, &session).await);
    assert_eq!(factors(&store, &grace).await, others);
    assert!(is_alive(&store, &of_grace).await);
}

async fn a_reset_without_anything_to_reset_writes_nothing(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let events = kinds_of_events(&store).await;
    let reset =
        async |user: &User| store.reset_second_factor(user.id, Some(mail_id()), NOW).await.unwrap();
    assert_eq!(reset(&ada).await, ResetSecondFactorOutcome::NothingToReset);
    assert_eq!(reset(&user("eve@example.com")).await, ResetSecondFactorOutcome::NotFound);
    assert_eq!(kinds_of_events(&store).await, events);
    assert!(kinds_of_mails(&store).await.is_empty());
    assert!(is_alive(&store, &session).await);
    // A passkey or a wrong code is something to reset, even if the second factor is off.
    add_passkey(&store, &session).await;
    assert_eq!(reset(&ada).await, ResetSecondFactorOutcome::Reset);
    assert_eq!(factors(&store, &ada).await, Factors::default());
    let (session, _) = open(&store, &ada).await;
    let secret = begin_totp(&store, &session).await;
    let wrong = confirm(&store, &session, wrong_code(&secret)).await;
    assert_eq!(wrong, ConfirmTotpOutcome::CodeWrong);
    assert_eq!(reset(&ada).await, ResetSecondFactorOutcome::Reset);
    assert_eq!(reset(&ada).await, ResetSecondFactorOutcome::NothingToReset);
}

async fn a_reset_deletes_an_app_that_is_only_being_set_up(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let secret = begin_totp(&store, &session).await;
    let reset = async |now| store.reset_second_factor(ada.id, Some(mail_id()), now).await.unwrap();
    let expired = reset(NOW + SETUP_TIME).await;
    assert_eq!(expired, ResetSecondFactorOutcome::NothingToReset);
    assert!(is_alive(&store, &session).await);
    assert_eq!(reset(NOW).await, ResetSecondFactorOutcome::Reset);
    assert!(!is_alive(&store, &session).await);
    let by_operator = Event::by_operator(EventKind::SecondFactorReset, NOW).about(ada.id);
    assert_eq!(newest_event(&store, &ada).await, by_operator);
    let (session, _) = open(&store, &ada).await;
    let confirmed = confirm(&store, &session, secret.code_at(NOW)).await;
    assert_eq!(confirmed, ConfirmTotpOutcome::NoPendingTotp);
    assert_eq!(reset(NOW).await, ResetSecondFactorOutcome::NothingToReset);
}

async fn disabling_an_account_deletes_an_app_that_is_being_set_up(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let secret = begin_totp(&store, &session).await;
    assert_eq!(store.disable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_eq!(store.enable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    let (session, _) = open(&store, &ada).await;
    let confirmed = confirm(&store, &session, secret.code_at(NOW)).await;
    assert_eq!(confirmed, ConfirmTotpOutcome::NoPendingTotp);
}

async fn notices_go_only_to_verified_email_addresses(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    turn_on_with_app(&store, &session).await;
    add_passkey(&store, &session).await;
    assert_eq!(turn_off(&store, &session).await, TurnOffOutcome::TurnedOff);
    let reset = store.reset_second_factor(ada.id, Some(mail_id()), NOW).await.unwrap();
    assert_eq!(reset, ResetSecondFactorOutcome::Reset);
    assert!(kinds_of_mails(&store).await.is_empty());
}

async fn a_deleted_account_leaves_no_factors(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let mut new = new_passkey(ada.id);
    assert_eq!(add(&store, &session, &new).await, AddPasskeyOutcome::Added);
    begin_totp(&store, &session).await;
    let wrong = enter_code(&store, &ada, app.wrong_code()).await;
    assert_eq!(wrong, SecondStepOutcome::CodeWrong);
    let former = ticket(&store, &ada).await;
    let deleted = store.delete_user(ada.id, None, NOW).await.unwrap();
    assert_eq!(deleted, UpdateUserOutcome::Updated);
    assert_eq!(factors(&store, &ada).await, Factors::default());
    assert_eq!(store.passkey(&new.passkey.credential_id).await.unwrap(), None);
    assert_eq!(store.user_data(ada.id).await.unwrap(), None);
    let step = second_step(former, PresentedFactor::AppCode(app.code()));
    assert_eq!(take(&store, &step).await, SecondStepOutcome::TicketInvalid);
    let rejected = sign_in_with_passkey(&store, &passkey_sign_in(&new.passkey)).await;
    assert_eq!(rejected, PasskeySignInOutcome::Rejected);

    // The credential ID and the hashes of the codes can be stored again.
    let (grace, session) = sign_in_verified(&store, "grace@example.com").await;
    (new.challenge, new.notice) = (challenge(), None);
    assert_eq!(add(&store, &session, &new).await, AddPasskeyOutcome::Added);
    let on = store.turn_second_factor_on(&acting(&session), &app.recovery_codes, None, NOW).await;
    assert_eq!(on.unwrap(), TurnOnOutcome::TurnedOn);
    let owner = store.passkey(&new.passkey.credential_id).await.unwrap().unwrap().user;
    assert_eq!(owner, grace.id);
    assert_eq!(store.purge_factors(NOW + 2 * SETUP_TIME, 1_000).await.unwrap(), 2);
}

async fn user_data_contains_the_factors(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, _) = sign_up_with_app(&store, "ada@example.com").await;
    add_passkey(&store, &session).await;
    let data = store.user_data(ada.id).await.unwrap().unwrap();
    assert_eq!(data.user, ada);
    let factors = factors(&store, &ada).await;
    assert!(factors.totp.is_some() && factors.passkeys.len() == 1);
    assert_eq!(data.factors, factors);
}

async fn unlocking_an_account_clears_the_wrong_codes(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let wrong_recovery_code =
        || PresentedFactor::RecoveryCode(RecoveryCode::generate_list(&SystemRandom)[0].hash());
    for n in 1..=10 {
        let expected =
            if n < 10 { SecondStepOutcome::CodeWrong } else { SecondStepOutcome::LockedOut };
        let wrong = enter_code(&store, &ada, app.wrong_code()).await;
        assert_eq!(wrong, expected);
        let wrong = present(&store, &ada, wrong_recovery_code()).await;
        assert_eq!(wrong, expected);
    }
    let mut failures = CodeFailures::default();
    for _ in 0..10 {
        let _ = failures.count(CodeLimit::AppCodes, NOW);
    }
    let expected = Lockouts {
        app_codes: failures.wait(CodeLimit::AppCodes, NOW).map(|wait| NOW + wait),
        recovery_codes: Some(NOW + Duration::from_mins(15)),
        ..Lockouts::default()
    };
    assert_eq!(store.lockouts(ada.id, NOW).await.unwrap(), Some(expected));
    let unlocked = store.unlock_user(ada.id, NOW).await.unwrap();
    assert_eq!(unlocked, UnlockOutcome::Unlocked(expected));
    let event = Event::by_operator(EventKind::SignInsUnlocked, NOW).about(ada.id);
    assert_eq!(newest_event(&store, &ada).await, event);
    let none = Some(Lockouts::default());
    assert_eq!(store.lockouts(ada.id, NOW).await.unwrap(), none);
    let again = store.unlock_user(ada.id, NOW).await.unwrap();
    assert_eq!(again, UnlockOutcome::NothingToReset);
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn expired_ids_and_apps_are_purged_in_batches(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, _) = sign_up_with_app(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let sign_in = passkey_sign_in(&passkey);
    let opened = sign_in_with_passkey(&store, &sign_in).await;
    assert!(matches!(opened, PasskeySignInOutcome::Opened(_)), "{opened:?}");
    let secret = begin_totp(&store, &session).await;
    let renamed = PasskeyName::parse("Key").unwrap();
    assert!(store.rename_passkey(ada.id, passkey.id, &renamed).await.unwrap().is_some());

    // The ids of two challenges are kept while a server whose clock is behind may accept them.
    let end = NOW + PasskeyChallenge::LIFETIME;
    assert_eq!(store.purge_factors(end, 10).await.unwrap(), 0);
    let again = sign_in_with_passkey(&store, &sign_in).await;
    assert_eq!(again, PasskeySignInOutcome::ChallengeUsed);
    let end = end + Duration::from_mins(5);
    assert_eq!(store.purge_factors(end - SECOND / 1_000, 10).await.unwrap(), 0);
    assert_eq!(store.purge_factors(end, 1).await.unwrap(), 1);
    assert_eq!(store.purge_factors(end, 10).await.unwrap(), 1);
    assert_eq!(store.purge_factors(end, 10).await.unwrap(), 0);
    let confirmed = confirm(&store, &session, secret.code_at(NOW)).await;
    assert_eq!(confirmed, ConfirmTotpOutcome::Replaced);

    begin_totp(&store, &session).await;
    assert!(sign_out(&store, &session).await);
    let end = NOW + SETUP_TIME;
    assert_eq!(store.purge_factors(end - SECOND / 1_000, 10).await.unwrap(), 0);
    assert_eq!(store.purge_expired(end, 10).await.unwrap().factors, 1);
    assert_eq!(store.purge_factors(end, 10).await.unwrap(), 0);
}
