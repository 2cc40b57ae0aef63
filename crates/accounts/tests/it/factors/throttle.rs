use std::time::Duration;

use accounts::{
    AddPasskey, AddPasskeyError, ChangeFactorError, CompleteSignInError, ConfirmTotpError,
    EventKind, Lockouts, ReplaceRecoveryCodesError, SecondFactor, SecondFactorReset, SignIn,
    SignInError, SignedIn, TurnOnError,
};

use super::app::{FactorApp, MINUTE, Phone, STEP, caller};
use crate::app::{EMAIL, PASSWORD, SERVICE};
use crate::passkey::SoftPasskey;

const DAY: Duration = Duration::from_hours(24);

/// Sends a wrong code in the second step. Returns the time to wait if the code was not checked.
async fn fail(app: &FactorApp, phone: &Phone) -> Option<Duration> {
    let code = app.wrong_code(phone);
    match app.second_step(&app.first_step().await, SecondFactor::Code(&code)).await {
        Err(CompleteSignInError::CodeWrong) => None,
        Err(CompleteSignInError::TooManyAttempts { retry_after }) => Some(retry_after),
        other => unreachable!("{other:?}"),
    }
}

async fn fail_to_recover(app: &FactorApp) -> Option<Duration> {
    let code = SecondFactor::RecoveryCode("0000-0000-0000-0000-0000-0000");
    match app.second_step(&app.first_step().await, code).await {
        Err(CompleteSignInError::CodeWrong) => None,
        Err(CompleteSignInError::TooManyAttempts { retry_after }) => Some(retry_after),
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn ten_wrong_codes_lock_the_app_out_with_every_ticket() {
    let (app, phone) = FactorApp::with_phone().await;
    for _ in 0..10 {
        assert_eq!(fail(&app, &phone).await, None);
    }
    assert_eq!(fail(&app, &phone).await, Some(MINUTE));
    let right = app.second_step_with(&app.first_step().await, &phone).await;
    assert!(matches!(right, Err(CompleteSignInError::TooManyAttempts { .. })));
    app.advance(MINUTE);
    assert_eq!(fail(&app, &phone).await, None);
    assert_eq!(fail(&app, &phone).await, Some(2 * MINUTE));
    app.advance(2 * MINUTE);
    app.with_both_factors(&phone).await;
    for _ in 0..9 {
        assert_eq!(fail(&app, &phone).await, None, "a success has cleared the failures");
    }
}

/// Neither the right password nor a new one clears the failures.
#[tokio::test]
async fn the_password_does_not_clear_wrong_codes() {
    let (app, phone) = FactorApp::with_phone().await;
    for _ in 0..9 {
        assert_eq!(fail(&app, &phone).await, None);
    }
    let user = app.operator().user(EMAIL).await.unwrap();
    let keep = accounts::KnownBrowsers::Keep;
    app.operator().set_password(&user, PASSWORD, keep).await.unwrap();
    assert_eq!(fail(&app, &phone).await, None);
    assert_eq!(fail(&app, &phone).await, Some(MINUTE));
}

#[tokio::test]
async fn a_replayed_code_counts() {
    let (app, phone) = FactorApp::with_phone().await;
    app.second_step_with(&app.first_step().await, &phone).await.unwrap();
    for _ in 0..10 {
        let replayed = app.second_step_with(&app.first_step().await, &phone).await;
        assert!(matches!(replayed, Err(CompleteSignInError::CodeWrong)));
    }
    assert_eq!(fail(&app, &phone).await, Some(MINUTE));
}

/// Otherwise, a stranger who knows the password could lock the owner out.
#[tokio::test]
async fn a_recovery_code_and_a_passkey_work_while_the_app_is_locked_out() {
    let (app, phone) = FactorApp::with_phone().await;
    let (passkey, _) = app.add(&app.with_both_factors(&phone).await).await;
    for _ in 0..10 {
        assert_eq!(fail(&app, &phone).await, None);
    }
    let code = phone.recovery_codes[0].to_text();
    let code = SecondFactor::RecoveryCode(&code);
    app.second_step(&app.first_step().await, code).await.unwrap();
    for _ in 0..10 {
        assert_eq!(fail(&app, &phone).await, None, "the recovery code has cleared the failures");
    }
    app.second_step_by_passkey(&app.first_step().await, &passkey).await.unwrap();
    assert_eq!(fail(&app, &phone).await, None, "the passkey has cleared the failures");
}

#[tokio::test]
async fn wrong_recovery_codes_lock_out_only_further_wrong_ones() {
    let (app, phone) = FactorApp::with_phone().await;
    for _ in 0..10 {
        assert_eq!(fail_to_recover(&app).await, None);
    }
    assert_eq!(fail_to_recover(&app).await, Some(15 * MINUTE));
    let code = phone.recovery_codes[0].to_text();
    let right = app.second_step(&app.first_step().await, SecondFactor::RecoveryCode(&code)).await;
    right.unwrap();
    assert_eq!(fail_to_recover(&app).await, None, "the count has begun again");
    app.second_step_with(&app.first_step().await, &phone).await.unwrap();
}

#[tokio::test]
async fn after_a_hundred_wrong_codes_an_operator_has_to_help() {
    let (app, phone) = FactorApp::with_phone().await;
    let user = app.operator().user(EMAIL).await.unwrap();
    assert_eq!(app.operator().lockouts(user.id).await.unwrap(), Lockouts::default());
    let mut failures = 0;
    while failures < 100 {
        match fail(&app, &phone).await {
            Some(wait) => app.advance(wait),
            None => failures += 1,
        }
    }
    assert_eq!(fail(&app, &phone).await, Some(DAY));
    app.advance(2 * DAY);
    assert_eq!(fail(&app, &phone).await, Some(DAY));
    let lockouts = app.operator().lockouts(user.id).await.unwrap();
    assert_eq!(lockouts.app_codes, Some(app.now() + DAY));
    assert!(app.operator().unlock(user.id).await.unwrap().is_some());
    assert_eq!(app.operator().lockouts(user.id).await.unwrap(), Lockouts::default());
    app.with_both_factors(&phone).await;
}

#[tokio::test]
async fn without_a_throttle_wrong_codes_are_recorded_only() {
    let app = FactorApp::with_config(|config| config.throttle = false).await;
    let phone = app.turn_on(&app.ada().await).await;
    for _ in 0..12 {
        assert_eq!(fail(&app, &phone).await, None);
        assert_eq!(fail_to_recover(&app).await, None);
    }
    let events = app.events().await;
    let failed = events.iter().filter(|kind| **kind == EventKind::SecondFactorFailed).count();
    assert_eq!(failed, 24);
    app.with_both_factors(&phone).await;
}

async fn try_password(app: &FactorApp, password: &str) -> Result<(), SignInError> {
    let caller = caller();
    app.sign_in(SignIn::new(EMAIL, password, &caller)).await.map(drop)
}

/// The counters of wrong passwords change only when the second step has opened a session.
#[tokio::test]
async fn the_right_password_neither_counts_nor_clears_wrong_ones_before_the_second_step() {
    let (app, phone) = FactorApp::with_phone().await;
    for _ in 0..9 {
        assert!(matches!(try_password(&app, "wrong").await, Err(SignInError::InvalidCredentials)));
    }
    for _ in 0..20 {
        app.first_step().await;
    }
    let required = app.first_step().await;
    assert!(matches!(try_password(&app, "wrong").await, Err(SignInError::InvalidCredentials)));
    let locked = try_password(&app, PASSWORD).await;
    assert!(matches!(locked, Err(SignInError::TooManyAttempts { .. })));
    // The second step is not locked out, and clears the counters of wrong passwords.
    app.second_step_with(&required, &phone).await.unwrap();
    for _ in 0..9 {
        assert!(matches!(try_password(&app, "wrong").await, Err(SignInError::InvalidCredentials)));
    }
    app.first_step().await;
}

#[tokio::test]
async fn a_reset_by_an_operator_removes_everything_and_ends_all_sessions() {
    let (app, phone) = FactorApp::with_phone().await;
    let ada = app.with_both_factors(&phone).await;
    app.add(&ada).await;
    app.advance(STEP);
    assert_eq!(app.operator().factors(ada.id()).await.unwrap().passkeys.len(), 1);
    let reset = app.operator().reset_second_factor(ada.id()).await.unwrap();
    assert_eq!(reset, SecondFactorReset::Done);
    assert!(!app.is_active(&ada).await);
    assert_eq!(app.events().await.last(), Some(&EventKind::SecondFactorReset));
    assert_eq!(app.operator().factors(ada.id()).await.unwrap(), accounts::Factors::default());
    assert!(!app.ada().await.has_second_factor());
    let again = app.operator().reset_second_factor(ada.id()).await.unwrap();
    assert_eq!(again, SecondFactorReset::NothingToReset);
    app.operator().delete(ada.id()).await.unwrap();
    let none = app.operator().reset_second_factor(ada.id()).await;
    assert!(matches!(none, Err(accounts::OperatorError::NoSuchUser)));
}

#[tokio::test]
async fn a_user_changes_factors_sixty_times_in_an_hour() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    for n in 0..60 {
        let replaced = app.begin_totp(&ada, &caller()).await;
        assert!(replaced.is_ok(), "{n}");
    }
    let error = app.begin_totp(&ada, &caller()).await.unwrap_err();
    assert!(matches!(error, ChangeFactorError::TooManyAttempts { .. }), "{error}");
    app.advance(60 * MINUTE);
    assert!(app.begin_totp(&app.ada().await, &caller()).await.is_ok());
}

#[tokio::test]
async fn all_changes_except_removals_and_new_names_share_a_limit() {
    for change in [
        "begin_totp",
        "confirm_totp",
        "turn_second_factor_on",
        "replace_recovery_codes",
        "add_passkey",
    ] {
        let app = FactorApp::new().await;
        let (ada, grace) = (app.ada().await, app.grace().await);
        let (_, passkey) = app.add(&ada).await;
        for n in 0..58 {
            assert!(app.begin_totp(&ada, &caller()).await.is_ok(), "{n}");
        }
        // The change uses up the limit, whether or not it succeeds.
        let retry_after = try_change(&app, &ada, change).await;
        assert_eq!(retry_after, None, "{change}");
        let error = app.begin_totp(&ada, &caller()).await.unwrap_err();
        assert!(matches!(error, ChangeFactorError::TooManyAttempts { .. }), "{change}: {error}");
        let retry_after = try_change(&app, &ada, change).await;
        assert_eq!(retry_after, Some(60 * MINUTE), "{change}");
        assert!(app.begin_totp(&grace, &caller()).await.is_ok());
        // An attacker who has reached the limit cannot prevent the owner from removing a passkey.
        app.rename_passkey(&ada, passkey.id, "Old laptop").await.unwrap();
        app.turn_second_factor_off(&ada, &caller()).await.unwrap();
        app.remove_passkey(&ada, passkey.id, &caller()).await.unwrap();
    }
}

/// Tries to make a change, and returns the time to wait if there were too many.
async fn try_change(app: &FactorApp, ada: &SignedIn, change: &str) -> Option<Duration> {
    let caller = &caller();
    let error = match change {
        "begin_totp" => app.begin_totp(ada, caller).await.err(),
        "confirm_totp" => match app.confirm_totp(ada, "123456", caller).await {
            Err(ConfirmTotpError::Change(error)) => Some(error),
            _ => None,
        },
        "turn_second_factor_on" => match app.turn_second_factor_on(ada, caller).await {
            Err(TurnOnError::Change(error)) => Some(error),
            _ => None,
        },
        "replace_recovery_codes" => match app.replace_recovery_codes(ada, caller).await {
            Err(ReplaceRecoveryCodesError::Change(error)) => Some(error),
            _ => None,
        },
        _ => {
            let soft = SoftPasskey::new(SERVICE, ada.id().as_uuid().as_bytes());
            let options = app.passkey_registration_options(ada).await.unwrap();
            let credential = &soft.register(&options.challenge);
            let request = AddPasskey { signed_in: ada, name: "Phone", credential, caller };
            match app.add_passkey(request).await {
                Err(AddPasskeyError::Change(error)) => Some(error),
                _ => None,
            }
        }
    };
    match error {
        Some(ChangeFactorError::TooManyAttempts { retry_after }) => Some(retry_after),
        Some(error) => unreachable!("{change}: {error}"),
        None => None,
    }
}
