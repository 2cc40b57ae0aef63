//! Turning the second factor on and off.

use auth_core::{Amr, Session, SystemRandom, Timestamp, TotpCode, TotpSecret};
use std::time::Duration;

use crate::attempts::{Lockouts, UnlockOutcome};
use crate::audit::{Event, EventKind};
use crate::conformance::code_steps::kinds_of_events;
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_steps::{
    SETUP_TIME, STEP, add_passkey, begin_totp, confirm, confirmation, delete_mails, enter_code,
    event, factors, is_opened, new_passkey, newest_event, passkey_sign_in, present, recovery_codes,
    second_step_at, session_with, sign_in_verified, sign_in_with_passkey, sign_up_with_app, stored,
    take, ticket, turn_off, turn_on, turn_on_with_app, wrong_code,
};
use crate::conformance::steps::{
    NOW, SECOND, Server, acting, current_credentials, is_alive, kinds_of_mails, mail_id, open, user,
};
use crate::factors::{
    AddPasskeyOutcome, BeginTotpOutcome, CodeThrottle, ConfirmTotp, ConfirmTotpOutcome, Factors,
    Passkey, PasskeySignInOutcome, PresentedFactor, RecoveryCodes, RemovePasskeyOutcome,
    ReplaceRecoveryCodesOutcome, SecondStep, SecondStepOutcome, Totp, TurnOffOutcome,
    TurnOnOutcome,
};
use crate::users::User;

cases! {
    ($) factors_cases in factors;
    a_confirmed_app_turns_the_second_factor_on,
    a_second_app_replaces_the_first_one,
    an_app_is_confirmed_before_its_time_expires,
    wrong_codes_at_the_set_up_lock_out,
    changes_need_an_active_and_fresh_session,
    a_passkey_turns_the_second_factor_on,
    without_a_passkey_none_can_be_required_even_with_an_app,
    an_app_added_to_a_passkey_keeps_the_recovery_codes_and_ends_other_sessions,
    turning_the_second_factor_off_deletes_everything_except_passkeys,
    recovery_codes_are_replaced,
}

async fn a_confirmed_app_turns_the_second_factor_on(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let (grace, of_grace) = sign_in_verified(&store, "grace@example.com").await;
    let (other, _) = open(&store, &ada).await;
    let secret = begin_totp(&store, &session).await;
    assert_eq!(factors(&store, &ada).await, Factors::default());
    assert_eq!(stored(&store, &ada).await, ada);
    assert!(is_alive(&store, &other).await);

    let confirmed = confirm(&store, &session, secret.code_at(NOW)).await;
    assert_eq!(confirmed, ConfirmTotpOutcome::TurnedOn);
    let on = User { second_factor_at: Some(NOW), ..ada.clone() };
    assert_eq!(stored(&store, &ada).await, on);
    assert_eq!(current_credentials(&store, &ada).await.second_factor_at, Some(NOW));
    let active = store.session(session.id, NOW).await.unwrap().unwrap();
    assert_eq!((active.session, active.user), (session, on));
    let expected = Factors {
        second_factor_at: Some(NOW),
        totp: Some(Totp { created_at: NOW, last_used_at: None }),
        recovery_codes: Some(RecoveryCodes { left: 10, created_at: NOW }),
        passkeys: vec![],
    };
    assert_eq!(factors(&store, &ada).await, expected);
    assert_eq!(newest_event(&store, &ada).await, event(EventKind::SecondFactorOn, &session));
    assert_eq!(kinds_of_mails(&store).await, ["second_factor_on"]);
    assert!(!is_alive(&store, &other).await);
    assert!(is_alive(&store, &of_grace).await);
    assert_eq!(stored(&store, &grace).await, grace);
    assert_eq!(factors(&store, &grace).await, Factors::default());

    let again = confirm(&store, &session, secret.code_at(NOW + STEP)).await;
    assert_eq!(again, ConfirmTotpOutcome::NoPendingTotp);
    assert_eq!(factors(&store, &user("eve@example.com")).await, Factors::default());
}

