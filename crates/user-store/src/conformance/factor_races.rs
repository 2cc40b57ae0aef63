//! Concurrent uses and changes of second factors and passkeys.

use auth_core::{RecoveryCode, Session, SystemRandom};
use futures_util::future::{join, join_all};

use crate::audit::{Event, EventKind};
use crate::codes::{OpenSessionWithCodeOutcome, ResetPasswordOutcome};
use crate::conformance::code_steps::request_sign_in;
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_steps::{
    App, add, add_passkey, begin_totp, confirmation, is_opened, new_passkey, passkey_sign_in,
    passkey_use, second_step, sign_in_verified, sign_in_with_passkey, sign_up_with_app, stored,
    take, ticket, turn_on,
};
use crate::conformance::steps::{
    NOW, Server, acting, client, current_credentials, hash, is_alive, kinds_of_mails, mail_id,
    new_session, open, password_reset, reauthenticate, request_reset, two_servers,
};
use crate::factors::{
    AddPasskeyOutcome, ConfirmTotpOutcome, MAX_PASSKEYS, PasskeySignIn, PasskeySignInOutcome,
    PresentedFactor, RemovePasskeyOutcome, ResetSecondFactorOutcome, SecondStep, SecondStepOutcome,
    TurnOffOutcome, TurnOnOutcome,
};
use crate::sessions::{EndSessionsOutcome, OpenSessionOutcome};
use crate::users::{ReauthenticatedChangeOutcome, UpdateUserOutcome, User};

cases! {
    ($) factor_races_cases in factor_races;
    concurrent_uses_of_a_step_open_one_session,
    concurrent_uses_of_a_recovery_code_open_one_session,
    concurrent_uses_of_a_ticket_open_one_session,
    concurrent_uses_of_a_challenge_open_one_session,
    a_challenge_opens_one_session_of_two_users_at_the_same_time,
    concurrent_uses_with_one_counter_open_one_session,
    concurrent_wrong_codes_are_counted_exactly,
    concurrent_confirmations_of_an_app_succeed_once,
    a_passkey_is_removed_or_the_second_factor_turned_on,
    one_of_two_passkeys_that_are_removed_at_the_same_time_stays,
    concurrent_additions_do_not_exceed_the_maximum_number_of_passkeys,
    concurrent_additions_of_a_credential_succeed_once,
    a_challenge_adds_one_passkey_at_the_same_time,
    a_second_step_that_races_with_a_password_change_leaves_no_session,
    a_second_step_that_races_with_a_password_reset_leaves_no_session,
    a_second_step_that_races_with_disabling_leaves_no_session,
    a_second_step_that_races_with_a_deletion_leaves_no_session,
    a_second_step_that_races_with_turning_off_leaves_no_session,
    a_second_step_that_races_with_a_reset_leaves_no_session,
    a_sign_in_that_races_with_turning_on_leaves_no_session,
    a_sign_in_by_email_that_races_with_turning_on_leaves_no_session,
    changes_from_two_sessions_do_not_both_succeed,
}

/// The number of concurrent calls.
const CALLS: usize = 8;
const ROUNDS: usize = 6;

/// Returns the server for the `n`th call, so that calls alternate between the servers.
fn nth(servers: &[Server; 2], n: usize) -> &Server {
    &servers[n % 2]
}

/// Takes several second steps at the same time. Returns how many opened a session, and the other
/// outcomes.
async fn take_all(servers: &[Server; 2], steps: &[SecondStep]) -> (usize, Vec<SecondStepOutcome>) {
    let outcomes = steps.iter().enumerate().map(|(n, step)| take(nth(servers, n), step));
    let (opened, others): (Vec<_>, Vec<_>) =
        join_all(outcomes).await.into_iter().partition(is_opened);
    let mut alive = 0;
    for step in steps {
        alive += usize::from(is_alive(&servers[0], &step.session.session).await);
    }
    assert_eq!(alive, opened.len());
    (opened.len(), others)
}

async fn steps(
    store: &Server,
    user: &User,
    factor: impl Fn(usize) -> PresentedFactor,
) -> Vec<SecondStep> {
    let mut steps = Vec::new();
    for n in 0..CALLS {
        steps.push(second_step(ticket(store, user).await, factor(n)));
    }
    steps
}

async fn concurrent_uses_of_a_step_open_one_session(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _, app) = sign_up_with_app(&servers[0], "ada@example.com").await;
    let steps = steps(&servers[0], &ada, |_| PresentedFactor::AppCode(app.code())).await;
    let (opened, others) = take_all(&servers, &steps).await;
    assert_eq!((opened, others), (1, vec![SecondStepOutcome::CodeWrong; CALLS - 1]));
}

