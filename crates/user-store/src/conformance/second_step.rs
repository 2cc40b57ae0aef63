//! The second step of a sign-in.

use std::time::Duration;

use auth_core::{Amr, RecoveryCode, RecoveryCodeHash, SystemRandom, Ticket, TotpCode};

use crate::attempts::Lockouts;
use crate::audit::{Event, EventKind};
use crate::codes::{ChangeEmailOutcome, OpenSessionWithCodeOutcome, ResetPasswordOutcome};
use crate::conformance::code_steps::{change, change_to, kinds_of_events, request_sign_in};
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_steps::{
    App, STEP, add_passkey, challenge, enter_code, is_opened, passkey_sign_in, passkey_use,
    present, recovery_codes, second_step, second_step_at, session_with, sign_in_with_passkey,
    sign_up_with_app, stored, take, ticket, turn_on_with_app,
};
use crate::conformance::steps::{
    NOW, SECOND, Server, acting, client, current_credentials, hash, is_alive, kinds_of_mails,
    new_session, open, password_reset, reauthenticate, request_reset, set_password,
    sign_up_verified, two_servers,
};
use crate::factors::{
    CodeThrottle, OpenedSession, PasskeySignInOutcome, PasskeyUse, PresentedFactor, RecoveryCodes,
    SecondStep, SecondStepOutcome, Totp, TurnOffOutcome, TurnOnOutcome,
};
use crate::mails::NOTICE_LIFETIME;
use crate::sessions::OpenSessionOutcome;
use crate::users::{PasswordVersion, ReauthenticatedChangeOutcome, UpdateUserOutcome, User};

cases! {
    ($) second_step_cases in second_step;
    a_password_alone_opens_no_session_while_the_second_factor_is_on,
    a_mailed_code_alone_opens_no_session_while_the_second_factor_is_on,
    each_step_of_an_app_opens_one_session,
    a_ticket_opens_one_session,
    a_ticket_expires,
    a_ticket_is_void_after_a_change_of_the_password,
    a_ticket_is_void_after_an_operator_has_set_the_password,
    a_ticket_is_void_after_a_reset_of_the_password,
    a_ticket_is_void_after_a_change_of_the_email,
    a_ticket_is_void_while_the_account_is_disabled,
    a_ticket_is_void_after_the_second_factor_was_turned_off,
    a_ticket_opens_no_session_of_another_user_or_with_other_methods,
    a_second_step_ends_the_session_that_it_replaces,
    a_recovery_code_opens_one_session,
    a_passkey_as_second_step_opens_a_session_once,
    wrong_app_codes_lock_out_until_another_factor_opens_a_session,
    wrong_recovery_codes_lock_out_apart_from_app_codes,
    lockouts_of_app_codes_grow_until_only_another_factor_helps,
    neither_a_password_nor_its_reset_clears_wrong_codes,
    wrong_codes_do_not_lock_out_without_a_throttle,
}

fn random_recovery_code() -> RecoveryCodeHash {
    RecoveryCode::generate_list(&SystemRandom)[0].hash()
}

async fn enter_recovery_code(
    store: &Server,
    user: &User,
    code: RecoveryCodeHash,
) -> SecondStepOutcome {
    present(store, user, PresentedFactor::RecoveryCode(code)).await
}

fn code_step(ticket: Ticket, code: TotpCode) -> SecondStep {
    second_step(ticket, PresentedFactor::AppCode(code))
}

async fn a_password_alone_opens_no_session_while_the_second_factor_is_on(
    deployment: &dyn Deployment,
) {
    let [here, there] = two_servers(deployment).await;
    let (ada, session, _) = sign_up_with_app(&here, "ada@example.com").await;
    let before = current_credentials(&there, &ada).await;
    let events = kinds_of_events(&here).await;
    let (mut new, _) = new_session(&ada);
    // The methods that the session claims do not matter.
    for amr in [Amr::PASSWORD, Amr::PASSWORD.with_second_factor(Amr::CODE)] {
        new.session.amr = amr;
        for rehashed in [None, Some(&hash())] {
            let outcome = there.open_session(&new, before.password_version, rehashed).await;
            assert_eq!(outcome.unwrap(), OpenSessionOutcome::SecondFactorRequired);
        }
    }
    // A wrong password reveals nothing.
    let former = PasswordVersion(before.password_version.0 - 1);
    let outcome = there.open_session(&new, former, None).await.unwrap();
    assert_eq!(outcome, OpenSessionOutcome::CredentialsChanged);
    assert!(!is_alive(&here, &new.session).await && is_alive(&here, &session).await);
    assert_eq!(current_credentials(&here, &ada).await, before);
    assert_eq!(kinds_of_events(&here).await, events);
}