async fn a_second_app_replaces_the_first_one(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let outcome = enter_code(&store, &ada, app.code()).await;
    let SecondStepOutcome::Opened(_) = outcome else { unreachable!("{outcome:?}") };
    delete_mails(&store).await;

    // The first app stays in use until the second one is confirmed.
    let now = NOW + 4 * STEP;
    let secret = begin_totp(&store, &session).await;
    let first = second_step_at_later(&store, &ada, app.secret.code_at(now), now).await;
    assert!(is_opened(&take(&store, &first).await));
    let later = now + STEP;
    let confirmation = confirmation(secret.code_at(later));
    let confirmed = store.confirm_totp(&acting(&session), &confirmation, later).await.unwrap();
    assert_eq!(confirmed, ConfirmTotpOutcome::Replaced);
    let expected = Factors {
        second_factor_at: Some(NOW),
        totp: Some(Totp { created_at: later, last_used_at: None }),
        recovery_codes: Some(RecoveryCodes { left: 10, created_at: NOW }),
        passkeys: vec![],
    };
    assert_eq!(factors(&store, &ada).await, expected);
    let replaced = Event { at: later, ..event(EventKind::TotpReplaced, &session) };
    assert_eq!(newest_event(&store, &ada).await, replaced);
    assert_eq!(kinds_of_mails(&store).await, ["totp_replaced"]);
    assert!(!is_alive(&store, &first.session.session).await);

    // The code that confirmed the app has used up its step, and the first app is no longer valid.
    let step = second_step_at_later(&store, &ada, secret.code_at(later), later).await;
    assert_eq!(take(&store, &step).await, SecondStepOutcome::CodeWrong);
    let step = second_step_at_later(&store, &ada, app.secret.code_at(later + STEP), later).await;
    assert_eq!(take(&store, &step).await, SecondStepOutcome::CodeWrong);
    let step = second_step_at_later(&store, &ada, secret.code_at(later + STEP), later).await;
    assert!(is_opened(&take(&store, &step).await));
    let hash = app.recovery_codes[0];
    assert!(is_opened(&present(&store, &ada, PresentedFactor::RecoveryCode(hash)).await));
}

async fn second_step_at_later(
    store: &Server,
    user: &User,
    code: TotpCode,
    now: Timestamp,
) -> SecondStep {
    let ticket = ticket(store, user).await;
    second_step_at(ticket, PresentedFactor::AppCode(code), now)
}

async fn an_app_is_confirmed_before_its_time_expires(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let code = TotpSecret::generate(&SystemRandom).code_at(NOW);
    assert_eq!(confirm(&store, &session, code).await, ConfirmTotpOutcome::NoPendingTotp);

    let earlier = begin_totp(&store, &session).await;
    let secret = TotpSecret::generate(&SystemRandom);
    let end = NOW + SECOND;
    let begun = store.begin_totp(&acting(&session), &secret, end, NOW).await.unwrap();
    assert_eq!(begun, BeginTotpOutcome::Stored);
    let wrong = confirm(&store, &session, earlier.code_at(NOW)).await;
    assert_eq!(wrong, ConfirmTotpOutcome::CodeWrong);
    let confirm_at = async |now| {
        let confirmation = confirmation(secret.code_at(now));
        store.confirm_totp(&acting(&session), &confirmation, now).await.unwrap()
    };
    assert_eq!(confirm_at(end).await, ConfirmTotpOutcome::NoPendingTotp);
    assert_eq!(factors(&store, &ada).await, Factors::default());
    assert_eq!(confirm_at(end - SECOND / 1_000).await, ConfirmTotpOutcome::TurnedOn);
}

async fn wrong_codes_at_the_set_up_lock_out(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let secret = begin_totp(&store, &session).await;
    let wrong = wrong_code(&secret);
    let unenforced = ConfirmTotp { throttle: CodeThrottle::Off, ..confirmation(wrong.clone()) };
    for _ in 0..12 {
        let outcome = store.confirm_totp(&acting(&session), &unenforced, NOW).await.unwrap();
        assert_eq!(outcome, ConfirmTotpOutcome::CodeWrong);
    }
    for n in 1..=10 {
        assert!(kinds_of_mails(&store).await.is_empty(), "{n}");
        let outcome = confirm(&store, &session, wrong.clone()).await;
        let expected =
            if n < 10 { ConfirmTotpOutcome::CodeWrong } else { ConfirmTotpOutcome::LockedOut };
        assert_eq!(outcome, expected);
    }
    let failed = event(EventKind::SecondFactorFailed, &session);
    let events = store.activity(ada.id, 23).await.unwrap();
    assert_eq!(events[..22], vec![failed.clone(); 22]);
    assert_ne!(events[22], failed);
    assert_eq!(kinds_of_mails(&store).await, ["second_factor_locked_out"]);
    let locked_out = ConfirmTotpOutcome::TooManyAttempts { retry_after: Duration::from_mins(1) };
    assert_eq!(confirm(&store, &session, secret.code_at(NOW)).await, locked_out);
    assert_eq!(store.activity(ada.id, 23).await.unwrap(), events);
    let right = ConfirmTotp { throttle: CodeThrottle::Off, ..confirmation(secret.code_at(NOW)) };
    let outcome = store.confirm_totp(&acting(&session), &right, NOW).await.unwrap();
    assert_eq!(outcome, ConfirmTotpOutcome::TurnedOn);
    // Only opening a session clears the count.
    let lockouts = store.lockouts(ada.id, NOW).await.unwrap().unwrap();
    let app_codes = Some(NOW + Duration::from_mins(1));
    assert_eq!(lockouts, Lockouts { app_codes, ..Lockouts::default() });
}