async fn concurrent_uses_of_a_recovery_code_open_one_session(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _, app) = sign_up_with_app(&servers[0], "ada@example.com").await;
    let code = app.recovery_codes[0];
    let steps = steps(&servers[0], &ada, |_| PresentedFactor::RecoveryCode(code)).await;
    let (opened, others) = take_all(&servers, &steps).await;
    assert_eq!((opened, others), (1, vec![SecondStepOutcome::CodeWrong; CALLS - 1]));
    let left = servers[0].factors(ada.id).await.unwrap().recovery_codes.unwrap().left;
    assert_eq!(left, 9);
}

async fn concurrent_uses_of_a_ticket_open_one_session(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _, app) = sign_up_with_app(&servers[0], "ada@example.com").await;
    let ticket = ticket(&servers[0], &ada).await;
    let codes = app.recovery_codes.iter().take(CALLS);
    let steps: Vec<_> =
        codes.map(|code| second_step(ticket, PresentedFactor::RecoveryCode(*code))).collect();
    let (opened, others) = take_all(&servers, &steps).await;
    assert_eq!((opened, others), (1, vec![SecondStepOutcome::TicketInvalid; CALLS - 1]));
    let left = servers[0].factors(ada.id).await.unwrap().recovery_codes.unwrap().left;
    assert_eq!(left, 9);
}

/// Signs in with passkeys at the same time. Returns how many opened a session, and the other
/// outcomes.
async fn sign_in_all(
    servers: &[Server; 2],
    sign_ins: &[PasskeySignIn],
) -> (usize, Vec<PasskeySignInOutcome>) {
    let outcomes =
        sign_ins.iter().enumerate().map(|(n, one)| sign_in_with_passkey(nth(servers, n), one));
    let (opened, others): (Vec<_>, Vec<_>) = join_all(outcomes)
        .await
        .into_iter()
        .partition(|outcome| matches!(outcome, PasskeySignInOutcome::Opened(_)));
    let mut alive = 0;
    for sign_in in sign_ins {
        alive += usize::from(is_alive(&servers[0], &sign_in.session.session).await);
    }
    assert_eq!(alive, opened.len());
    (opened.len(), others)
}

async fn concurrent_uses_of_a_challenge_open_one_session(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, session, _) = sign_up_with_app(&servers[0], "ada@example.com").await;
    let passkey = add_passkey(&servers[0], &session).await;
    let used = passkey_use(&passkey);
    let sign_ins: Vec<_> = (0..CALLS)
        .map(|_| PasskeySignIn { passkey: used.clone(), ..passkey_sign_in(&passkey) })
        .collect();
    let (opened, others) = sign_in_all(&servers, &sign_ins).await;
    assert_eq!((opened, others), (1, vec![PasskeySignInOutcome::ChallengeUsed; CALLS - 1]));

    let used = passkey_use(&passkey);
    let steps = steps(&servers[0], &ada, |_| PresentedFactor::Passkey(used.clone())).await;
    let (opened, others) = take_all(&servers, &steps).await;
    assert_eq!((opened, others), (1, vec![SecondStepOutcome::ChallengeUsed; CALLS - 1]));
}

async fn a_challenge_opens_one_session_of_two_users_at_the_same_time(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (_, session) = sign_in_verified(&servers[0], "ada@example.com").await;
    let (_, of_grace) = sign_in_verified(&servers[0], "grace@example.com").await;
    let passkeys =
        [add_passkey(&servers[0], &session).await, add_passkey(&servers[0], &of_grace).await];
    for _ in 0..ROUNDS {
        let mut sign_ins = passkeys.each_ref().map(passkey_sign_in);
        sign_ins[1].passkey.challenge = sign_ins[0].passkey.challenge;
        let (opened, others) = sign_in_all(&servers, &sign_ins).await;
        assert_eq!((opened, others), (1, vec![PasskeySignInOutcome::ChallengeUsed]));
    }
}

async fn concurrent_uses_with_one_counter_open_one_session(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, session) = sign_in_verified(&servers[0], "ada@example.com").await;
    let passkey = add_passkey(&servers[0], &session).await;
    let sign_ins: Vec<_> = (0..CALLS)
        .map(|_| {
            let mut sign_in = passkey_sign_in(&passkey);
            sign_in.passkey.assertion.state.sign_count = 1;
            sign_in
        })
        .collect();
    let (opened, others) = sign_in_all(&servers, &sign_ins).await;
    assert_eq!((opened, others), (1, vec![PasskeySignInOutcome::Rejected; CALLS - 1]));
    let events = servers[0].activity(ada.id, 100).await.unwrap();
    let regressed = |event: &&Event| event.kind == EventKind::PasskeyCounterRegressed;
    assert_eq!(events.iter().filter(regressed).count(), CALLS - 1);
}

