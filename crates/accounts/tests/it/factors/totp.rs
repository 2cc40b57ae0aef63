use accounts::{ChangeFactorError, ConfirmTotpError, EventKind, ReplaceRecoveryCodesError};

use super::app::{FactorApp, MILLISECOND, MINUTE, STEP, caller};
use crate::app::EMAIL;

#[tokio::test]
async fn a_code_of_a_new_app_turns_the_second_factor_on() {
    let app = FactorApp::new().await;
    let (ada, other) = (app.ada().await, app.ada().await);
    let pending = app.begin_totp(&ada, &caller()).await.unwrap();
    assert_eq!(pending.expires_in, 15 * MINUTE);
    let uri = pending.uri.as_str();
    assert!(uri.starts_with("otpauth://totp/auth.example.com:Ada%40example.com?secret="), "{uri}");
    assert!(uri.contains(pending.secret.to_base32().as_str()));
    assert_eq!(app.factors(&ada).await.unwrap().totp, None);
    assert!(!format!("{pending:?}").contains(pending.secret.to_base32().as_str()));

    let code = pending.secret.code_at(app.now()).to_text();
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let recovery_codes = app.confirm_totp(&ada, &spaced, &caller()).await.unwrap();
    assert_eq!(recovery_codes.len(), 10);
    let factors = app.factors(&ada).await.unwrap();
    assert_eq!(factors.second_factor_at, Some(app.now()));
    assert_eq!(factors.totp.unwrap().last_used_at, None);
    assert_eq!(factors.recovery_codes.unwrap().left, 10);
    assert!(app.is_active(&ada).await);
    assert!(!app.is_active(&other).await);
    assert_eq!(app.events().await.last(), Some(&EventKind::SecondFactorOn));
}

/// The name of the app is shown instead of the host, if it has one.
#[tokio::test]
async fn the_uri_contains_the_name_of_the_app() {
    let app = FactorApp::with_config(|config| config.app_name = "Otter Watch".to_owned()).await;
    let pending = app.begin_totp(&app.ada().await, &caller()).await.unwrap();
    assert!(pending.uri.starts_with("otpauth://totp/Otter%20Watch:Ada"), "{}", *pending.uri);
}

#[tokio::test]
async fn a_new_app_replaces_the_one_in_use_and_keeps_the_recovery_codes() {
    let (app, phone) = FactorApp::with_phone().await;
    let (ada, other) = (app.with_both_factors(&phone).await, app.with_both_factors(&phone).await);
    let new = app.turn_on(&ada).await;
    assert!(new.recovery_codes.is_empty());
    assert!(app.is_active(&ada).await);
    assert!(!app.is_active(&other).await);
    assert_eq!(app.factors(&ada).await.unwrap().recovery_codes.unwrap().left, 10);
    assert_eq!(app.events().await.last(), Some(&EventKind::TotpReplaced));
    let required = app.first_step().await;
    assert!(app.second_step_with(&required, &phone).await.is_err());
    app.second_step_with(&required, &new).await.unwrap();
}

#[tokio::test]
async fn an_app_is_in_use_while_another_one_is_being_set_up() {
    let (app, phone) = FactorApp::with_phone().await;
    let ada = app.with_both_factors(&phone).await;
    app.begin_totp(&ada, &caller()).await.unwrap();
    app.with_both_factors(&phone).await;
}

#[tokio::test]
async fn an_app_can_be_confirmed_for_15_minutes_and_once() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let none = app.confirm_totp(&ada, "123456", &caller()).await;
    assert!(matches!(none, Err(ConfirmTotpError::NoPendingTotp)));
    let secret = app.begin_totp(&ada, &caller()).await.unwrap().secret;
    let code = || secret.code_at(app.now()).to_text();

    app.advance(15 * MINUTE);
    let ada = app.ada().await;
    let expired = app.confirm_totp(&ada, &code(), &caller()).await;
    assert!(matches!(expired, Err(ConfirmTotpError::NoPendingTotp)));

    let secret = app.begin_totp(&ada, &caller()).await.unwrap().secret;
    let code = || secret.code_at(app.now()).to_text();
    app.advance(5 * MINUTE - MILLISECOND);
    app.confirm_totp(&ada, &code(), &caller()).await.unwrap();
    app.advance(STEP);
    let again = app.confirm_totp(&ada, &code(), &caller()).await;
    assert!(matches!(again, Err(ConfirmTotpError::NoPendingTotp)));
}