async fn changes_need_an_active_and_fresh_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, _) = sign_up_with_app(&store, "ada@example.com").await;
    let kept = add_passkey(&store, &session).await;
    let secret = begin_totp(&store, &session).await;
    let before = (factors(&store, &ada).await, kinds_of_events(&store).await);
    let ended = session_with(ada.id, Amr::PASSKEY, NOW);
    let last = NOW + Session::FRESH_FOR;
    for (session, now) in [(session, last + SECOND / 1_000), (ended.session, NOW)] {
        let acting = acting(&session);
        let expires_at = now + SETUP_TIME;
        let begun = store.begin_totp(&acting, &secret, expires_at, now).await.unwrap();
        assert_eq!(begun, BeginTotpOutcome::SessionEnded);
        let confirmation = confirmation(secret.code_at(now));
        let confirmed = store.confirm_totp(&acting, &confirmation, now).await.unwrap();
        assert_eq!(confirmed, ConfirmTotpOutcome::SessionEnded);
        let on = store.turn_second_factor_on(&acting, &recovery_codes(), None, now).await.unwrap();
        assert_eq!(on, TurnOnOutcome::SessionEnded);
        let off = store.turn_second_factor_off(&acting, None, now).await.unwrap();
        assert_eq!(off, TurnOffOutcome::SessionEnded);
        let codes = recovery_codes();
        let replaced = store.replace_recovery_codes(&acting, &codes, None, now).await.unwrap();
        assert_eq!(replaced, ReplaceRecoveryCodesOutcome::SessionEnded);
        let mut new = new_passkey(ada.id);
        new.challenge.expires_at = now + SECOND;
        let added = store.add_passkey(&acting, &new, now).await.unwrap();
        assert_eq!(added, AddPasskeyOutcome::SessionEnded);
        let removed = store.remove_passkey(&acting, kept.id, None, now).await.unwrap();
        assert_eq!(removed, RemovePasskeyOutcome::SessionEnded);
    }
    assert_eq!((factors(&store, &ada).await, kinds_of_events(&store).await), before);
    let off = store.turn_second_factor_off(&acting(&session), None, last).await.unwrap();
    assert_eq!(off, TurnOffOutcome::TurnedOff);
}

async fn a_passkey_turns_the_second_factor_on(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let (_, of_grace) = sign_in_verified(&store, "grace@example.com").await;
    add_passkey(&store, &of_grace).await;
    let (other, _) = open(&store, &ada).await;
    assert_eq!(turn_on(&store, &session).await, TurnOnOutcome::NoFactor);
    assert!(is_alive(&store, &other).await);
    assert_eq!(factors(&store, &ada).await, Factors::default());

    let passkey = add_passkey(&store, &session).await;
    delete_mails(&store).await;
    assert_eq!(turn_on(&store, &session).await, TurnOnOutcome::TurnedOn);
    let expected = Factors {
        second_factor_at: Some(NOW),
        totp: None,
        recovery_codes: Some(RecoveryCodes { left: 10, created_at: NOW }),
        passkeys: vec![passkey],
    };
    assert_eq!(factors(&store, &ada).await, expected);
    assert_eq!(newest_event(&store, &ada).await, event(EventKind::SecondFactorOn, &session));
    assert_eq!(kinds_of_mails(&store).await, ["second_factor_on"]);
    assert!(!is_alive(&store, &other).await && is_alive(&store, &session).await);

    let events = kinds_of_events(&store).await;
    let again = store
        .turn_second_factor_on(&acting(&session), &recovery_codes(), None, NOW + SECOND)
        .await
        .unwrap();
    assert_eq!(again, TurnOnOutcome::AlreadyOn);
    assert_eq!(factors(&store, &ada).await, expected);
    assert_eq!(kinds_of_events(&store).await, events);
}

async fn without_a_passkey_none_can_be_required_even_with_an_app(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let before = (factors(&store, &ada).await, kinds_of_events(&store).await);
    assert_eq!(turn_on(&store, &session).await, TurnOnOutcome::NoFactor);
    assert_eq!((factors(&store, &ada).await, kinds_of_events(&store).await), before);
    let code = PresentedFactor::RecoveryCode(app.recovery_codes[0]);
    assert!(is_opened(&present(&store, &ada, code).await));
}

