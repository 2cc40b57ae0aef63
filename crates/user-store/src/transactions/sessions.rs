use async_trait::async_trait;
use auth_core::{FamilyHash, PasswordHash, Session, SessionId, SessionPolicy, Timestamp, UserId};

use super::statements::{audit, sessions, users};
use super::{BackendStore, Result, Tx};
use crate::error::StoreError;
use crate::rules::refresh::RotationWrite;
use crate::rules::sessions::{EndedAndActing, OthersAndActing};
use crate::rules::{self, Decision};
use crate::sessions::{
    ActingSession, ActiveSession, EndSessionsOutcome, NewSession, OpenSessionOutcome,
    PresentedSession, PresentedToken, RotateOutcome, Rotation, SessionRecord, SessionStore,
};
use crate::users::PasswordVersion;

#[async_trait]
impl SessionStore for BackendStore {
    async fn open_session(
        &self,
        session: &NewSession,
        verified: PasswordVersion,
        rehashed: Option<&PasswordHash>,
    ) -> Result<OpenSessionOutcome, StoreError> {
        let (new, rehashed) = (session.clone(), rehashed.cloned());
        self.database
            .write(move |tx| {
                let user = new.session.user_id;
                let account = users::account_state(tx, user)?;
                let event = match rules::sessions::open_session(&new, verified, account.as_ref()) {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                let Some(user) = users::by_id(tx, user)? else {
                    return Ok(OpenSessionOutcome::CredentialsChanged);
                };
                if let Some(rehashed) = &rehashed {
                    users::rehash(tx, user.id, rehashed)?;
                }
                let ended = insert_session(tx, &new)?;
                audit::insert(tx, &event)?;
                Ok(OpenSessionOutcome::Opened { user, ended })
            })
            .await
    }

    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<ActiveSession>, StoreError> {
        let found = self.database.look_up(move |tx| sessions::with_user(tx, id)).await?;
        Ok(found.filter(|found| found.session.is_alive(now)))
    }

    async fn session_by_family(
        &self,
        family: &FamilyHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let family = *family;
        let found = self.database.look_up(move |tx| sessions::by_family(tx, &family));
        match found.await? {
            Some(found) if found.session.is_alive(now) => Ok(Some(found.session)),
            _ => Ok(None),
        }
    }

    async fn session_by_refresh_token(
        &self,
        presented: &PresentedToken,
        now: Timestamp,
    ) -> Result<Option<PresentedSession>, StoreError> {
        let presented = presented.clone();
        self.database
            .look_up(move |connection| {
                let Some(found) = sessions::by_family(connection, &presented.family)? else {
                    return Ok(None);
                };
                let state = rules::refresh::present_refresh_token(&presented, &found, now);
                let Some(state) = state else { return Ok(None) };
                let active = sessions::with_user(connection, found.session.id)?;
                Ok(active.map(|active| PresentedSession { active, replaced: state.salt() }))
            })
            .await
    }

    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let mut found = self.database.read(move |tx| sessions::of_user(tx, user)).await?;
        found.retain(|record| record.session.is_alive(now));
        Ok(found)
    }

    async fn rotate_refresh_token(
        &self,
        rotation: &Rotation,
        policy: &SessionPolicy,
        now: Timestamp,
    ) -> Result<RotateOutcome, StoreError> {
        let (rotation, policy) = (rotation.clone(), *policy);
        let family = rotation.family;
        let found = self.database.look_up(move |tx| sessions::by_family(tx, &family));
        let decision = rules::refresh::rotate_refresh_token(&rotation, found.await?, &policy, now);
        // Anybody can send an unknown token, so it must not take the write lock.
        if let Decision::Return(outcome) = decision {
            return Ok(outcome);
        }
        self.database
            .write(move |tx| {
                let stored = sessions::by_family(tx, &rotation.family)?;
                match rules::refresh::rotate_refresh_token(&rotation, stored, &policy, now) {
                    Decision::Write(RotationWrite::Refresh(session)) => {
                        sessions::refresh(tx, &session, &rotation)?;
                        let roles = users::roles(tx, session.user_id)?;
                        Ok(RotateOutcome::Rotated(session, roles))
                    }
                    Decision::Write(RotationWrite::Repeat(session, salt, events)) => {
                        sessions::count_repeat(tx, session.id)?;
                        let recorded = audit::repeats(tx, session.id)?;
                        for event in rules::refresh::unrecorded_repeats(events, &recorded) {
                            audit::insert(tx, &event)?;
                        }
                        let roles = users::roles(tx, session.user_id)?;
                        Ok(RotateOutcome::Repeated(session, roles, salt))
                    }
                    Decision::Write(RotationWrite::End(session, reason, events)) => {
                        sessions::delete(tx, session.id)?;
                        for event in &events {
                            audit::insert(tx, event)?;
                        }
                        Ok(RotateOutcome::Reused(session, reason))
                    }
                    Decision::Return(outcome) => Ok(outcome),
                }
            })
            .await
    }