async fn concurrent_wrong_codes_are_counted_exactly(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _, app) = sign_up_with_app(&servers[0], "ada@example.com").await;
    let wrong = |n| match n % 2 {
        0 => PresentedFactor::AppCode(app.wrong_code()),
        _ => {
            let code = RecoveryCode::generate_list(&SystemRandom)[0].hash();
            PresentedFactor::RecoveryCode(code)
        }
    };
    let mut all = Vec::new();
    for _ in 0..4 {
        all.extend(steps(&servers[0], &ada, wrong).await);
    }
    let (opened, others) = take_all(&servers, &all).await;
    assert_eq!(opened, 0);
    // Ten of each kind are compared, and six are not.
    let counted = |outcome: &&SecondStepOutcome| **outcome == SecondStepOutcome::CodeWrong;
    assert_eq!(others.iter().filter(counted).count(), 20);
    let events = servers[0].activity(ada.id, 100).await.unwrap();
    let failed = Event::by_user(EventKind::SecondFactorFailed, NOW, client()).about(ada.id);
    assert_eq!(events.iter().filter(|event| **event == failed).count(), 20);
    let notices = kinds_of_mails(&servers[0]).await;
    let lockouts = notices.iter().filter(|kind| *kind == "second_factor_locked_out");
    assert_eq!(lockouts.count(), 2);
}

async fn concurrent_confirmations_of_an_app_succeed_once(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, session) = sign_in_verified(&servers[0], "ada@example.com").await;
    let secret = begin_totp(&servers[0], &session).await;
    let acting = acting(&session);
    let confirmations: Vec<_> = (0..CALLS).map(|_| confirmation(secret.code_at(NOW))).collect();
    let outcomes = confirmations.iter().enumerate().map(async |(n, confirmation)| {
        nth(&servers, n).confirm_totp(&acting, confirmation, NOW).await.unwrap()
    });
    let outcomes = join_all(outcomes).await;
    let count = |outcome| outcomes.iter().filter(|one| **one == outcome).count();
    assert_eq!(count(ConfirmTotpOutcome::TurnedOn), 1, "{outcomes:?}");
    assert_eq!(count(ConfirmTotpOutcome::NoPendingTotp), CALLS - 1, "{outcomes:?}");
    // The recovery codes are those of the confirmation that succeeded.
    for (confirmation, outcome) in confirmations.iter().zip(&outcomes) {
        let code = PresentedFactor::RecoveryCode(confirmation.recovery_codes[0]);
        let step = second_step(ticket(&servers[0], &ada).await, code);
        let is_right = is_opened(&take(&servers[0], &step).await);
        assert_eq!(is_right, *outcome == ConfirmTotpOutcome::TurnedOn);
    }
}

async fn a_passkey_is_removed_or_the_second_factor_turned_on(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let (ada, session) = sign_in_verified(&here, &format!("ada{round}@example.com")).await;
        let passkey = add_passkey(&here, &session).await;
        let acting = acting(&session);
        let removal = there.remove_passkey(&acting, passkey.id, None, NOW);
        let (on, removed) = join(turn_on(&here, &session), removal).await;
        let expected = match on {
            TurnOnOutcome::TurnedOn => RemovePasskeyOutcome::LastFactor,
            _ => RemovePasskeyOutcome::Removed,
        };
        assert_eq!(removed.unwrap(), expected, "{on:?}");
        let factors = here.factors(ada.id).await.unwrap();
        assert_eq!(factors.second_factor_at.is_some(), !factors.passkeys.is_empty());
    }
}

async fn one_of_two_passkeys_that_are_removed_at_the_same_time_stays(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let (ada, session) = sign_in_verified(&here, &format!("ada{round}@example.com")).await;
        let first = add_passkey(&here, &session).await;
        let second = add_passkey(&here, &session).await;
        assert_eq!(turn_on(&here, &session).await, TurnOnOutcome::TurnedOn);
        let acting = acting(&session);
        let (first, second) = join(
            here.remove_passkey(&acting, first.id, None, NOW),
            there.remove_passkey(&acting, second.id, None, NOW),
        )
        .await;
        let outcomes = [first.unwrap(), second.unwrap()];
        assert!(outcomes.contains(&RemovePasskeyOutcome::Removed), "{outcomes:?}");
        assert!(outcomes.contains(&RemovePasskeyOutcome::LastFactor), "{outcomes:?}");
        assert_eq!(here.factors(ada.id).await.unwrap().passkeys.len(), 1);
    }
}

