//! Wrong codes in the second step of a sign-in.

use auth_core::{Amr, PasskeyState, Ticket, TotpCode};
use std::time::Duration;

use crate::attempts::Lockouts;
use crate::audit::{Event, EventKind};
use crate::codes::ResetPasswordOutcome;
use crate::conformance::code_steps::kinds_of_events;
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_steps::{
    App, STEP, add_passkey, code_step, delete_mails, enter_code, enter_recovery_code, is_opened,
    passkey_sign_in, passkey_use, present, random_recovery_code, second_step_at, session_with,
    sign_in_with_passkey, sign_up_with_app, take, ticket, turn_on_with_app,
};
use crate::conformance::steps::{
    NOW, SECOND, Server, client, current_credentials, hash, kinds_of_mails, new_session, open,
    password_reset, reauthenticate, request_reset, set_password, sign_up_verified,
};
use crate::factors::{
    CodeThrottle, Passkey, PasskeySignIn, PasskeySignInOutcome, PresentedFactor, SecondStep,
    SecondStepOutcome,
};
use crate::sessions::OpenSessionOutcome;
use crate::users::{ReauthenticatedChangeOutcome, UpdateUserOutcome, User};

cases! {
    ($) code_lockouts_cases in code_lockouts;
    wrong_app_codes_lock_out_until_another_factor_opens_a_session,
    a_replayed_code_counts,
    rejected_passkeys_do_not_count,
    wrong_recovery_codes_lock_out_apart_from_app_codes,
    a_right_recovery_code_is_accepted_during_a_lockout,
    lockouts_of_app_codes_grow_until_only_another_factor_helps,
    neither_a_password_nor_its_reset_clears_wrong_codes,
    wrong_codes_do_not_lock_out_without_a_throttle,
}

async fn lock_app_codes(store: &Server, user: &User, app: &App) {
    for n in 1..=10 {
        let wrong = enter_code(store, user, app.wrong_code()).await;
        assert_eq!(wrong, wrong_outcome(n));
    }
    assert_locked(store, user, app).await;
}

/// Returns the outcome of the `n`th wrong code.
fn wrong_outcome(n: usize) -> SecondStepOutcome {
    if n < 10 { SecondStepOutcome::CodeWrong } else { SecondStepOutcome::LockedOut }
}

async fn assert_locked(store: &Server, user: &User, app: &App) {
    let events = kinds_of_events(store).await;
    let retry_after = Duration::from_mins(1);
    for code in [app.code(), app.wrong_code()] {
        let outcome = enter_code(store, user, code).await;
        assert_eq!(outcome, SecondStepOutcome::TooManyAttempts { retry_after });
    }
    assert_eq!(kinds_of_events(store).await, events);
}

async fn wrong_app_codes_lock_out_until_another_factor_opens_a_session(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    delete_mails(&store).await;
    lock_app_codes(&store, &ada, &app).await;
    assert_eq!(kinds_of_mails(&store).await, ["second_factor_locked_out"]);
    let lockouts = store.lockouts(ada.id, NOW).await.unwrap().unwrap();
    let app_codes = Some(NOW + Duration::from_mins(1));
    assert_eq!(lockouts, Lockouts { app_codes, ..Lockouts::default() });

    let code = app.recovery_codes[0];
    assert!(is_opened(&enter_recovery_code(&store, &ada, code).await));
    lock_app_codes(&store, &ada, &app).await;
    let used = PresentedFactor::Passkey(passkey_use(&passkey));
    assert!(is_opened(&present(&store, &ada, used).await));
    lock_app_codes(&store, &ada, &app).await;
    let opened = sign_in_with_passkey(&store, &passkey_sign_in(&passkey)).await;
    assert!(matches!(opened, PasskeySignInOutcome::Opened(_)), "{opened:?}");
    for _ in 0..9 {
        let wrong = enter_code(&store, &ada, app.wrong_code()).await;
        assert_eq!(wrong, SecondStepOutcome::CodeWrong);
    }
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
    let none = Some(Lockouts::default());
    assert_eq!(store.lockouts(ada.id, NOW).await.unwrap(), none);
    let wrong = enter_code(&store, &ada, app.wrong_code()).await;
    assert_eq!(wrong, SecondStepOutcome::CodeWrong, "the count has begun again");
    assert_eq!(store.lockouts(ada.id, NOW).await.unwrap(), none);
}