    async fn end_session(
        &self,
        acting: &ActingSession,
        id: SessionId,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError> {
        let acting = acting.clone();
        let acting_id = acting.session.id;
        let stored = move |tx: Tx<'_>| {
            Ok(EndedAndActing {
                ended: sessions::by_id(tx, id)?,
                acting: sessions::by_id(tx, acting_id)?,
            })
        };
        let found = self.database.read(stored).await?;
        if let Decision::Return(outcome) = rules::sessions::end_session(&acting, found, now) {
            return Ok(outcome);
        }
        self.database
            .write(move |tx| match rules::sessions::end_session(&acting, stored(tx)?, now) {
                Decision::Write(event) => {
                    sessions::delete(tx, id)?;
                    audit::insert(tx, &event)?;
                    Ok(EndSessionsOutcome::Ended(1))
                }
                Decision::Return(outcome) => Ok(outcome),
            })
            .await
    }

    async fn end_other_sessions(
        &self,
        acting: &ActingSession,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError> {
        let acting = acting.clone();
        let Session { id, user_id, .. } = acting.session;
        let stored = move |tx: Tx<'_>| {
            Ok(OthersAndActing {
                others: sessions::count_others(tx, user_id, id, now)?,
                acting: sessions::by_id(tx, id)?,
            })
        };
        let found = self.database.read(stored).await?;
        if let Decision::Return(outcome) = rules::sessions::end_other_sessions(&acting, found, now)
        {
            return Ok(outcome);
        }
        self.database
            .write(move |tx| {
                let stored = stored(tx)?;
                match rules::sessions::end_other_sessions(&acting, stored, now) {
                    Decision::Write(event) => {
                        sessions::delete_others(tx, user_id, id)?;
                        audit::insert(tx, &event)?;
                        Ok(EndSessionsOutcome::Ended(stored.others))
                    }
                    Decision::Return(outcome) => Ok(outcome),
                }
            })
            .await
    }

    async fn end_all_sessions(&self, user: UserId, now: Timestamp) -> Result<usize, StoreError> {
        self.database
            .write(move |tx| {
                let deleted = sessions::delete_all(tx, user)?;
                let event = rules::sessions::end_all_sessions(user, now);
                let ended = rules::sessions::ended(deleted, event);
                if let Some(event) = &ended.event {
                    audit::insert(tx, event)?;
                }
                Ok(ended.count)
            })
            .await
    }

    async fn purge_sessions(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.database.write(move |tx| sessions::delete_expired(tx, now, limit)).await
    }
}

/// Inserts a session. Ends the one that it replaces, and those beyond
/// [`NewSession::MAX_PER_USER`]. Returns the ended ones.
pub(super) fn insert_session(tx: Tx<'_>, new: &NewSession) -> Result<Vec<SessionId>> {
    let (user, now) = (new.session.user_id, new.session.created_at);
    let mut ended = Vec::new();
    if let Some(family) = &new.replaces {
        ended.extend(sessions::delete_family(tx, user, family, now)?);
    }
    let keep = NewSession::MAX_PER_USER - 1;
    ended.extend(sessions::delete_least_recent(tx, user, keep, now)?);
    sessions::insert(tx, new)?;
    Ok(ended)
}