async fn a_mailed_code_alone_opens_no_session_while_the_second_factor_is_on(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let code = request_sign_in(&store, ada.email.key()).await;
    let (new, _) = new_session(&ada);
    let open =
        async || store.open_session_with_code(&code.browser, &code.hash, &new).await.unwrap();
    let credentials = current_credentials(&store, &ada).await;
    let required = OpenSessionWithCodeOutcome::SecondFactorRequired {
        user: ada.clone(),
        password_version: credentials.password_version,
        device_version: credentials.device_version,
    };
    assert_eq!(open().await, required);
    assert!(!is_alive(&store, &new.session).await);
    assert_eq!(open().await, OpenSessionWithCodeOutcome::CodeExpired, "it is used up");

    let ticket = Ticket { first_step: Amr::CODE, ..ticket(&store, &ada).await };
    let step = code_step(ticket, app.code());
    assert!(is_opened(&take(&store, &step).await));
    let opened = store.session(step.session.session.id, NOW).await.unwrap().unwrap();
    assert_eq!(opened.session.amr.to_string(), "otp mfa");
}

async fn each_step_of_an_app_opens_one_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let confirmed = app.secret.code_at(NOW);
    let wrong = enter_code(&store, &ada, confirmed).await;
    assert_eq!(wrong, SecondStepOutcome::CodeWrong, "it has confirmed the app");

    let step = code_step(ticket(&store, &ada).await, app.code());
    let device_version = current_credentials(&store, &ada).await.device_version;
    let opened = OpenedSession { user: ada.clone(), device_version, ended: vec![] };
    assert_eq!(take(&store, &step).await, SecondStepOutcome::Opened(opened));
    let session = step.session.session;
    let found = store.session(session.id, NOW).await.unwrap().unwrap();
    assert_eq!((found.session, found.user), (session, ada.clone()));
    assert_eq!(found.session.amr.to_string(), "pwd otp mfa");
    let event = Event::by_user(EventKind::SignedIn, NOW, client());
    let event = event.about(ada.id).in_session(session.id).with_amr(session.amr);
    assert_eq!(store.activity(ada.id, 1).await.unwrap(), [event]);
    let totp = Totp { created_at: NOW, last_used_at: Some(NOW) };
    assert_eq!(store.factors(ada.id).await.unwrap().totp, Some(totp));

    let replayed = enter_code(&store, &ada, app.code()).await;
    assert_eq!(replayed, SecondStepOutcome::CodeWrong);
    let failed = Event::by_user(EventKind::SecondFactorFailed, NOW, client()).about(ada.id);
    assert_eq!(store.activity(ada.id, 1).await.unwrap(), [failed]);
    // A step before an accepted one is not accepted any more, although the app shows its code.
    let later = NOW + 4 * STEP;
    let at = async |time| {
        let ticket = ticket(&store, &ada).await;
        let factor = PresentedFactor::AppCode(app.secret.code_at(time));
        take(&store, &second_step_at(ticket, factor, later)).await
    };
    assert_eq!(at(later - 2 * STEP).await, SecondStepOutcome::CodeWrong);
    assert_eq!(at(later + 2 * STEP).await, SecondStepOutcome::CodeWrong);
    assert!(is_opened(&at(later + STEP).await));
    assert_eq!(at(later).await, SecondStepOutcome::CodeWrong);
    assert_eq!(at(later + STEP).await, SecondStepOutcome::CodeWrong);
}

async fn a_ticket_opens_one_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let ticket = ticket(&store, &ada).await;
    // A wrong code does not use it up.
    let step = code_step(ticket, app.wrong_code());
    assert_eq!(take(&store, &step).await, SecondStepOutcome::CodeWrong);
    let step = second_step(ticket, PresentedFactor::RecoveryCode(random_recovery_code()));
    assert_eq!(take(&store, &step).await, SecondStepOutcome::CodeWrong);
    assert!(is_opened(&take(&store, &code_step(ticket, app.code())).await));

    let events = kinds_of_events(&store).await;
    let unused = app.recovery_codes[0];
    let again = second_step(ticket, PresentedFactor::RecoveryCode(unused));
    assert_eq!(take(&store, &again).await, SecondStepOutcome::TicketInvalid);
    let wrong = code_step(ticket, app.wrong_code());
    assert_eq!(take(&store, &wrong).await, SecondStepOutcome::TicketInvalid);
    assert_eq!(kinds_of_events(&store).await, events);
    assert!(is_opened(&enter_recovery_code(&store, &ada, unused).await), "it was not used up");
}

