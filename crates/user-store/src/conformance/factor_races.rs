//! Concurrent uses and changes of second factors and passkeys.

use auth_core::{RecoveryCode, SystemRandom};

use crate::audit::{Event, EventKind};
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_steps::{
    add, add_passkey, begin_totp, confirmation, is_opened, new_passkey, passkey_sign_in,
    passkey_use, second_step, sign_in_verified, sign_in_with_passkey, sign_up_with_app, take,
    ticket, turn_on,
};
use crate::conformance::steps::{
    NOW, Server, acting, client, is_alive, kinds_of_mails, race, race_all, two_servers,
};
use crate::factors::{
    AddPasskeyOutcome, ConfirmTotpOutcome, MAX_PASSKEYS, PasskeySignIn, PasskeySignInOutcome,
    PresentedFactor, RemovePasskeyOutcome, SecondStep, SecondStepOutcome, TurnOnOutcome,
};
use crate::users::User;

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
    either_a_passkey_is_removed_or_the_second_factor_is_turned_on,
    one_of_two_passkeys_that_are_removed_at_the_same_time_stays,
    concurrent_additions_do_not_exceed_the_maximum_number_of_passkeys,
    concurrent_additions_of_a_credential_succeed_once,
    concurrent_uses_of_a_challenge_add_one_passkey,
}

/// The number of concurrent calls.
pub(super) const CALLS: usize = 8;

/// How often a race is repeated, each time with a new account.
pub(super) const ROUNDS: usize = 12;

/// Returns the server for the `n`th call, so that calls alternate between the servers.
pub(super) fn nth(servers: &[Server; 2], n: usize) -> &Server {
    &servers[n % 2]
}

/// Takes several second steps at the same time. Returns how many opened a session, and the other
/// outcomes.
async fn take_all(servers: &[Server; 2], steps: &[SecondStep]) -> (usize, Vec<SecondStepOutcome>) {
    let outcomes = steps.iter().enumerate().map(|(n, step)| take(nth(servers, n), step));
    let (opened, others): (Vec<_>, Vec<_>) = race_all(outcomes).into_iter().partition(is_opened);
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
    for round in 0..ROUNDS {
        let (ada, _, app) = sign_up_with_app(&servers[0], &format!("ada{round}@example.com")).await;
        let steps = steps(&servers[0], &ada, |_| PresentedFactor::AppCode(app.code())).await;
        let (opened, others) = take_all(&servers, &steps).await;
        assert_eq!((opened, others), (1, vec![SecondStepOutcome::CodeWrong; CALLS - 1]));
    }
}

async fn concurrent_uses_of_a_recovery_code_open_one_session(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let (ada, _, app) = sign_up_with_app(&servers[0], &format!("ada{round}@example.com")).await;
        let code = app.recovery_codes[0];
        let steps = steps(&servers[0], &ada, |_| PresentedFactor::RecoveryCode(code)).await;
        let (opened, others) = take_all(&servers, &steps).await;
        assert_eq!((opened, others), (1, vec![SecondStepOutcome::CodeWrong; CALLS - 1]));
        let left = servers[0].factors(ada.id).await.unwrap().recovery_codes.unwrap().left;
        assert_eq!(left, 9);
    }
}

async fn concurrent_uses_of_a_ticket_open_one_session(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let (ada, _, app) = sign_up_with_app(&servers[0], &format!("ada{round}@example.com")).await;
        let ticket = ticket(&servers[0], &ada).await;
        let codes = app.recovery_codes.iter().take(CALLS);
        let steps: Vec<_> =
            codes.map(|code| second_step(ticket, PresentedFactor::RecoveryCode(*code))).collect();
        let (opened, others) = take_all(&servers, &steps).await;
        assert_eq!((opened, others), (1, vec![SecondStepOutcome::TicketInvalid; CALLS - 1]));
        let left = servers[0].factors(ada.id).await.unwrap().recovery_codes.unwrap().left;
        assert_eq!(left, 9);
    }
}

