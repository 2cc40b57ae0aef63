//! Sign-ins that race with changes of the account.

use auth_core::{Session, SingleUseId, SystemRandom, Ticket};
use futures_util::future::{join, join_all};

use crate::codes::{OpenSessionWithCodeOutcome, ResetPasswordOutcome};
use crate::conformance::code_steps::request_sign_in;
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_races::ROUNDS;
use crate::conformance::factor_steps::{
    App, add_passkey, begin_totp, confirmation, is_opened, open_sessions_except, passkey_sign_in,
    passkey_use, second_step, sign_in_verified, sign_in_with_passkey, sign_up_with_app, stored,
    take, ticket, turn_on,
};
use crate::conformance::steps::{
    NOW, Server, acting, current_credentials, hash, is_alive, mail_id, new_session, open,
    password_reset, race, reauthenticate, request_reset, two_servers,
};
use crate::factors::{
    ConfirmTotpOutcome, PasskeySignInOutcome, PresentedFactor, RemovePasskeyOutcome,
    ResetSecondFactorOutcome, SecondStep, SecondStepOutcome, TurnOffOutcome, TurnOnOutcome,
};
use crate::sessions::{EndSessionsOutcome, NewSession, OpenSessionOutcome};
use crate::users::{ReauthenticatedChangeOutcome, UpdateUserOutcome, User};

cases! {
    ($) second_step_races_cases in second_step_races;
    a_second_step_that_races_with_a_password_change_leaves_no_session,
    a_second_step_that_races_with_a_password_reset_leaves_no_session,
    a_second_step_that_races_with_disabling_leaves_no_session,
    a_second_step_that_races_with_a_deletion_leaves_no_session,
    a_second_step_that_races_with_turning_off_leaves_no_session,
    a_second_step_that_races_with_a_reset_leaves_no_session,
    a_sign_in_that_races_with_turning_on_leaves_no_session,
    a_sign_in_by_email_that_races_with_turning_on_leaves_no_session,
    changes_from_two_sessions_do_not_both_succeed,
    concurrent_second_steps_and_passkeys_do_not_exceed_the_maximum_number_of_sessions,
}

/// An account with an app, and the second step of a sign-in that has begun.
struct Begun {
    user: User,
    session: Session,
    step: SecondStep,
}

async fn begin(store: &Server, round: usize) -> Begun {
    let (user, session, app): (_, _, App) =
        sign_up_with_app(store, &format!("ada{round}@example.com")).await;
    let step = second_step(ticket(store, &user).await, PresentedFactor::AppCode(app.code()));
    Begun { user, session, step }
}

/// Asserts that the only active session of the user is this one, if any.
async fn assert_sessions(store: &Server, user: &User, expected: Option<&Session>) {
    let sessions = store.sessions(user.id, NOW).await.unwrap();
    let ids: Vec<_> = sessions.iter().map(|record| record.session.id).collect();
    assert_eq!(ids, expected.map(|session| session.id).into_iter().collect::<Vec<_>>());
}

fn assert_opened_or_void(outcome: &SecondStepOutcome) {
    let is_void = *outcome == SecondStepOutcome::TicketInvalid;
    assert!(is_opened(outcome) || is_void, "{outcome:?}");
}

async fn a_second_step_that_races_with_a_password_change_leaves_no_session(
    deployment: &dyn Deployment,
) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let Begun { user, session, step } = begin(&here, round).await;
        let proof = reauthenticate(&here, &user, &session).await;
        let new = hash();
        let change = there.change_password(&proof, &new, None, NOW);
        let (outcome, changed) = race(take(&here, &step), change);
        assert_eq!(changed.unwrap(), ReauthenticatedChangeOutcome::Done);
        assert_opened_or_void(&outcome);
        assert_sessions(&here, &user, Some(&session)).await;
    }
}

async fn a_second_step_that_races_with_a_password_reset_leaves_no_session(
    deployment: &dyn Deployment,
) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let Begun { user, step, .. } = begin(&here, round).await;
        let reset = password_reset(&request_reset(&here, &user).await);
        let (outcome, reset) = race(take(&here, &step), there.reset_password(&reset, NOW));
        assert!(matches!(reset.unwrap(), ResetPasswordOutcome::Reset { .. }));
        assert_opened_or_void(&outcome);
        assert_sessions(&here, &user, None).await;
    }
}

async fn a_second_step_that_races_with_disabling_leaves_no_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let Begun { user, step, .. } = begin(&here, round).await;
        let (outcome, disabled) = race(take(&here, &step), there.disable_user(user.id, NOW));
        assert_eq!(disabled.unwrap(), UpdateUserOutcome::Updated);
        assert_opened_or_void(&outcome);
        assert_sessions(&here, &user, None).await;
    }
}

async fn a_second_step_that_races_with_a_deletion_leaves_no_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let Begun { user, session, step } = begin(&here, round).await;
        let passkey = add_passkey(&here, &session).await;
        let sign_in = passkey_sign_in(&passkey);
        let sign_ins = join(take(&here, &step), sign_in_with_passkey(&there, &sign_in));
        let ((outcome, alone), deleted) = race(sign_ins, there.delete_user(user.id, None, NOW));
        assert_eq!(deleted.unwrap(), UpdateUserOutcome::Updated);
        assert_opened_or_void(&outcome);
        assert_ne!(alone, PasskeySignInOutcome::ChallengeUsed);
        assert_sessions(&here, &user, None).await;
        for session in [step.session.session, sign_in.session.session] {
            assert!(!is_alive(&here, &session).await);
        }
        let events = here.activity(user.id, 10).await.unwrap();
        assert_eq!(events.len(), 1, "the deletion: {events:?}");
    }
}

