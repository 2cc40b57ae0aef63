mod sign_in;

use async_trait::async_trait;
use auth_core::{
    CredentialId, MailId, PasskeyId, PasskeyName, RecoveryCodeHash, Session, Ticket, Timestamp,
    TotpSecret, UserId,
};

use super::codes::{add, delete_codes};
use super::statements::{audit, factors, sessions, users};
use super::{BackendStore, Result, Tx};
use crate::error::StoreError;
use crate::factors::{
    AddPasskeyOutcome, BeginTotpOutcome, ConfirmTotp, ConfirmTotpOutcome, FactorStore, Factors,
    NewPasskey, Passkey, PasskeySignIn, PasskeySignInOutcome, RemovePasskeyOutcome,
    ReplaceRecoveryCodesOutcome, ResetSecondFactorOutcome, SecondStep, SecondStepOutcome,
    TurnOffOutcome, TurnOnOutcome,
};
use crate::rules::factors::{
    ActingRows, ConfirmTotpRows, ConfirmTotpWrite, NewPasskeyRows, PendingTotpRow, Record,
    RemovePasskeyRows, ResetRows, TicketRows, TotpRow, WrongCode,
};
use crate::rules::{self, Decision};
use crate::sessions::ActingSession;
use crate::users::User;

#[async_trait]
impl FactorStore for BackendStore {
    async fn factors(&self, user: UserId) -> Result<Factors, StoreError> {
        self.database.snapshot(move |tx| read_factors(tx, user)).await
    }