#[tokio::test]
async fn a_wrong_code_confirms_nothing_and_can_be_corrected() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let secret = app.begin_totp(&ada, &caller()).await.unwrap().secret;
    let future = secret.code_at(app.now() + 2 * STEP).to_text();
    for text in ["", "12345", "no code", &*future] {
        let wrong = app.confirm_totp(&ada, text, &caller()).await;
        assert!(matches!(wrong, Err(ConfirmTotpError::CodeWrong)), "{text}");
    }
    let failed = app.events().await.into_iter().filter(|it| *it == EventKind::SecondFactorFailed);
    assert_eq!(failed.count(), 1, "a text that cannot be a code is no attempt");
    assert!(app.factors(&ada).await.unwrap().second_factor_at.is_none());
    app.confirm_totp(&ada, &secret.code_at(app.now()).to_text(), &caller()).await.unwrap();
}

#[tokio::test]
async fn wrong_codes_at_the_set_up_lock_out() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let secret = app.begin_totp(&ada, &caller()).await.unwrap().secret;
    let wrong = secret.code_at(app.now() + 5 * STEP).to_text();
    for _ in 0..10 {
        let result = app.confirm_totp(&ada, &wrong, &caller()).await;
        assert!(matches!(result, Err(ConfirmTotpError::CodeWrong)));
    }
    let right = secret.code_at(app.now()).to_text();
    let locked = app.confirm_totp(&ada, &right, &caller()).await;
    let Err(ConfirmTotpError::TooManyAttempts { retry_after }) = locked else { unreachable!() };
    assert_eq!(retry_after, MINUTE);
    app.advance(MINUTE);
    app.confirm_totp(&ada, &secret.code_at(app.now()).to_text(), &caller()).await.unwrap();
}

#[tokio::test]
async fn turning_it_off_deletes_the_app_and_the_codes_and_ends_other_sessions() {
    let (app, phone) = FactorApp::with_phone().await;
    let (ada, other) = (app.with_both_factors(&phone).await, app.with_both_factors(&phone).await);
    app.turn_second_factor_off(&ada, &caller()).await.unwrap();
    let factors = app.factors(&ada).await.unwrap();
    assert_eq!((factors.second_factor_at, factors.totp), (None, None));
    assert_eq!(factors.recovery_codes, None);
    assert!(app.is_active(&ada).await);
    assert!(!app.is_active(&other).await);
    assert!(!app.ada().await.has_second_factor());
    assert_eq!(app.events().await.iter().rev().nth(1), Some(&EventKind::SecondFactorOff));
    app.turn_second_factor_off(&ada, &caller()).await.unwrap();
}

#[tokio::test]
async fn new_recovery_codes_replace_the_old_ones_and_end_no_session() {
    let (app, phone) = FactorApp::with_phone().await;
    let (ada, other) = (app.with_both_factors(&phone).await, app.with_both_factors(&phone).await);
    let new = app.replace_recovery_codes(&ada, &caller()).await.unwrap();
    assert_eq!(new.len(), 10);
    assert!(new.iter().all(|code| !phone.recovery_codes.contains(code)));
    assert!(app.is_active(&other).await);
    let required = app.first_step().await;
    let old = phone.recovery_codes[0].to_text();
    assert!(app.second_step(&required, accounts::SecondFactor::RecoveryCode(&old)).await.is_err());
    let new = new[0].to_text();
    app.second_step(&required, accounts::SecondFactor::RecoveryCode(&new)).await.unwrap();
}

#[tokio::test]
async fn there_are_no_recovery_codes_while_the_second_factor_is_off() {
    let app = FactorApp::new().await;
    let none = app.replace_recovery_codes(&app.ada().await, &caller()).await;
    assert!(matches!(none, Err(ReplaceRecoveryCodesError::SecondFactorOff)));
}

#[tokio::test]
async fn a_session_that_was_ended_changes_no_factor() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let pending = app.begin_totp(&ada, &caller()).await.unwrap();
    app.sign_out(&ada, &caller().client).await.unwrap();
    let begun = app.begin_totp(&ada, &caller()).await;
    assert!(matches!(begun, Err(ChangeFactorError::SessionEnded)));
    let code = pending.secret.code_at(app.now()).to_text();
    let confirmed = app.confirm_totp(&ada, &code, &caller()).await;
    let Err(ConfirmTotpError::Change(ChangeFactorError::SessionEnded)) = confirmed else {
        unreachable!("{confirmed:?}")
    };
    assert!(app.operator().user(EMAIL).await.unwrap().second_factor_at.is_none());
}