async fn an_app_added_to_a_passkey_keeps_the_recovery_codes_and_ends_other_sessions(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    assert_eq!(turn_on(&store, &session).await, TurnOnOutcome::TurnedOn);
    let sign_in = passkey_sign_in(&passkey);
    let opened = sign_in_with_passkey(&store, &sign_in).await;
    assert!(matches!(opened, PasskeySignInOutcome::Opened(_)), "{opened:?}");
    let before = factors(&store, &ada).await;
    delete_mails(&store).await;

    let secret = begin_totp(&store, &session).await;
    let confirmed = confirm(&store, &session, secret.code_at(NOW)).await;
    assert_eq!(confirmed, ConfirmTotpOutcome::Replaced);
    let totp = Some(Totp { created_at: NOW, last_used_at: None });
    assert_eq!(factors(&store, &ada).await, Factors { totp, ..before });
    assert_eq!(newest_event(&store, &ada).await, event(EventKind::TotpReplaced, &session));
    assert_eq!(kinds_of_mails(&store).await, ["totp_replaced"]);
    assert!(!is_alive(&store, &sign_in.session.session).await && is_alive(&store, &session).await);
}

async fn turning_the_second_factor_off_deletes_everything_except_passkeys(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let pending = begin_totp(&store, &session).await;
    let sign_in = passkey_sign_in(&passkey);
    let opened = sign_in_with_passkey(&store, &sign_in).await;
    assert!(matches!(opened, PasskeySignInOutcome::Opened(_)), "{opened:?}");
    let wrong = enter_code(&store, &ada, app.wrong_code()).await;
    assert_eq!(wrong, SecondStepOutcome::CodeWrong);
    delete_mails(&store).await;

    assert_eq!(turn_off(&store, &session).await, TurnOffOutcome::TurnedOff);
    let passkeys = vec![Passkey { last_used_at: Some(NOW), ..passkey }];
    assert_eq!(factors(&store, &ada).await, Factors { passkeys, ..Factors::default() });
    assert_eq!(stored(&store, &ada).await.second_factor_at, None);
    assert_eq!(newest_event(&store, &ada).await, event(EventKind::SecondFactorOff, &session));
    assert_eq!(kinds_of_mails(&store).await, ["second_factor_off"]);
    assert!(!is_alive(&store, &sign_in.session.session).await && is_alive(&store, &session).await);
    let confirmed = confirm(&store, &session, pending.code_at(NOW)).await;
    assert_eq!(confirmed, ConfirmTotpOutcome::NoPendingTotp);
    let unlocked = store.unlock_user(ada.id, NOW).await.unwrap();
    assert_eq!(unlocked, UnlockOutcome::NothingToReset);
    open(&store, &ada).await;

    let events = kinds_of_events(&store).await;
    assert_eq!(turn_off(&store, &session).await, TurnOffOutcome::AlreadyOff);
    assert_eq!(kinds_of_events(&store).await, events);
    // The former recovery codes stay void if the second factor is turned on again.
    assert_eq!(turn_on(&store, &session).await, TurnOnOutcome::TurnedOn);
    let former = PresentedFactor::RecoveryCode(app.recovery_codes[0]);
    assert_eq!(present(&store, &ada, former).await, SecondStepOutcome::CodeWrong);
}

async fn recovery_codes_are_replaced(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_verified(&store, "ada@example.com").await;
    let replace = async |session: &Session, codes: &[_], now| {
        let notice = Some(mail_id());
        store.replace_recovery_codes(&acting(session), codes, notice, now).await.unwrap()
    };
    let is_off = replace(&session, &recovery_codes(), NOW).await;
    assert_eq!(is_off, ReplaceRecoveryCodesOutcome::SecondFactorOff);
    assert_eq!(factors(&store, &ada).await, Factors::default());
    let app = turn_on_with_app(&store, &session).await;
    let passkey = add_passkey(&store, &session).await;
    let sign_in = passkey_sign_in(&passkey);
    let _ = sign_in_with_passkey(&store, &sign_in).await;
    delete_mails(&store).await;

    let (codes, later) = (recovery_codes(), NOW + SECOND);
    let replaced = replace(&session, &codes, later).await;
    assert_eq!(replaced, ReplaceRecoveryCodesOutcome::Replaced);
    let left = RecoveryCodes { left: 10, created_at: later };
    assert_eq!(factors(&store, &ada).await.recovery_codes, Some(left));
    let renewed = Event { at: later, ..event(EventKind::RecoveryCodesRenewed, &session) };
    assert_eq!(newest_event(&store, &ada).await, renewed);
    assert_eq!(kinds_of_mails(&store).await, ["recovery_codes_renewed"]);
    assert!(is_alive(&store, &sign_in.session.session).await, "it ends no session");
    let former = PresentedFactor::RecoveryCode(app.recovery_codes[0]);
    assert_eq!(present(&store, &ada, former).await, SecondStepOutcome::CodeWrong);
    let current = PresentedFactor::RecoveryCode(codes[9]);
    assert!(is_opened(&present(&store, &ada, current).await));
    let left = RecoveryCodes { left: 9, created_at: later };
    assert_eq!(factors(&store, &ada).await.recovery_codes, Some(left));
}