async fn a_replayed_code_counts(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
    for n in 1..=10 {
        let replayed = enter_code(&store, &ada, app.code()).await;
        assert_eq!(replayed, wrong_outcome(n));
    }
    assert_locked(&store, &ada, &app).await;
}

async fn rejected_passkeys_do_not_count(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let state = PasskeyState { backup_eligible: false, backed_up: false, ..passkey.state };
    let rejected = Passkey { state, ..passkey };
    for _ in 0..12 {
        let used = PresentedFactor::Passkey(passkey_use(&rejected));
        let outcome = present(&store, &ada, used).await;
        assert_eq!(outcome, SecondStepOutcome::CredentialInvalid);
        let outcome = sign_in_with_passkey(&store, &passkey_sign_in(&rejected)).await;
        assert_eq!(outcome, PasskeySignInOutcome::Rejected);
    }
    assert_eq!(store.lockouts(ada.id, NOW).await.unwrap(), Some(Lockouts::default()));
    for _ in 0..9 {
        let wrong = enter_code(&store, &ada, app.wrong_code()).await;
        assert_eq!(wrong, SecondStepOutcome::CodeWrong);
        let wrong = enter_recovery_code(&store, &ada, random_recovery_code()).await;
        assert_eq!(wrong, SecondStepOutcome::CodeWrong);
    }
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn wrong_recovery_codes_lock_out_apart_from_app_codes(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    delete_mails(&store).await;
    for n in 1..=10 {
        let wrong = enter_recovery_code(&store, &ada, random_recovery_code()).await;
        assert_eq!(wrong, wrong_outcome(n));
    }
    assert_eq!(kinds_of_mails(&store).await, ["second_factor_locked_out"]);
    let retry_after = Duration::from_mins(15);
    let locked = SecondStepOutcome::TooManyAttempts { retry_after };
    assert_eq!(enter_recovery_code(&store, &ada, random_recovery_code()).await, locked);
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
    let wrong = enter_recovery_code(&store, &ada, random_recovery_code()).await;
    assert_eq!(wrong, SecondStepOutcome::CodeWrong, "the count has begun again");
}

async fn a_right_recovery_code_is_accepted_during_a_lockout(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    lock_app_codes(&store, &ada, &app).await;
    for _ in 0..10 {
        let _ = enter_recovery_code(&store, &ada, random_recovery_code()).await;
    }
    let retry_after = Duration::from_mins(15);
    let locked = SecondStepOutcome::TooManyAttempts { retry_after };
    assert_eq!(enter_recovery_code(&store, &ada, random_recovery_code()).await, locked);
    assert!(is_opened(&enter_recovery_code(&store, &ada, app.recovery_codes[0]).await));
    let left = store.factors(ada.id).await.unwrap().recovery_codes.unwrap().left;
    assert_eq!(left, 9);
}

async fn lockouts_of_app_codes_grow_until_only_another_factor_helps(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let enter_at = async |code: TotpCode, now| {
        let ticket = Ticket { expires_at: now + SECOND, ..ticket(&store, &ada).await };
        take(&store, &second_step_at(ticket, PresentedFactor::AppCode(code), now)).await
    };
    // A code that is wrong at this time. `wrong_code` is not enough, because much time passes here.
    let wrong = |now| {
        let right: Vec<_> = (0..5).map(|n| app.secret.code_at(now - 2 * STEP + n * STEP)).collect();
        let mut codes = (0..).map(|n| TotpCode::parse(&format!("{n:06}")).unwrap());
        codes.find(|code| !right.contains(code)).unwrap()
    };
    // Returns how long each wrong code from the tenth on has locked out, and the time after all.
    let fail_a_hundred_times = async |start| {
        let mut now = start;
        let mut waits = Vec::new();
        for n in 1..=100 {
            let outcome = enter_at(wrong(now), now).await;
            assert_eq!(outcome, wrong_outcome(n), "{n}");
            if n >= 10 {
                let outcome = enter_at(app.secret.code_at(now), now).await;
                let SecondStepOutcome::TooManyAttempts { retry_after } = outcome else {
                    unreachable!("{n}: {outcome:?}");
                };
                waits.push(retry_after.as_secs());
                now += retry_after;
            }
        }
        (waits, now)
    };
    let (waits, now) = fail_a_hundred_times(NOW).await;
    assert_eq!(waits[..4], [60, 120, 240, 480]);
    let notices = kinds_of_mails(&store).await;
    let lockouts = notices.iter().filter(|kind| *kind == "second_factor_locked_out");
    assert_eq!(lockouts.count(), 1, "only the first lockout is announced");
    let day = 24 * 60 * 60;
    assert!(waits.iter().all(|wait| *wait <= day));
    assert_eq!(waits.last(), Some(&day));
    let much_later = now + 365 * Duration::from_secs(day);
    let retry_after = Duration::from_secs(day);
    let locked = SecondStepOutcome::TooManyAttempts { retry_after };
    assert_eq!(enter_at(app.secret.code_at(much_later), much_later).await, locked);
    let until = store.lockouts(ada.id, much_later).await.unwrap().unwrap().app_codes;
    assert_eq!(until, Some(much_later + retry_after));

    let valid = Ticket { expires_at: much_later + SECOND, ..ticket(&store, &ada).await };
    let factor = PresentedFactor::RecoveryCode(app.recovery_codes[0]);
    assert!(is_opened(&take(&store, &second_step_at(valid, factor, much_later)).await));
    assert!(is_opened(&enter_at(app.secret.code_at(much_later), much_later).await));

    // A passkey helps, too: in the second step, or alone.
    for is_alone in [false, true] {
        let (_, now) = fail_a_hundred_times(much_later + STEP).await;
        let mut used = passkey_use(&passkey);
        used.challenge.expires_at = now + SECOND;
        if is_alone {
            let session = session_with(ada.id, Amr::PASSKEY, now);
            let sign_in = PasskeySignIn { passkey: used, session, notice: None };
            let opened = sign_in_with_passkey(&store, &sign_in).await;
            assert!(matches!(opened, PasskeySignInOutcome::Opened(_)), "{opened:?}");
        } else {
            let valid = Ticket { expires_at: now + SECOND, ..ticket(&store, &ada).await };
            let step = second_step_at(valid, PresentedFactor::Passkey(used), now);
            assert!(is_opened(&take(&store, &step).await));
        }
        assert_eq!(store.lockouts(ada.id, now).await.unwrap(), Some(Lockouts::default()));
    }
}

async fn neither_a_password_nor_its_reset_clears_wrong_codes(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    lock_app_codes(&store, &ada, &app).await;
    let verified = current_credentials(&store, &ada).await.password_version;
    let outcome = store.open_session(&new_session(&ada).0, verified, None).await.unwrap();
    assert_eq!(outcome, OpenSessionOutcome::SecondFactorRequired);
    assert_locked(&store, &ada, &app).await;
    let proof = reauthenticate(&store, &ada, &session).await;
    let changed = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert_locked(&store, &ada, &app).await;
    assert_eq!(set_password(&store, &ada, &hash()).await.unwrap(), UpdateUserOutcome::Updated);
    assert_locked(&store, &ada, &app).await;
    let token = request_reset(&store, &ada).await;
    let reset = store.reset_password(&password_reset(&token), NOW).await.unwrap();
    assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }), "{reset:?}");
    assert_locked(&store, &ada, &app).await;
}

async fn wrong_codes_do_not_lock_out_without_a_throttle(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let (session, _) = open(&store, &ada).await;
    let app = turn_on_with_app(&store, &session).await;
    let throttle = CodeThrottle::Off;
    let step = SecondStep { throttle, ..code_step(ticket(&store, &ada).await, app.wrong_code()) };
    for _ in 0..20 {
        assert_eq!(take(&store, &step).await, SecondStepOutcome::CodeWrong);
    }
    let failed = Event::by_user(EventKind::SecondFactorFailed, NOW, client()).about(ada.id);
    assert_eq!(store.activity(ada.id, 20).await.unwrap(), vec![failed; 20]);
    let none = Some(Lockouts::default());
    assert_eq!(store.lockouts(ada.id, NOW).await.unwrap(), none);
    // Existing lockouts do not apply.
    lock_app_codes(&store, &ada, &app).await;
    let step = SecondStep { throttle, ..code_step(ticket(&store, &ada).await, app.code()) };
    assert!(is_opened(&take(&store, &step).await));
}
