mod sign_in;

use async_trait::async_trait;
use auth_core::{
    CredentialId, MailId, PasskeyId, PasskeyName, RecoveryCodeHash, Session, Ticket, Timestamp,
    TotpSecret, UserId,
};

use crate::error::StoreError;
use crate::factors::{
    AddPasskeyOutcome, BeginTotpOutcome, ConfirmTotp, ConfirmTotpOutcome, FactorStore, Factors,
    NewPasskey, Passkey, PasskeySignIn, PasskeySignInOutcome, RemovePasskeyOutcome,
    ReplaceRecoveryCodesOutcome, ResetSecondFactorOutcome, SecondStep, SecondStepOutcome,
    TurnOffOutcome, TurnOnOutcome,
};
use crate::postgres::codes::{delete_codes, read_user};
use crate::postgres::database::Plan;
use crate::postgres::database_error::DatabaseError;
use crate::postgres::locked::{find_session, read_account};
use crate::postgres::query::{Query, Reply};
use crate::postgres::statements::{audit, factors, mails, sessions, users};
use crate::postgres::store::PostgresStore;
use crate::rules::factors::{
    ActingRows, ConfirmTotpRows, ConfirmTotpWrite, NewPasskeyRows, Record, RemovePasskeyRows,
    ResetRows, TicketRows, WrongCode,
};
use crate::rules::{self, Decision};
use crate::sessions::ActingSession;
use crate::users::User;

#[async_trait]
impl FactorStore for PostgresStore {
    async fn factors(&self, user: UserId) -> Result<Factors, StoreError> {
        let mut queries = vec![users::by_id(user)];
        queries.extend(factors_of(user));
        let reply = self.database.snapshot(queries).await?;
        match read_user(&reply, 0)? {
            Some(user) => Ok(read_factors(&reply, 1, &user)?),
            None => Ok(Factors::default()),
        }
    }