async fn concurrent_additions_do_not_exceed_the_maximum_number_of_passkeys(
    deployment: &dyn Deployment,
) {
    let servers = two_servers(deployment).await;
    let (ada, session) = sign_in_verified(&servers[0], "ada@example.com").await;
    for _ in 2..MAX_PASSKEYS {
        add_passkey(&servers[0], &session).await;
    }
    let new: Vec<_> = (0..CALLS).map(|_| new_passkey(ada.id)).collect();
    let added = new.iter().enumerate().map(|(n, new)| add(nth(&servers, n), &session, new));
    let added = join_all(added).await;
    let count = |outcome| added.iter().filter(|one| **one == outcome).count();
    assert_eq!(count(AddPasskeyOutcome::Added), 2, "{added:?}");
    assert_eq!(count(AddPasskeyOutcome::TooMany), CALLS - 2, "{added:?}");
    assert_eq!(servers[0].factors(ada.id).await.unwrap().passkeys.len(), MAX_PASSKEYS);
}

async fn concurrent_additions_of_a_credential_succeed_once(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, session) = sign_in_verified(&here, "ada@example.com").await;
    let (grace, of_grace) = sign_in_verified(&here, "grace@example.com").await;
    for _ in 0..ROUNDS {
        let new = new_passkey(ada.id);
        let mut of_another = new_passkey(grace.id);
        of_another.passkey.credential_id = new.passkey.credential_id.clone();
        let (first, second) =
            join(add(&here, &session, &new), add(&there, &of_grace, &of_another)).await;
        let outcomes = [first, second];
        assert!(outcomes.contains(&AddPasskeyOutcome::Added), "{outcomes:?}");
        assert!(outcomes.contains(&AddPasskeyOutcome::Taken), "{outcomes:?}");
    }
}

async fn a_challenge_adds_one_passkey_at_the_same_time(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, session) = sign_in_verified(&servers[0], "ada@example.com").await;
    let mut new: Vec<_> = (0..CALLS).map(|_| new_passkey(ada.id)).collect();
    let challenge = new[0].challenge;
    new.iter_mut().for_each(|new| new.challenge = challenge);
    let added = new.iter().enumerate().map(|(n, new)| add(nth(&servers, n), &session, new));
    let added = join_all(added).await;
    let count = |outcome| added.iter().filter(|one| **one == outcome).count();
    assert_eq!(count(AddPasskeyOutcome::Added), 1, "{added:?}");
    assert_eq!(count(AddPasskeyOutcome::ChallengeUsed), CALLS - 1, "{added:?}");
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
        let (outcome, changed) = join(take(&here, &step), change).await;
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
        let (outcome, reset) = join(take(&here, &step), there.reset_password(&reset, NOW)).await;
        assert!(matches!(reset.unwrap(), ResetPasswordOutcome::Reset { .. }));
        assert_opened_or_void(&outcome);
        assert_sessions(&here, &user, None).await;
    }
}

async fn a_second_step_that_races_with_disabling_leaves_no_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let Begun { user, step, .. } = begin(&here, round).await;
        let (outcome, disabled) = join(take(&here, &step), there.disable_user(user.id, NOW)).await;
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
        let ((outcome, alone), deleted) =
            join(sign_ins, there.delete_user(user.id, None, NOW)).await;
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
        let (outcome, off) = join(take(&here, &step), off).await;
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
        let (outcome, reset) = join(take(&here, &step), reset).await;
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
        let (opened, confirmed) = join(
            there.open_session(&new, verified, None),
            here.confirm_totp(&acting, &confirmation, NOW),
        )
        .await;
        assert_eq!(confirmed.unwrap(), ConfirmTotpOutcome::TurnedOn);
        let opened = opened.unwrap();
        let is_expected = matches!(
            opened,
            OpenSessionOutcome::Opened(_) | OpenSessionOutcome::SecondFactorRequired
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
        let (opened, on) = join(sign_in, turn_on(&here, &session)).await;
        assert_eq!(on, TurnOnOutcome::TurnedOn);
        let opened = opened.unwrap();
        let is_expected = matches!(
            opened,
            OpenSessionWithCodeOutcome::Opened { .. }
                | OpenSessionWithCodeOutcome::SecondFactorRequired { .. }
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
        let (on, removed) = join(turn_on(&here, &first), removal).await;
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
