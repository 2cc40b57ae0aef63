//! The second step of a sign-in.

use auth_core::{Amr, Ticket};

use crate::audit::{Event, EventKind};
use crate::codes::OpenSessionWithCodeOutcome;
use crate::conformance::code_steps::{kinds_of_events, request_sign_in};
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_steps::{
    STEP, add_passkey, challenge, code_step, delete_mails, enter_code, enter_recovery_code,
    is_opened, open_sessions_except, passkey_sign_in, passkey_use, present, random_recovery_code,
    second_step, second_step_at, session_with, sign_in_with_passkey, sign_up_with_app, take,
    ticket,
};
use crate::conformance::steps::{
    NOW, client, current_credentials, hash, is_alive, kinds_of_mails, new_session, two_servers,
};
use crate::factors::{
    OpenedSession, PasskeySignInOutcome, PasskeyUse, PresentedFactor, RecoveryCodes, SecondStep,
    SecondStepOutcome, Totp,
};
use crate::sessions::{NewSession, OpenSessionOutcome};
use crate::users::PasswordVersion;

cases! {
    ($) second_step_cases in second_step;
    a_password_alone_opens_no_session_while_the_second_factor_is_on,
    a_mailed_code_alone_opens_no_session_while_the_second_factor_is_on,
    each_step_of_an_app_opens_one_session,
    a_ticket_opens_one_session,
    a_ticket_opens_no_session_of_another_user_or_with_other_methods,
    a_second_step_ends_the_session_that_it_replaces,
    a_sign_in_beyond_the_limit_of_sessions_ends_the_least_recently_used_one,
    a_recovery_code_opens_one_session,
    a_passkey_as_second_step_opens_a_session_once,
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
    // A step before an accepted one is no longer accepted, even if its code is still in the window.
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
    // The factors of another user are rejected.
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

async fn a_sign_in_beyond_the_limit_of_sessions_ends_the_least_recently_used_one(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let passkey = add_passkey(&store, &session).await;
    let [oldest, second_oldest] = open_sessions_except(&store, &passkey, 0).await;
    assert!(is_alive(&store, &oldest).await);

    let step = code_step(ticket(&store, &ada).await, app.code());
    let outcome = take(&store, &step).await;
    let SecondStepOutcome::Opened(opened) = outcome else { unreachable!("{outcome:?}") };
    assert_eq!(opened.ended, [oldest.id]);
    let sign_in = passkey_sign_in(&passkey);
    let outcome = sign_in_with_passkey(&store, &sign_in).await;
    let PasskeySignInOutcome::Opened(opened) = outcome else { unreachable!("{outcome:?}") };
    assert_eq!(opened.ended, [second_oldest.id]);
    for (session, alive) in [
        (oldest, false),
        (second_oldest, false),
        (step.session.session, true),
        (sign_in.session.session, true),
        (session, true),
    ] {
        assert_eq!(is_alive(&store, &session).await, alive);
    }
    let remaining = store.sessions(ada.id, NOW).await.unwrap();
    assert_eq!(remaining.len(), NewSession::MAX_PER_USER as usize);
}

async fn a_recovery_code_opens_one_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    delete_mails(&store).await;
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