    async fn factors_of_ticket(
        &self,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<Option<Factors>, StoreError> {
        let ticket = *ticket;
        self.database
            .snapshot(move |tx| {
                let account = users::by_id(tx, ticket.user)?;
                let state = users::account_state(tx, ticket.user)?;
                let rows = TicketRows {
                    account: account.as_ref(),
                    state: state.as_ref(),
                    is_used: factors::is_used(tx, ticket.id)?,
                };
                match rules::factors::valid_ticket(&ticket, rows, now) {
                    Some((account, _)) => read_factors(tx, account.id).map(Some),
                    None => Ok(None),
                }
            })
            .await
    }

    async fn begin_totp(
        &self,
        acting: &ActingSession,
        secret: &TotpSecret,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<BeginTotpOutcome, StoreError> {
        let acting = acting.clone();
        let pending = PendingTotpRow { secret: secret.clone(), expires_at };
        self.database
            .write(move |tx| {
                let stored = Acting::read(tx, &acting)?;
                match rules::factors::begin_totp(&acting, stored.rows(), now) {
                    Decision::Write(user) => {
                        factors::replace_pending_totp(tx, user, &pending)?;
                        Ok(BeginTotpOutcome::Stored)
                    }
                    Decision::Return(outcome) => Ok(outcome),
                }
            })
            .await
    }

    async fn confirm_totp(
        &self,
        acting: &ActingSession,
        confirmation: &ConfirmTotp,
        now: Timestamp,
    ) -> Result<ConfirmTotpOutcome, StoreError> {
        let (acting, confirmation) = (acting.clone(), confirmation.clone());
        self.database
            .write(move |tx| {
                let user = acting.session.user_id;
                let stored = Acting::read(tx, &acting)?;
                let pending = factors::pending_totp(tx, user)?;
                let rows = ConfirmTotpRows {
                    acting: stored.rows(),
                    pending: pending.as_ref(),
                    failures: &factors::failures(tx, user)?,
                };
                let confirmed =
                    match rules::factors::confirm_totp(&acting, &confirmation, rows, now) {
                        Decision::Write(ConfirmTotpWrite::Confirmed(confirmed)) => confirmed,
                        Decision::Write(ConfirmTotpWrite::Wrong(wrong)) => {
                            save_wrong_code(tx, &wrong)?;
                            return Ok(wrong.confirm_outcome());
                        }
                        Decision::Return(outcome) => return Ok(outcome),
                    };
                let totp = TotpRow { secret: confirmed.secret, last_step: confirmed.last_step };
                factors::delete_pending_totp(tx, user)?;
                factors::replace_totp(tx, user, &totp, now)?;
                if let Some(codes) = &confirmed.recovery_codes {
                    users::set_second_factor_at(tx, user, Some(now))?;
                    factors::replace_recovery_codes(tx, user, codes, now)?;
                }
                sessions::delete_others(tx, user, acting.session.id)?;
                delete_codes(tx, user)?;
                save_record(tx, &confirmed.record)?;
                Ok(confirmed.outcome)
            })
            .await
    }

    async fn turn_second_factor_on(
        &self,
        acting: &ActingSession,
        recovery_codes: &[RecoveryCodeHash],
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<TurnOnOutcome, StoreError> {
        let (acting, codes) = (acting.clone(), recovery_codes.to_vec());
        self.database
            .write(move |tx| {
                let user = acting.session.user_id;
                let stored = Acting::read(tx, &acting)?;
                let passkeys = factors::passkey_ids(tx, user)?.len();
                let rows = stored.rows();
                let decision =
                    rules::factors::turn_second_factor_on(&acting, rows, passkeys, notice, now);
                let record = match decision {
                    Decision::Write(record) => record,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                users::set_second_factor_at(tx, user, Some(now))?;
                factors::replace_recovery_codes(tx, user, &codes, now)?;
                sessions::delete_others(tx, user, acting.session.id)?;
                delete_codes(tx, user)?;
                save_record(tx, &record)?;
                Ok(TurnOnOutcome::TurnedOn)
            })
            .await
    }

    async fn turn_second_factor_off(
        &self,
        acting: &ActingSession,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<TurnOffOutcome, StoreError> {
        let acting = acting.clone();
        self.database
            .write(move |tx| {
                let user = acting.session.user_id;
                let stored = Acting::read(tx, &acting)?;
                let rows = stored.rows();
                let record =
                    match rules::factors::turn_second_factor_off(&acting, rows, notice, now) {
                        Decision::Write(record) => record,
                        Decision::Return(outcome) => return Ok(outcome),
                    };
                delete_second_factor(tx, user)?;
                sessions::delete_others(tx, user, acting.session.id)?;
                delete_codes(tx, user)?;
                save_record(tx, &record)?;
                Ok(TurnOffOutcome::TurnedOff)
            })
            .await
    }

    async fn replace_recovery_codes(
        &self,
        acting: &ActingSession,
        recovery_codes: &[RecoveryCodeHash],
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ReplaceRecoveryCodesOutcome, StoreError> {
        let (acting, codes) = (acting.clone(), recovery_codes.to_vec());
        self.database
            .write(move |tx| {
                let stored = Acting::read(tx, &acting)?;
                let rows = stored.rows();
                let record =
                    match rules::factors::replace_recovery_codes(&acting, rows, notice, now) {
                        Decision::Write(record) => record,
                        Decision::Return(outcome) => return Ok(outcome),
                    };
                let user = acting.session.user_id;
                factors::replace_recovery_codes(tx, user, &codes, now)?;
                delete_codes(tx, user)?;
                save_record(tx, &record)?;
                Ok(ReplaceRecoveryCodesOutcome::Replaced)
            })
            .await
    }

    async fn add_passkey(
        &self,
        acting: &ActingSession,
        new: &NewPasskey,
        now: Timestamp,
    ) -> Result<AddPasskeyOutcome, StoreError> {
        let (acting, new) = (acting.clone(), new.clone());
        self.database
            .write(move |tx| {
                let stored = Acting::read(tx, &acting)?;
                let credential_id = &new.passkey.credential_id;
                let rows = NewPasskeyRows {
                    acting: stored.rows(),
                    passkeys: factors::passkey_ids(tx, acting.session.user_id)?.len(),
                    is_taken: factors::passkey_by_credential(tx, credential_id)?.is_some(),
                    is_challenge_used: factors::is_used(tx, new.challenge.id)?,
                };
                let added = match rules::factors::add_passkey(&acting, &new, rows, now) {
                    Decision::Write(added) => added,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                factors::insert_used(tx, &added.challenge)?;
                factors::insert_passkey(tx, &added.passkey)?;
                delete_codes(tx, acting.session.user_id)?;
                save_record(tx, &added.record)?;
                Ok(AddPasskeyOutcome::Added)
            })
            .await
    }

    async fn rename_passkey(
        &self,
        user: UserId,
        id: PasskeyId,
        name: &PasskeyName,
    ) -> Result<Option<Passkey>, StoreError> {
        let name = name.clone();
        self.database
            .write(move |tx| {
                factors::rename_passkey(tx, user, id, &name)?;
                let renamed = factors::passkey(tx, id)?;
                Ok(renamed.filter(|passkey| passkey.user == user))
            })
            .await
    }

    async fn remove_passkey(
        &self,
        acting: &ActingSession,
        id: PasskeyId,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<RemovePasskeyOutcome, StoreError> {
        let acting = acting.clone();
        self.database
            .write(move |tx| {
                let user = acting.session.user_id;
                let stored = Acting::read(tx, &acting)?;
                let rows = RemovePasskeyRows {
                    acting: stored.rows(),
                    has_totp: factors::totp_times(tx, user)?.is_some(),
                    passkeys: &factors::passkey_ids(tx, user)?,
                };
                let record = match rules::factors::remove_passkey(&acting, id, rows, notice, now) {
                    Decision::Write(record) => record,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                factors::delete_passkey(tx, id)?;
                sessions::delete_others(tx, user, acting.session.id)?;
                delete_codes(tx, user)?;
                save_record(tx, &record)?;
                Ok(RemovePasskeyOutcome::Removed)
            })
            .await
    }

    async fn passkey(&self, credential: &CredentialId) -> Result<Option<Passkey>, StoreError> {
        let credential = credential.clone();
        self.database.read(move |tx| factors::passkey_by_credential(tx, &credential)).await
    }

    async fn open_session_with_second_factor(
        &self,
        step: &SecondStep,
    ) -> Result<SecondStepOutcome, StoreError> {
        let step = step.clone();
        self.database.write(move |tx| sign_in::with_second_factor(tx, &step)).await
    }

    async fn open_session_with_passkey(
        &self,
        sign_in: &PasskeySignIn,
    ) -> Result<PasskeySignInOutcome, StoreError> {
        let sign_in = sign_in.clone();
        self.database.write(move |tx| sign_in::with_passkey(tx, &sign_in)).await
    }

    async fn reset_second_factor(
        &self,
        user: UserId,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ResetSecondFactorOutcome, StoreError> {
        self.database
            .write(move |tx| {
                let account = users::by_id(tx, user)?;
                let pending = factors::pending_totp(tx, user)?;
                let rows = ResetRows {
                    account: account.as_ref(),
                    pending: pending.as_ref(),
                    passkeys: factors::passkey_ids(tx, user)?.len(),
                    failures: &factors::failures(tx, user)?,
                };
                let record = match rules::factors::reset_second_factor(rows, notice, now) {
                    Decision::Write(record) => record,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                delete_second_factor(tx, user)?;
                factors::delete_passkeys(tx, user)?;
                sessions::delete_all(tx, user)?;
                delete_codes(tx, user)?;
                save_record(tx, &record)?;
                Ok(ResetSecondFactorOutcome::Reset)
            })
            .await
    }

    async fn purge_factors(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.database
            .write(move |tx| {
                let used = factors::delete_expired_used(tx, now, limit)?;
                Ok(used.max(factors::delete_expired_pending_totp(tx, now, limit)?))
            })
            .await
    }
}

/// Reads the second factors and the passkeys of a user. The caller must read in a transaction.
pub(super) fn read_factors(tx: Tx<'_>, user: UserId) -> Result<Factors> {
    let account = users::by_id(tx, user)?;
    Ok(Factors {
        second_factor_at: account.and_then(|account| account.second_factor_at),
        totp: factors::totp_times(tx, user)?,
        recovery_codes: factors::recovery_codes(tx, user)?,
        passkeys: factors::passkeys(tx, user)?,
    })
}

/// The rows of an acting session.
struct Acting {
    session: Option<Session>,
    account: Option<User>,
}

impl Acting {
    fn read(tx: Tx<'_>, acting: &ActingSession) -> Result<Self> {
        let session = sessions::by_id(tx, acting.session.id)?;
        Ok(Self { session, account: users::by_id(tx, acting.session.user_id)? })
    }

    fn rows(&self) -> ActingRows<'_> {
        ActingRows { session: self.session.as_ref(), account: self.account.as_ref() }
    }
}

fn save_wrong_code(tx: Tx<'_>, wrong: &WrongCode) -> Result<()> {
    if let Some(failures) = &wrong.failures {
        factors::save_failures(tx, wrong.user, failures)?;
    }
    save_record(tx, &wrong.record)
}

/// Turns the second factor off, and deletes everything that belongs to it. Passkeys stay.
fn delete_second_factor(tx: Tx<'_>, user: UserId) -> Result<()> {
    users::set_second_factor_at(tx, user, None)?;
    factors::delete_totp(tx, user)?;
    factors::delete_pending_totp(tx, user)?;
    factors::delete_recovery_codes(tx, user)?;
    factors::delete_failures(tx, user)
}

fn save_record(tx: Tx<'_>, record: &Record) -> Result<()> {
    for event in &record.events {
        audit::insert(tx, event)?;
    }
    add(tx, record.notice.as_ref())
}