/// Signs in with passkeys at the same time. Returns how many opened a session, and the other
/// outcomes.
async fn sign_in_all(
    servers: &[Server; 2],
    sign_ins: &[PasskeySignIn],
) -> (usize, Vec<PasskeySignInOutcome>) {
    let outcomes =
        sign_ins.iter().enumerate().map(|(n, one)| sign_in_with_passkey(nth(servers, n), one));
    let (opened, others): (Vec<_>, Vec<_>) = race_all(outcomes)
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
    for round in 0..ROUNDS {
        let (ada, session, _) =
            sign_up_with_app(&servers[0], &format!("ada{round}@example.com")).await;
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
    for round in 0..ROUNDS {
        let (ada, session) =
            sign_in_verified(&servers[0], &format!("ada{round}@example.com")).await;
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
    // Ten of each kind are compared, of which the last one begins a lockout, and six are not.
    let count = |expected| others.iter().filter(|outcome| **outcome == expected).count();
    assert_eq!(count(SecondStepOutcome::CodeWrong), 18);
    assert_eq!(count(SecondStepOutcome::LockedOut), 2);
    let events = servers[0].activity(ada.id, 100).await.unwrap();
    let failed = Event::by_user(EventKind::SecondFactorFailed, NOW, client()).about(ada.id);
    assert_eq!(events.iter().filter(|event| **event == failed).count(), 20);
    let notices = kinds_of_mails(&servers[0]).await;
    let lockouts = notices.iter().filter(|kind| *kind == "second_factor_locked_out");
    assert_eq!(lockouts.count(), 2);
}

async fn concurrent_confirmations_of_an_app_succeed_once(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let (ada, session) =
            sign_in_verified(&servers[0], &format!("ada{round}@example.com")).await;
        let secret = begin_totp(&servers[0], &session).await;
        let acting = acting(&session);
        let confirmations: Vec<_> = (0..CALLS).map(|_| confirmation(secret.code_at(NOW))).collect();
        let outcomes = confirmations.iter().enumerate().map(async |(n, confirmation)| {
            nth(&servers, n).confirm_totp(&acting, confirmation, NOW).await.unwrap()
        });
        let outcomes = race_all(outcomes);
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
}

async fn either_a_passkey_is_removed_or_the_second_factor_is_turned_on(
    deployment: &dyn Deployment,
) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let (ada, session) = sign_in_verified(&here, &format!("ada{round}@example.com")).await;
        let passkey = add_passkey(&here, &session).await;
        let acting = acting(&session);
        let removal = there.remove_passkey(&acting, passkey.id, None, NOW);
        let (on, removed) = race(turn_on(&here, &session), removal);
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
        let (first, second) = race(
            here.remove_passkey(&acting, first.id, None, NOW),
            there.remove_passkey(&acting, second.id, None, NOW),
        );
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
    for round in 0..ROUNDS {
        let (ada, session) =
            sign_in_verified(&servers[0], &format!("ada{round}@example.com")).await;
        for _ in 2..MAX_PASSKEYS {
            add_passkey(&servers[0], &session).await;
        }
        let new: Vec<_> = (0..CALLS).map(|_| new_passkey(ada.id)).collect();
        let added = new.iter().enumerate().map(|(n, new)| add(nth(&servers, n), &session, new));
        let added = race_all(added);
        let count = |outcome| added.iter().filter(|one| **one == outcome).count();
        assert_eq!(count(AddPasskeyOutcome::Added), 2, "{added:?}");
        assert_eq!(count(AddPasskeyOutcome::TooMany), CALLS - 2, "{added:?}");
        assert_eq!(servers[0].factors(ada.id).await.unwrap().passkeys.len(), MAX_PASSKEYS);
    }
}

async fn concurrent_additions_of_a_credential_succeed_once(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, session) = sign_in_verified(&here, "ada@example.com").await;
    let (grace, of_grace) = sign_in_verified(&here, "grace@example.com").await;
    for _ in 0..ROUNDS {
        let new = new_passkey(ada.id);
        let mut of_another = new_passkey(grace.id);
        of_another.passkey.credential_id = new.passkey.credential_id.clone();
        let (first, second) = race(add(&here, &session, &new), add(&there, &of_grace, &of_another));
        let outcomes = [first, second];
        assert!(outcomes.contains(&AddPasskeyOutcome::Added), "{outcomes:?}");
        assert!(outcomes.contains(&AddPasskeyOutcome::Taken), "{outcomes:?}");
    }
}

async fn concurrent_uses_of_a_challenge_add_one_passkey(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    for round in 0..ROUNDS {
        let (ada, session) =
            sign_in_verified(&servers[0], &format!("ada{round}@example.com")).await;
        let mut new: Vec<_> = (0..CALLS).map(|_| new_passkey(ada.id)).collect();
        let challenge = new[0].challenge;
        new.iter_mut().for_each(|new| new.challenge = challenge);
        let added = new.iter().enumerate().map(|(n, new)| add(nth(&servers, n), &session, new));
        let added = race_all(added);
        let count = |outcome| added.iter().filter(|one| **one == outcome).count();
        assert_eq!(count(AddPasskeyOutcome::Added), 1, "{added:?}");
        assert_eq!(count(AddPasskeyOutcome::ChallengeUsed), CALLS - 1, "{added:?}");
    }
}
