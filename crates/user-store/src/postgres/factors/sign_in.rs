use auth_core::SingleUseId;
use tokio_postgres::Row;

use super::{count_wrong, record};
use crate::factors::{
    OpenedSession, PasskeySignIn, PasskeySignInOutcome, PresentedFactor, SecondStep,
    SecondStepOutcome,
};
use crate::postgres::codes::read_user;
use crate::postgres::database::Plan;
use crate::postgres::database_error::DatabaseError;
use crate::postgres::locked::read_account;
use crate::postgres::query::{Query, Reply};
use crate::postgres::statements::{factors, sessions, users};
use crate::rules::factors::{
    PasskeySignInRows, PasskeyWrite, RejectedPasskey, SecondStepRows, SecondStepWrite, SignInWrite,
    TicketRows, UsedFactor,
};
use crate::rules::{self, Decision};
use crate::sessions::NewSession;

/// Locks and reads what decides about the second step of a sign-in. Pass the reply to
/// [`decide_second_step`].
pub(super) fn read_second_step(step: &SecondStep) -> Vec<Query> {
    let user = step.ticket.user;
    let ids: Vec<_> = [step.ticket.id].into_iter().chain(challenge(step)).collect();
    vec![
        users::lock(user),
        users::by_id(user),
        sessions::ended_by(&step.session, NewSession::MAX_PER_USER - 1),
        factors::used(&ids),
        factors::failures(user),
        match &step.factor {
            PresentedFactor::AppCode(_) => factors::totp(user),
            PresentedFactor::RecoveryCode(hash) => factors::recovery_code(user, hash),
            PresentedFactor::Passkey(used) => factors::passkey(used.id),
        },
    ]
}

/// Plans the second step of a sign-in.
pub(super) fn decide_second_step(
    step: &SecondStep,
    reply: &Reply,
) -> Result<Plan<SecondStepOutcome>, DatabaseError> {
    let state = read_account(reply, 0)?;
    let account = read_user(reply, 1)?;
    let used = factors::read_ids(reply.rows(3))?;
    let failures = factors::read_failures(reply.first(4))?;
    let (mut totp, mut passkey, mut has_recovery_code) = (None, None, false);
    match step.factor {
        PresentedFactor::AppCode(_) => {
            totp = reply.first(5).map(factors::read_totp_row).transpose()?;
        }
        PresentedFactor::RecoveryCode(_) => has_recovery_code = reply.first(5).is_some(),
        PresentedFactor::Passkey(_) => {
            passkey = reply.first(5).map(factors::read_passkey).transpose()?;
        }
    }
    let rows = SecondStepRows {
        ticket: TicketRows {
            account: account.as_ref(),
            state: state.as_ref(),
            is_used: used.contains(&step.ticket.id),
        },
        failures: &failures,
        totp: totp.as_ref(),
        has_recovery_code,
        passkey: passkey.as_ref(),
        is_challenge_used: challenge(step).is_some_and(|id| used.contains(&id)),
    };
    match rules::factors::open_session_with_second_factor(step, rows) {
        Decision::Write(SecondStepWrite::Opened(sign_in)) => {
            let opened = open_session(&step.session, sign_in, reply.rows(2))?;
            Ok(opened.map(SecondStepOutcome::Opened))
        }
        Decision::Write(SecondStepWrite::Wrong(wrong)) => {
            let outcome = wrong.second_step_outcome();
            Ok(Plan { writes: count_wrong(&wrong)?, outcome })
        }
        Decision::Write(SecondStepWrite::Rejected(rejected)) => {
            let outcome = SecondStepOutcome::CredentialInvalid;
            Ok(Plan { writes: reject(&rejected)?, outcome })
        }
        Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
    }
}

/// Returns the id of the challenge that a passkey has signed, if one was presented.
fn challenge(step: &SecondStep) -> Option<SingleUseId> {
    match &step.factor {
        PresentedFactor::Passkey(used) => Some(used.challenge.id),
        PresentedFactor::AppCode(_) | PresentedFactor::RecoveryCode(_) => None,
    }
}

/// Locks and reads what decides about a sign-in with a passkey alone. Pass the reply to
/// [`decide_passkey_sign_in`].
pub(super) fn read_passkey_sign_in(sign_in: &PasskeySignIn) -> Vec<Query> {
    let user = sign_in.session.session.user_id;
    vec![
        users::lock(user),
        users::by_id(user),
        sessions::ended_by(&sign_in.session, NewSession::MAX_PER_USER - 1),
        factors::used(&[sign_in.passkey.challenge.id]),
        factors::passkey(sign_in.passkey.id),
    ]
}

/// Plans a sign-in with a passkey alone.
pub(super) fn decide_passkey_sign_in(
    sign_in: &PasskeySignIn,
    reply: &Reply,
) -> Result<Plan<PasskeySignInOutcome>, DatabaseError> {
    let Some(state) = read_account(reply, 0)? else {
        return Ok(Plan::unchanged(PasskeySignInOutcome::Rejected));
    };
    let account = read_user(reply, 1)?;
    let passkey = reply.first(4).map(factors::read_passkey).transpose()?;
    let rows = PasskeySignInRows {
        account: account.as_ref(),
        device_version: state.device_version,
        passkey: passkey.as_ref(),
        is_challenge_used: reply.first(3).is_some(),
    };
    match rules::factors::open_session_with_passkey(sign_in, rows) {
        Decision::Write(PasskeyWrite::Opened(write)) => {
            let opened = open_session(&sign_in.session, write, reply.rows(2))?;
            Ok(opened.map(PasskeySignInOutcome::Opened))
        }
        Decision::Write(PasskeyWrite::Rejected(rejected)) => {
            let outcome = PasskeySignInOutcome::Rejected;
            Ok(Plan { writes: reject(&rejected)?, outcome })
        }
        Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
    }
}

/// Plans a sign-in. `ended` contains the rows of the sessions that it ends.
fn open_session(
    new: &NewSession,
    sign_in: SignInWrite,
    ended: &[Row],
) -> Result<Plan<OpenedSession>, DatabaseError> {
    let SignInWrite { user, device_version, used_ids, factor, record: recorded } = sign_in;
    let now = new.session.created_at;
    let ended = sessions::read_ids(ended)?;
    let mut writes: Vec<_> = used_ids.iter().map(factors::insert_used).collect();
    writes.push(match factor {
        UsedFactor::AppCode(step) => factors::use_totp(user.id, step, now),
        UsedFactor::RecoveryCode(hash) => factors::delete_recovery_code(&hash),
        UsedFactor::Passkey(id, state) => factors::use_passkey(id, &state, now),
    });
    writes.push(factors::delete_failures(user.id));
    if !ended.is_empty() {
        writes.push(sessions::delete(ended.iter().copied()));
    }
    writes.push(sessions::insert(new));
    writes.extend(record(&recorded)?);
    Ok(Plan { writes, outcome: OpenedSession { user, device_version, ended } })
}

/// Records a rejected passkey, and uses up the challenge.
fn reject(rejected: &RejectedPasskey) -> Result<Vec<Query>, DatabaseError> {
    let mut writes = vec![factors::insert_used(&rejected.challenge)];
    writes.extend(record(&rejected.record)?);
    Ok(writes)
}