async fn a_second_step_that_races_with_turning_off_leaves_no_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let Begun { user, session, step } = begin(&here, round).await;
        let acting = acting(&session);
        let off = there.turn_second_factor_off(&acting, None, NOW);
        let (outcome, off) = race(take(&here, &step), off);
        assert_eq!(off.unwrap(), TurnOffOutcome::TurnedOff);
        assert_opened_or_void(&outcome);
        assert_sessions(&here, &user, Some(&session)).await;
    }
}

async fn a_second_step_that_races_with_a_reset_leaves_no_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let Begun { user, step, .. } = begin(&here, round).await;
        let reset = there.reset_second_factor(user.id, Some(mail_id()), NOW);
        let (outcome, reset) = race(take(&here, &step), reset);
        assert_eq!(reset.unwrap(), ResetSecondFactorOutcome::Reset);
        assert_opened_or_void(&outcome);
        assert_sessions(&here, &user, None).await;
    }
}

async fn a_sign_in_that_races_with_turning_on_leaves_no_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let (ada, session) = sign_in_verified(&here, &format!("ada{round}@example.com")).await;
        let secret = begin_totp(&here, &session).await;
        let confirmation = confirmation(secret.code_at(NOW));
        let verified = current_credentials(&here, &ada).await.password_version;
        let (new, _) = new_session(&ada);
        let acting = acting(&session);
        let (opened, confirmed) = race(
            there.open_session(&new, verified, None),
            here.confirm_totp(&acting, &confirmation, NOW),
        );
        assert_eq!(confirmed.unwrap(), ConfirmTotpOutcome::TurnedOn);
        let opened = opened.unwrap();
        let is_expected = matches!(
            opened,
            OpenSessionOutcome::Opened { .. } | OpenSessionOutcome::SecondFactorRequired
        );
        assert!(is_expected, "{opened:?}");
        assert_sessions(&here, &ada, Some(&session)).await;
    }
}

async fn a_sign_in_by_email_that_races_with_turning_on_leaves_no_session(
    deployment: &dyn Deployment,
) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let (ada, session) = sign_in_verified(&here, &format!("ada{round}@example.com")).await;
        add_passkey(&here, &session).await;
        let code = request_sign_in(&here, ada.email.key()).await;
        let (new, _) = new_session(&ada);
        let sign_in = there.open_session_with_code(&code.browser, &code.hash, &new);
        let (opened, on) = race(sign_in, turn_on(&here, &session));
        assert_eq!(on, TurnOnOutcome::TurnedOn);
        let opened = opened.unwrap();
        // Turning it on deletes the code.
        let is_expected = matches!(
            opened,
            OpenSessionWithCodeOutcome::Opened { .. } | OpenSessionWithCodeOutcome::CodeExpired
        );
        assert!(is_expected, "{opened:?}");
        assert_sessions(&here, &ada, Some(&session)).await;
    }
}

/// Each change ends the other session, so the other change finds that its session was ended.
async fn changes_from_two_sessions_do_not_both_succeed(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let (ada, first) = sign_in_verified(&here, &format!("ada{round}@example.com")).await;
        let (second, _) = open(&here, &ada).await;
        let passkey = add_passkey(&here, &first).await;
        let second_acting = acting(&second);
        let removal = there.remove_passkey(&second_acting, passkey.id, None, NOW);
        let (on, removed) = race(turn_on(&here, &first), removal);
        let outcomes = (on, removed.unwrap());
        let expected = [
            (TurnOnOutcome::TurnedOn, RemovePasskeyOutcome::SessionEnded),
            (TurnOnOutcome::SessionEnded, RemovePasskeyOutcome::Removed),
        ];
        assert!(expected.contains(&outcomes), "{outcomes:?}");
        let is_on = stored(&here, &ada).await.second_factor_at.is_some();
        assert_sessions(&here, &ada, Some(if is_on { &first } else { &second })).await;
        let ended = here.end_other_sessions(&second_acting, NOW).await.unwrap();
        assert_eq!(ended == EndSessionsOutcome::SessionEnded, is_on);
    }
}

async fn concurrent_second_steps_and_passkeys_do_not_exceed_the_maximum_number_of_sessions(
    deployment: &dyn Deployment,
) {
    let servers = two_servers(deployment).await;
    let (ada, session) = sign_in_verified(&servers[0], "ada@example.com").await;
    let passkey = add_passkey(&servers[0], &session).await;
    assert_eq!(turn_on(&servers[0], &session).await, TurnOnOutcome::TurnedOn);
    let ada = stored(&servers[0], &ada).await;
    open_sessions_except(&servers[0], &passkey, 1).await;
    for _ in 0..5 {
        let first = ticket(&servers[0], &ada).await;
        let opened = (0..8).map(async |n| {
            let store = &servers[n % 2];
            if n < 4 {
                let used = PresentedFactor::Passkey(passkey_use(&passkey));
                let ticket = Ticket { id: SingleUseId::generate(&SystemRandom), ..first };
                is_opened(&take(store, &second_step(ticket, used)).await)
            } else {
                let outcome = sign_in_with_passkey(store, &passkey_sign_in(&passkey)).await;
                matches!(outcome, PasskeySignInOutcome::Opened(_))
            }
        });
        assert_eq!(join_all(opened).await, [true; 8]);
        let sessions = servers[1].sessions(ada.id, NOW).await.unwrap();
        assert_eq!(sessions.len(), NewSession::MAX_PER_USER as usize);
    }
}