async fn a_ticket_expires(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let ticket = ticket(&store, &ada).await;
    let at = async |now| {
        let factor = PresentedFactor::AppCode(app.secret.code_at(now));
        take(&store, &second_step_at(ticket, factor, now)).await
    };
    assert_eq!(at(ticket.expires_at).await, SecondStepOutcome::TicketInvalid);
    assert!(is_opened(&at(ticket.expires_at - SECOND / 1_000).await));
}

/// Asserts that a ticket is not valid, and that a code with it is neither used up nor counted.
async fn assert_void(store: &Server, ticket: Ticket, app: &App) {
    let events = kinds_of_events(store).await;
    for code in [app.code(), app.wrong_code()] {
        let step = code_step(ticket, code);
        assert_eq!(take(store, &step).await, SecondStepOutcome::TicketInvalid);
        assert!(!is_alive(store, &step.session.session).await);
    }
    assert_eq!(kinds_of_events(store).await, events);
}

async fn a_ticket_is_void_after_a_change_of_the_password(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    let proof = reauthenticate(&store, &ada, &session).await;
    let changed = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert_void(&store, former, &app).await;
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn a_ticket_is_void_after_an_operator_has_set_the_password(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    assert_eq!(set_password(&store, &ada, &hash()).await.unwrap(), UpdateUserOutcome::Updated);
    assert_void(&store, former, &app).await;
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn a_ticket_is_void_after_a_reset_of_the_password(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    let before = store.factors(ada.id).await.unwrap();
    let token = request_reset(&store, &ada).await;
    let reset = store.reset_password(&password_reset(&token), NOW).await.unwrap();
    assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }), "{reset:?}");
    assert_void(&store, former, &app).await;
    // The reset removes no factor, and signs nobody in.
    assert_eq!(store.factors(ada.id).await.unwrap(), before);
    assert!(!is_alive(&store, &session).await);
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn a_ticket_is_void_after_a_change_of_the_email(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    let code = change_to(&store, &ada, &session, "lovelace@example.com").await;
    let changed = change(&store, &session, &code).await;
    assert!(matches!(changed, ChangeEmailOutcome::Changed { .. }), "{changed:?}");
    assert_void(&store, former, &app).await;
    let ada = stored(&store, &ada).await;
    assert_eq!(ada.second_factor_at, Some(NOW));
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn a_ticket_is_void_while_the_account_is_disabled(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    assert_eq!(store.disable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_void(&store, former, &app).await;
    assert_eq!(store.enable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn a_ticket_is_void_after_the_second_factor_was_turned_off(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    let later = NOW + SECOND / 1_000;
    let off = store.turn_second_factor_off(&acting(&session), None, NOW).await.unwrap();
    assert_eq!(off, TurnOffOutcome::TurnedOff);
    assert_void(&store, former, &app).await;

    // It stays void when the second factor is on again.
    add_passkey(&store, &session).await;
    let codes = recovery_codes();
    let on = store.turn_second_factor_on(&acting(&session), &codes, None, later).await.unwrap();
    assert_eq!(on, TurnOnOutcome::TurnedOn);
    let step = second_step(former, PresentedFactor::RecoveryCode(codes[0]));
    assert_eq!(take(&store, &step).await, SecondStepOutcome::TicketInvalid);
    assert!(is_opened(&enter_recovery_code(&store, &ada, codes[0]).await));
}

async fn a_ticket_opens_no_session_of_another_user_or_with_other_methods(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let (grace, _, of_grace) = sign_up_with_app(&store, "grace@example.com").await;
    let ticket = ticket(&store, &ada).await;
    let right = code_step(ticket, app.code());
    let amr = right.session.session.amr;
    let sessions = [
        session_with(grace.id, amr, NOW),
        session_with(ada.id, Amr::PASSWORD, NOW),
        session_with(ada.id, Amr::PASSKEY, NOW),
        session_with(ada.id, Amr::CODE.with_second_factor(Amr::CODE), NOW),
    ];
    for session in sessions {
        let step = SecondStep { session, ..right.clone() };
        assert_eq!(take(&store, &step).await, SecondStepOutcome::TicketInvalid);
        assert!(!is_alive(&store, &step.session.session).await);
    }
    let foreign = Ticket { user: grace.id, ..ticket };
    let step = SecondStep { ticket: foreign, ..right.clone() };
    assert_eq!(take(&store, &step).await, SecondStepOutcome::TicketInvalid);
    // The factors of another user are wrong.
    let step = code_step(ticket, of_grace.code());
    assert_eq!(take(&store, &step).await, SecondStepOutcome::CodeWrong);
    let step = second_step(ticket, PresentedFactor::RecoveryCode(of_grace.recovery_codes[0]));
    assert_eq!(take(&store, &step).await, SecondStepOutcome::CodeWrong);
    assert!(is_opened(&take(&store, &right).await));
    let code = of_grace.recovery_codes[0];
    assert!(is_opened(&enter_recovery_code(&store, &grace, code).await));
}

async fn a_second_step_ends_the_session_that_it_replaces(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let first = code_step(ticket(&store, &ada).await, app.code());
    assert!(is_opened(&take(&store, &first).await));
    let factor = PresentedFactor::RecoveryCode(app.recovery_codes[0]);
    let mut second = second_step(ticket(&store, &ada).await, factor);
    second.session.replaces = Some(first.session.family);
    let SecondStepOutcome::Opened(opened) = take(&store, &second).await else {
        unreachable!("the code is right");
    };
    assert_eq!(opened.ended, [first.session.session.id]);
    assert!(!is_alive(&store, &first.session.session).await);
    assert!(is_alive(&store, &second.session.session).await && is_alive(&store, &session).await);
}

async fn a_recovery_code_opens_one_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    store.purge_mails(NOW + 10 * NOTICE_LIFETIME, 100).await.unwrap();
    let code = app.recovery_codes[3];
    let step = second_step(ticket(&store, &ada).await, PresentedFactor::RecoveryCode(code));
    assert!(is_opened(&take(&store, &step).await));
    let session = step.session.session;
    let found = store.session(session.id, NOW).await.unwrap().unwrap();
    assert_eq!(found.session.amr.to_string(), "pwd otp mfa");
    let event = |kind| Event::by_user(kind, NOW, client()).about(ada.id).in_session(session.id);
    let signed_in = event(EventKind::SignedIn).with_amr(session.amr);
    let events = [signed_in, event(EventKind::RecoveryCodeUsed)];
    assert_eq!(store.activity(ada.id, 2).await.unwrap(), events);
    assert_eq!(kinds_of_mails(&store).await, ["recovery_code_used"]);
    let left = RecoveryCodes { left: 9, created_at: NOW };
    assert_eq!(store.factors(ada.id).await.unwrap().recovery_codes, Some(left));
    let again = enter_recovery_code(&store, &ada, code).await;
    assert_eq!(again, SecondStepOutcome::CodeWrong);
    // A user who has used all of them still has a list.
    for (n, code) in app.recovery_codes.iter().enumerate().filter(|(n, _)| *n != 3) {
        assert!(is_opened(&enter_recovery_code(&store, &ada, *code).await), "{n}");
    }
    let left = RecoveryCodes { left: 0, created_at: NOW };
    assert_eq!(store.factors(ada.id).await.unwrap().recovery_codes, Some(left));
}

async fn a_passkey_as_second_step_opens_a_session_once(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, _) = sign_up_with_app(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let used = passkey_use(&passkey);
    let step = second_step(ticket(&store, &ada).await, PresentedFactor::Passkey(used.clone()));
    assert!(is_opened(&take(&store, &step).await));
    let found = store.session(step.session.session.id, NOW).await.unwrap().unwrap();
    assert_eq!(found.session.amr.to_string(), "pwd pop mfa");
    let found = store.passkey(&passkey.credential_id).await.unwrap().unwrap();
    assert_eq!(found.last_used_at, Some(NOW));

    let again = present(&store, &ada, PresentedFactor::Passkey(used.clone())).await;
    assert_eq!(again, SecondStepOutcome::ChallengeUsed);
    let (grace, of_grace, _) = sign_up_with_app(&store, "grace@example.com").await;
    let foreign = passkey_use(&add_passkey(&store, &of_grace).await);
    let fresh = ticket(&store, &ada).await;
    let step = second_step(fresh, PresentedFactor::Passkey(foreign.clone()));
    assert_eq!(take(&store, &step).await, SecondStepOutcome::CredentialInvalid);
    // Neither the ticket nor the challenge was used up.
    let outcome = present(&store, &grace, PresentedFactor::Passkey(foreign)).await;
    assert!(is_opened(&outcome), "{outcome:?}");
    let used = PasskeyUse { challenge: challenge(), ..used };
    let step = second_step(fresh, PresentedFactor::Passkey(used));
    assert!(is_opened(&take(&store, &step).await));
}

async fn lock_app_codes(store: &Server, user: &User, app: &App) {
    for _ in 0..10 {
        let wrong = enter_code(store, user, app.wrong_code()).await;
        assert_eq!(wrong, SecondStepOutcome::CodeWrong);
    }
    assert_locked(store, user, app).await;
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
    store.purge_mails(NOW + 10 * NOTICE_LIFETIME, 100).await.unwrap();
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

async fn wrong_recovery_codes_lock_out_apart_from_app_codes(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    store.purge_mails(NOW + 10 * NOTICE_LIFETIME, 100).await.unwrap();
    for _ in 0..10 {
        let wrong = enter_recovery_code(&store, &ada, random_recovery_code()).await;
        assert_eq!(wrong, SecondStepOutcome::CodeWrong);
    }
    assert_eq!(kinds_of_mails(&store).await, ["second_factor_locked_out"]);
    let retry_after = Duration::from_mins(15);
    let locked = SecondStepOutcome::TooManyAttempts { retry_after };
    assert_eq!(enter_recovery_code(&store, &ada, app.recovery_codes[0]).await, locked);
    let left = store.factors(ada.id).await.unwrap().recovery_codes.unwrap().left;
    assert_eq!(left, 10);
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
    assert!(is_opened(&enter_recovery_code(&store, &ada, app.recovery_codes[0]).await));
}

async fn lockouts_of_app_codes_grow_until_only_another_factor_helps(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let enter_at = async |code: TotpCode, now| {
        let ticket = Ticket { expires_at: now + SECOND, ..ticket(&store, &ada).await };
        take(&store, &second_step_at(ticket, PresentedFactor::AppCode(code), now)).await
    };
    // Codes far from those of the cases: the time passes quickly here.
    let wrong = |now| {
        let right: Vec<_> = (0..5).map(|n| app.secret.code_at(now - 2 * STEP + n * STEP)).collect();
        let mut codes = (0..).map(|n| TotpCode::parse(&format!("{n:06}")).unwrap());
        codes.find(|code| !right.contains(code)).unwrap()
    };
    let mut now = NOW;
    let mut waits = Vec::new();
    for n in 1..=100 {
        let outcome = enter_at(wrong(now), now).await;
        assert_eq!(outcome, SecondStepOutcome::CodeWrong, "{n}");
        if n >= 10 {
            let outcome = enter_at(app.secret.code_at(now), now).await;
            let SecondStepOutcome::TooManyAttempts { retry_after } = outcome else {
                unreachable!("{n}: {outcome:?}");
            };
            waits.push(retry_after.as_secs());
            now += retry_after;
        }
    }
    assert_eq!(waits[..4], [60, 120, 240, 480]);
    let day = 24 * 60 * 60;
    assert!(waits.iter().all(|wait| *wait <= day));
    assert_eq!(waits.last(), Some(&day));
    let much_later = now + 365 * Duration::from_secs(day);
    let retry_after = Duration::from_secs(day);
    let locked = SecondStepOutcome::TooManyAttempts { retry_after };
    assert_eq!(enter_at(app.secret.code_at(much_later), much_later).await, locked);
    let until = store.lockouts(ada.id, much_later).await.unwrap().unwrap().app_codes;
    assert_eq!(until, Some(much_later + retry_after));

    let ticket = Ticket { expires_at: much_later + SECOND, ..ticket(&store, &ada).await };
    let factor = PresentedFactor::RecoveryCode(app.recovery_codes[0]);
    assert!(is_opened(&take(&store, &second_step_at(ticket, factor, much_later)).await));
    assert!(is_opened(&enter_at(app.secret.code_at(much_later), much_later).await));
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
    // The lockouts that there are do not apply.
    lock_app_codes(&store, &ada, &app).await;
    let step = SecondStep { throttle, ..code_step(ticket(&store, &ada).await, app.code()) };
    assert!(is_opened(&take(&store, &step).await));
}
