use async_trait::async_trait;
use auth_core::{FamilyHash, PasswordHash, Session, SessionId, SessionPolicy, Timestamp, UserId};

use crate::error::StoreError;
use crate::postgres::codes::read_user;
use crate::postgres::database::Plan;
use crate::postgres::database_error::DatabaseError;
use crate::postgres::query::Reply;
use crate::postgres::statements::{audit, sessions, users};
use crate::postgres::store::PostgresStore;
use crate::rules::refresh::RotationWrite;
use crate::rules::sessions::{EndedAndActing, OthersAndActing};
use crate::rules::{self, Decision};
use crate::sessions::{
    ActingSession, ActiveSession, EndSessionsOutcome, NewSession, OpenSessionOutcome,
    PresentedSession, PresentedToken, RotateOutcome, Rotation, SessionRecord, SessionStore,
};
use crate::users::PasswordVersion;

#[async_trait]
impl SessionStore for PostgresStore {
    async fn open_session(
        &self,
        session: &NewSession,
        verified: PasswordVersion,
        rehashed: Option<&PasswordHash>,
    ) -> Result<OpenSessionOutcome, StoreError> {
        let (new, rehashed) = (session.clone(), rehashed.cloned());
        let user = new.session.user_id;
        let keep = NewSession::MAX_PER_USER - 1;
        let reads = vec![users::lock(user), sessions::ended_by(&new, keep), users::by_id(user)];
        let decide = move |reply: &Reply| {
            let account = reply.first(0).map(users::read_account_state).transpose()?;
            let event = match rules::sessions::open_session(&new, verified, account.as_ref()) {
                Decision::Write(event) => event,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let Some(user) = read_user(reply, 2)? else {
                return Ok(Plan::unchanged(OpenSessionOutcome::CredentialsChanged));
            };
            let ended = sessions::read_ids(reply.rows(1))?;
            let mut writes = Vec::new();
            writes.extend(rehashed.as_ref().map(|rehashed| users::rehash(user.id, rehashed)));
            if !ended.is_empty() {
                writes.push(sessions::delete(ended.iter().copied()));
            }
            writes.extend([sessions::insert(&new), audit::insert(&event)]);
            Ok(Plan { writes, outcome: OpenSessionOutcome::Opened { user, ended } })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<ActiveSession>, StoreError> {
        let row = self.database.look_up(sessions::with_user(id)).await?;
        let found = sessions::read_with_user(&row)?;
        Ok(found.filter(|found| found.session.is_alive(now)))
    }

    async fn session_by_family(
        &self,
        family: &FamilyHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let row = self.database.look_up(sessions::by_family(family)).await?;
        match sessions::read_refreshable(&row)? {
            Some(found) if found.session.is_alive(now) => Ok(Some(found.session)),
            _ => Ok(None),
        }
    }

    async fn session_by_refresh_token(
        &self,
        presented: &PresentedToken,
        now: Timestamp,
    ) -> Result<Option<PresentedSession>, StoreError> {
        let row = self.database.look_up(sessions::with_user_by_family(&presented.family)).await?;
        let Some(found) = sessions::read_refreshable(&row)? else { return Ok(None) };
        let state = rules::refresh::present_refresh_token(presented, &found, now);
        let Some(state) = state else { return Ok(None) };
        let active = sessions::read_user_of_refreshable(&row, found.session)?;
        Ok(Some(PresentedSession { active, replaced: state.salt() }))
    }

    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let reply = self.database.read(vec![sessions::records_of_user(user)]).await?;
        let mut found = sessions::read_records(reply.rows(0))?;
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
        let database = self.database.one_call();
        let row = database.look_up(sessions::by_family(&rotation.family)).await?;
        let found = sessions::read_refreshable(&row)?;
        // Anyone can send an unknown token, so it must not use a connection for transactions.
        let decision = rules::refresh::rotate_refresh_token(&rotation, found, &policy, now);
        if let Decision::Return(outcome) = decision {
            return Ok(outcome);
        }
        let family = rotation.family;
        let reads = vec![
            sessions::lock_by_family(&family),
            audit::repeats(&family),
            users::roles_by_family(&family),
        ];
        let decide = move |reply: &Reply| {
            let stored = reply.first(0).map(sessions::read_refreshable).transpose()?.flatten();
            let roles = users::read_roles(reply.first(2))?;
            match rules::refresh::rotate_refresh_token(&rotation, stored, &policy, now) {
                Decision::Write(RotationWrite::Refresh(session)) => Ok(Plan {
                    writes: vec![sessions::refresh(&session, &rotation)],
                    outcome: RotateOutcome::Rotated(session, roles),
                }),
                Decision::Write(RotationWrite::Repeat(session, salt, events)) => {
                    let recorded: Result<Vec<_>, DatabaseError> =
                        reply.rows(1).iter().map(audit::read).collect();
                    let unrecorded = rules::refresh::unrecorded_repeats(events, &recorded?);
                    let mut writes = vec![sessions::count_repeat(session.id)];
                    writes.extend(unrecorded.iter().map(audit::insert));
                    Ok(Plan { writes, outcome: RotateOutcome::Repeated(session, roles, salt) })
                }
                Decision::Write(RotationWrite::End(session, reason, events)) => {
                    let mut writes = vec![sessions::delete([session.id])];
                    writes.extend(events.iter().map(audit::insert));
                    Ok(Plan { writes, outcome: RotateOutcome::Reused(session, reason) })
                }
                Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
            }
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn end_session(
        &self,
        acting: &ActingSession,
        id: SessionId,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError> {
        let acting = acting.clone();
        let Session { id: acting_id, user_id, .. } = acting.session;
        let database = self.database.one_call();
        let reply = database.read(vec![sessions::pair(id, acting_id)]).await?;
        let stored = move |reply: &Reply, statement| {
            let found = sessions::read_all(reply.rows(statement))?;
            let find = |id| found.iter().find(|session| session.id == id).copied();
            Ok::<_, DatabaseError>(EndedAndActing { ended: find(id), acting: find(acting_id) })
        };
        let found = stored(&reply, 0)?;
        if let Decision::Return(outcome) = rules::sessions::end_session(&acting, found, now) {
            return Ok(outcome);
        }
        let reads = vec![users::lock(user_id), sessions::lock_pair(id, acting_id)];
        let decide = move |reply: &Reply| match rules::sessions::end_session(
            &acting,
            stored(reply, 1)?,
            now,
        ) {
            Decision::Write(event) => Ok(Plan {
                writes: vec![sessions::delete([id]), audit::insert(&event)],
                outcome: EndSessionsOutcome::Ended(1),
            }),
            Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn end_other_sessions(
        &self,
        acting: &ActingSession,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError> {
        let acting = acting.clone();
        let Session { id, user_id, .. } = acting.session;
        let database = self.database.one_call();
        let reply = database.read(vec![sessions::of_user(user_id)]).await?;
        let stored = move |reply: &Reply, statement| {
            let (this, others): (Vec<_>, Vec<_>) = sessions::read_all(reply.rows(statement))?
                .into_iter()
                .partition(|session| session.id == id);
            let others = others.iter().filter(|session| session.is_alive(now)).count();
            Ok::<_, DatabaseError>(OthersAndActing { others, acting: this.first().copied() })
        };
        let found = stored(&reply, 0)?;
        if let Decision::Return(outcome) = rules::sessions::end_other_sessions(&acting, found, now)
        {
            return Ok(outcome);
        }
        let reads = vec![users::lock(user_id), sessions::lock_of_user(user_id)];
        let decide = move |reply: &Reply| {
            let stored = stored(reply, 1)?;
            match rules::sessions::end_other_sessions(&acting, stored, now) {
                Decision::Write(event) => Ok(Plan {
                    writes: vec![sessions::delete_others(user_id, id), audit::insert(&event)],
                    outcome: EndSessionsOutcome::Ended(stored.others),
                }),
                Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
            }
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn end_all_sessions(&self, user: UserId, now: Timestamp) -> Result<usize, StoreError> {
        let reads = vec![users::lock(user), sessions::lock_of_user(user)];
        let decide = move |reply: &Reply| {
            let found = sessions::read_all(reply.rows(1))?;
            let expiries = found.iter().map(|session| session.idle_expires_at);
            let event = rules::sessions::end_all_sessions(user, now);
            let ended = rules::sessions::ended(expiries, event);
            let mut writes = vec![sessions::delete_all(user)];
            writes.extend(ended.event.as_ref().map(audit::insert));
            Ok(Plan { writes, outcome: ended.count })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn purge_sessions(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let decide = |reply: &Reply| {
            let expired = sessions::read_ids(reply.rows(0))?;
            let outcome = expired.len();
            let writes = if expired.is_empty() { vec![] } else { vec![sessions::delete(expired)] };
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(vec![sessions::lock_expired(now, limit)], decide).await?)
    }
}