    async fn factors_of_ticket(
        &self,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<Option<Factors>, StoreError> {
        let user = ticket.user;
        let mut queries = vec![users::state(user), users::by_id(user), factors::used(&[ticket.id])];
        queries.extend(factors_of(user));
        let reply = self.database.snapshot(queries).await?;
        let (state, account) = (read_account(&reply, 0)?, read_user(&reply, 1)?);
        let rows = TicketRows {
            account: account.as_ref(),
            state: state.as_ref(),
            is_used: reply.first(2).is_some(),
        };
        match rules::factors::valid_ticket(ticket, rows, now) {
            Some((account, _)) => Ok(Some(read_factors(&reply, 3, account)?)),
            None => Ok(None),
        }
    }

    async fn begin_totp(
        &self,
        acting: &ActingSession,
        secret: &TotpSecret,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<BeginTotpOutcome, StoreError> {
        let (acting, secret) = (acting.clone(), secret.clone());
        let reads = lock_session(&acting);
        let decide = move |reply: &Reply| {
            let stored = StoredActing::read(reply, &acting)?;
            Ok(match rules::factors::begin_totp(&acting, stored.rows(), now) {
                Decision::Write(user) => Plan {
                    writes: vec![factors::replace_pending_totp(user, &secret, expires_at)],
                    outcome: BeginTotpOutcome::Stored,
                },
                Decision::Return(outcome) => Plan::unchanged(outcome),
            })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn confirm_totp(
        &self,
        acting: &ActingSession,
        confirmation: &ConfirmTotp,
        now: Timestamp,
    ) -> Result<ConfirmTotpOutcome, StoreError> {
        let (acting, confirmation) = (acting.clone(), confirmation.clone());
        let Session { id, user_id: user, .. } = acting.session;
        let mut reads = lock_sessions(&acting);
        reads.extend([factors::pending_totp(user), factors::failures(user)]);
        let decide = move |reply: &Reply| {
            let stored = StoredActing::read(reply, &acting)?;
            let pending = reply.first(ACTING).map(factors::read_pending_totp).transpose()?;
            let failures = factors::read_failures(reply.first(ACTING + 1))?;
            let rows = ConfirmTotpRows {
                acting: stored.rows(),
                pending: pending.as_ref(),
                failures: &failures,
            };
            let totp = match rules::factors::confirm_totp(&acting, &confirmation, rows, now) {
                Decision::Write(ConfirmTotpWrite::Confirmed(totp)) => totp,
                Decision::Write(ConfirmTotpWrite::Wrong(wrong)) => {
                    let outcome = wrong.confirm_outcome();
                    return Ok(Plan { writes: count_wrong(&wrong)?, outcome });
                }
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let mut writes = vec![
                factors::delete_pending_totp([user]),
                factors::replace_totp(user, &totp.secret, totp.last_step, now),
            ];
            if let Some(codes) = &totp.recovery_codes {
                writes.push(factors::set_second_factor_at(user, Some(now)));
                writes.extend(factors::replace_recovery_codes(user, codes, now));
            }
            writes.push(sessions::delete_others(user, id));
            writes.extend(delete_codes(user));
            writes.extend(record(&totp.record)?);
            Ok(Plan { writes, outcome: totp.outcome })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn turn_second_factor_on(
        &self,
        acting: &ActingSession,
        recovery_codes: &[RecoveryCodeHash],
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<TurnOnOutcome, StoreError> {
        let (acting, recovery_codes) = (acting.clone(), recovery_codes.to_vec());
        let Session { id, user_id: user, .. } = acting.session;
        let mut reads = lock_sessions(&acting);
        reads.push(factors::passkey_ids(user));
        let decide = move |reply: &Reply| {
            let stored = StoredActing::read(reply, &acting)?;
            let (rows, passkeys) = (stored.rows(), reply.rows(ACTING).len());
            let decision =
                rules::factors::turn_second_factor_on(&acting, rows, passkeys, notice, now);
            let recorded = match decision {
                Decision::Write(recorded) => recorded,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let mut writes = vec![factors::set_second_factor_at(user, Some(now))];
            writes.extend(factors::replace_recovery_codes(user, &recovery_codes, now));
            writes.push(sessions::delete_others(user, id));
            writes.extend(delete_codes(user));
            writes.extend(record(&recorded)?);
            Ok(Plan { writes, outcome: TurnOnOutcome::TurnedOn })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn turn_second_factor_off(
        &self,
        acting: &ActingSession,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<TurnOffOutcome, StoreError> {
        let acting = acting.clone();
        let Session { id, user_id: user, .. } = acting.session;
        let reads = lock_sessions(&acting);
        let decide = move |reply: &Reply| {
            let stored = StoredActing::read(reply, &acting)?;
            let decision =
                rules::factors::turn_second_factor_off(&acting, stored.rows(), notice, now);
            let recorded = match decision {
                Decision::Write(recorded) => recorded,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let mut writes = turn_off(user);
            writes.push(sessions::delete_others(user, id));
            writes.extend(delete_codes(user));
            writes.extend(record(&recorded)?);
            Ok(Plan { writes, outcome: TurnOffOutcome::TurnedOff })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn replace_recovery_codes(
        &self,
        acting: &ActingSession,
        recovery_codes: &[RecoveryCodeHash],
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ReplaceRecoveryCodesOutcome, StoreError> {
        let (acting, recovery_codes) = (acting.clone(), recovery_codes.to_vec());
        let user = acting.session.user_id;
        let reads = lock_session(&acting);
        let decide = move |reply: &Reply| {
            let stored = StoredActing::read(reply, &acting)?;
            let decision =
                rules::factors::replace_recovery_codes(&acting, stored.rows(), notice, now);
            let recorded = match decision {
                Decision::Write(recorded) => recorded,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let mut writes = Vec::from(factors::replace_recovery_codes(user, &recovery_codes, now));
            writes.extend(delete_codes(user));
            writes.extend(record(&recorded)?);
            Ok(Plan { writes, outcome: ReplaceRecoveryCodesOutcome::Replaced })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    /// If another transaction adds a passkey with the same credential ID at the same time, the
    /// constraint rejects this one. It then runs again, and finds that the credential ID is taken.
    async fn add_passkey(
        &self,
        acting: &ActingSession,
        new: &NewPasskey,
        now: Timestamp,
    ) -> Result<AddPasskeyOutcome, StoreError> {
        let (acting, new) = (acting.clone(), new.clone());
        let user = acting.session.user_id;
        let mut reads = lock_session(&acting);
        reads.extend([
            factors::passkey_ids(user),
            factors::passkey_by_credential(&new.passkey.credential_id),
            factors::used(&[new.challenge.id]),
        ]);
        let decide = move |reply: &Reply| {
            let stored = StoredActing::read(reply, &acting)?;
            let rows = NewPasskeyRows {
                acting: stored.rows(),
                passkeys: reply.rows(ACTING).len(),
                is_taken: reply.first(ACTING + 1).is_some(),
                is_challenge_used: reply.first(ACTING + 2).is_some(),
            };
            let added = match rules::factors::add_passkey(&acting, &new, rows, now) {
                Decision::Write(added) => added,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let mut writes = vec![
                factors::insert_used(&added.challenge),
                factors::insert_passkey(&added.passkey),
            ];
            writes.extend(delete_codes(user));
            writes.extend(record(&added.record)?);
            Ok(Plan { writes, outcome: AddPasskeyOutcome::Added })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn rename_passkey(
        &self,
        user: UserId,
        id: PasskeyId,
        name: &PasskeyName,
    ) -> Result<Option<Passkey>, StoreError> {
        let name = name.clone();
        let reads = vec![users::lock(user), factors::passkey(id)];
        let decide =
            move |reply: &Reply| match reply.first(1).map(factors::read_passkey).transpose()? {
                Some(passkey) if passkey.user == user => {
                    let writes = vec![factors::rename_passkey(id, &name)];
                    let outcome = Some(Passkey { name: name.clone(), ..passkey });
                    Ok(Plan { writes, outcome })
                }
                _ => Ok(Plan::unchanged(None)),
            };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn remove_passkey(
        &self,
        acting: &ActingSession,
        id: PasskeyId,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<RemovePasskeyOutcome, StoreError> {
        let acting = acting.clone();
        let Session { id: session, user_id: user, .. } = acting.session;
        let mut reads = lock_sessions(&acting);
        reads.extend([factors::totp(user), factors::passkey_ids(user)]);
        let decide = move |reply: &Reply| {
            let stored = StoredActing::read(reply, &acting)?;
            let passkeys = factors::read_passkey_ids(reply.rows(ACTING + 1))?;
            let rows = RemovePasskeyRows {
                acting: stored.rows(),
                has_totp: reply.first(ACTING).is_some(),
                passkeys: &passkeys,
            };
            let recorded = match rules::factors::remove_passkey(&acting, id, rows, notice, now) {
                Decision::Write(recorded) => recorded,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let mut writes =
                vec![factors::delete_passkey(id), sessions::delete_others(user, session)];
            writes.extend(delete_codes(user));
            writes.extend(record(&recorded)?);
            Ok(Plan { writes, outcome: RemovePasskeyOutcome::Removed })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn passkey(&self, credential: &CredentialId) -> Result<Option<Passkey>, StoreError> {
        let reply = self.database.read(vec![factors::passkey_by_credential(credential)]).await?;
        Ok(reply.first(0).map(factors::read_passkey).transpose()?)
    }

    async fn open_session_with_second_factor(
        &self,
        step: &SecondStep,
    ) -> Result<SecondStepOutcome, StoreError> {
        let step = step.clone();
        let reads = sign_in::read_second_step(&step);
        let decide = move |reply: &Reply| sign_in::decide_second_step(&step, reply);
        Ok(self.database.write(reads, decide).await?)
    }

    /// If another transaction uses the same challenge for another account at the same time, the
    /// constraint rejects this one. It then runs again, and finds that the challenge was used.
    async fn open_session_with_passkey(
        &self,
        sign_in: &PasskeySignIn,
    ) -> Result<PasskeySignInOutcome, StoreError> {
        let sign_in = sign_in.clone();
        let reads = sign_in::read_passkey_sign_in(&sign_in);
        let decide = move |reply: &Reply| sign_in::decide_passkey_sign_in(&sign_in, reply);
        Ok(self.database.write(reads, decide).await?)
    }

    async fn reset_second_factor(
        &self,
        user: UserId,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ResetSecondFactorOutcome, StoreError> {
        let reads = vec![
            users::lock(user),
            users::by_id(user),
            sessions::lock_of_user(user),
            factors::passkey_ids(user),
            factors::failures(user),
            factors::pending_totp(user),
        ];
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            let failures = factors::read_failures(reply.first(4))?;
            let pending = reply.first(5).map(factors::read_pending_totp).transpose()?;
            let rows = ResetRows {
                account: account.as_ref(),
                pending: pending.as_ref(),
                passkeys: reply.rows(3).len(),
                failures: &failures,
            };
            let recorded = match rules::factors::reset_second_factor(rows, notice, now) {
                Decision::Write(recorded) => recorded,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let mut writes = turn_off(user);
            writes.extend([factors::delete_passkeys(user), sessions::delete_all(user)]);
            writes.extend(delete_codes(user));
            writes.extend(record(&recorded)?);
            Ok(Plan { writes, outcome: ResetSecondFactorOutcome::Reset })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn purge_factors(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let reads =
            vec![factors::lock_expired_ids(now, limit), factors::lock_expired_totp(now, limit)];
        let decide = |reply: &Reply| {
            let ids = factors::read_ids(reply.rows(0))?;
            let users = factors::read_users(reply.rows(1))?;
            let outcome = ids.len().max(users.len());
            let mut writes = Vec::new();
            if !ids.is_empty() {
                writes.push(factors::delete_ids(&ids));
            }
            if !users.is_empty() {
                writes.push(factors::delete_pending_totp(users));
            }
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(reads, decide).await?)
    }
}

/// Selects the second factors and the passkeys of a user. Read the reply with [`read_factors`].
pub(super) fn factors_of(user: UserId) -> [Query; 3] {
    [factors::totp(user), factors::recovery_codes(user), factors::passkeys_of_user(user)]
}

/// Reads the reply to [`factors_of`], whose first statement has the index `first`.
pub(super) fn read_factors(
    reply: &Reply,
    first: usize,
    account: &User,
) -> Result<Factors, DatabaseError> {
    Ok(Factors {
        second_factor_at: account.second_factor_at,
        totp: reply.first(first).map(factors::read_totp).transpose()?,
        recovery_codes: reply.first(first + 1).map(factors::read_recovery_codes).transpose()?,
        passkeys: factors::read_passkeys(reply.rows(first + 2))?,
    })
}

/// Locks and reads the account and the session of the acting user. Read the reply with
/// [`StoredActing::read`], and the replies to further statements from [`ACTING`] on.
fn lock_session(acting: &ActingSession) -> Vec<Query> {
    let Session { id, user_id: user, .. } = acting.session;
    vec![users::lock(user), users::by_id(user), sessions::lock_pair(id, id)]
}

/// Locks and reads the same as [`lock_session`], and all other sessions of the user, for a change
/// that ends them.
fn lock_sessions(acting: &ActingSession) -> Vec<Query> {
    let user = acting.session.user_id;
    vec![users::lock(user), users::by_id(user), sessions::lock_of_user(user)]
}

/// The number of statements of [`lock_session`] and of [`lock_sessions`].
const ACTING: usize = 3;

/// The acting session and its account as stored, if they still exist.
struct StoredActing {
    session: Option<Session>,
    account: Option<User>,
}

impl StoredActing {
    fn read(reply: &Reply, acting: &ActingSession) -> Result<Self, DatabaseError> {
        Ok(Self {
            session: find_session(reply, 2, acting.session.id)?,
            account: read_user(reply, 1)?,
        })
    }

    fn rows(&self) -> ActingRows<'_> {
        ActingRows { session: self.session.as_ref(), account: self.account.as_ref() }
    }
}

/// Counts and records a wrong code.
fn count_wrong(wrong: &WrongCode) -> Result<Vec<Query>, DatabaseError> {
    let WrongCode { user, failures, record: recorded, .. } = wrong;
    let mut writes = record(recorded)?;
    if let Some(failures) = failures {
        writes.push(factors::save_failures(*user, failures)?);
    }
    Ok(writes)
}

/// Turns the second factor off, and deletes everything that belongs to it. Passkeys stay.
fn turn_off(user: UserId) -> Vec<Query> {
    let mut writes = vec![
        factors::set_second_factor_at(user, None),
        factors::delete_totp(user),
        factors::delete_pending_totp([user]),
        factors::delete_failures(user),
    ];
    writes.extend(factors::delete_recovery_codes(user));
    writes
}

/// Adds the notice and the events of a change.
fn record(record: &Record) -> Result<Vec<Query>, DatabaseError> {
    let Record { events, notice } = record;
    let notice = notice.as_ref().map(mails::insert).transpose()?;
    Ok(notice.into_iter().chain(events.iter().map(audit::insert)).collect())
}
