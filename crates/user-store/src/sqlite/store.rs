use async_trait::async_trait;
use auth_core::{
    Admission, DecoyPosition, EmailKey, FamilyHash, PasswordHash, Session, SessionId,
    SessionPolicy, SigningKey, SigningKeySeed, Timestamp, UserId,
};

use super::queries::{counters, events, keys, sessions, users};
use super::transactions::{
    delete_account, open_session, reauthenticated, rotate, told, user_data, while_alive,
};
use super::{SqliteStore, administration, attempts};
use crate::{
    ActingSession, ActiveSession, AttemptStore, AuditLog, Challenge, CreateUserError,
    EndSessionsOutcome, Event, EventId, EventKind, HealthCheck, ImportUsersOutcome, KeyStore,
    LimitedCounter, NewSession, OpenSessionOutcome, PasswordVersion, ReauthenticatedChangeOutcome,
    Reauthentication, RetireKeyOutcome, RotateOutcome, Rotation, SessionRecord, SessionStore,
    SettleOutcome, SettledAttempt, SigningKeySet, StoreError, StoredUser, UpdateUserOutcome, User,
    UserData, UserDataStore, UserStore,
};

#[async_trait]
impl UserStore for SqliteStore {
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
    ) -> Result<(), CreateUserError> {
        let (user, password, event) = (user.clone(), password.clone(), event.clone());
        let created = self
            .database
            .write(move |tx| told(tx, &event, users::insert(tx, &user, &password)?))
            .await?;
        if created { Ok(()) } else { Err(CreateUserError::EmailTaken) }
    }

    async fn credentials(
        &self,
        email: &EmailKey,
        decoy_position: &DecoyPosition,
    ) -> Result<Challenge, StoreError> {
        let (email, position) = (email.clone(), decoy_position.clone());
        self.database
            .read(move |connection| users::credentials(connection, &email, &position))
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.database.read(move |connection| users::by_id(connection, id)).await
    }

    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError> {
        let email = email.clone();
        self.database.read(move |connection| users::by_email(connection, &email)).await
    }

    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.database.read(move |connection| users::page(connection, after, limit)).await
    }

    async fn change_password(
        &self,
        reauthentication: &Reauthentication,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<ReauthenticatedChangeOutcome, StoreError> {
        let (reauthentication, new) = (reauthentication.clone(), new.clone());
        self.database
            .write(move |tx| {
                let kind = EventKind::PasswordChanged;
                reauthenticated(tx, &reauthentication, kind, now, |session| {
                    users::change_password(tx, session.user_id, &new)?;
                    sessions::delete_all(tx, session.user_id, Some(session.id)).map(drop)
                })
            })
            .await
    }

    async fn delete_own_account(
        &self,
        reauthentication: &Reauthentication,
        now: Timestamp,
    ) -> Result<ReauthenticatedChangeOutcome, StoreError> {
        let reauthentication = reauthentication.clone();
        self.database
            .write(move |tx| {
                let kind = EventKind::AccountDeleted;
                reauthenticated(tx, &reauthentication, kind, now, |session| {
                    delete_account(tx, session.user_id).map(drop)
                })
            })
            .await
    }

    async fn set_password(
        &self,
        user: UserId,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        let new = new.clone();
        self.database.write(move |tx| administration::set_password(tx, user, &new, now)).await
    }

    async fn disable_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        self.database.write(move |tx| administration::disable_user(tx, user, now)).await
    }

    async fn enable_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        self.database.write(move |tx| administration::enable_user(tx, user, now)).await
    }

    async fn delete_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        self.database.write(move |tx| administration::delete_user(tx, user, now)).await
    }

    async fn import_users(
        &self,
        users: &[StoredUser],
        now: Timestamp,
    ) -> Result<ImportUsersOutcome, StoreError> {
        let users = users.to_vec();
        self.database.write(move |tx| administration::import_users(tx, &users, now)).await
    }

    async fn check_import(&self, users: &[StoredUser]) -> Result<ImportUsersOutcome, StoreError> {
        let users = users.to_vec();
        self.database.read(move |connection| administration::check_import(connection, &users)).await
    }

    async fn export_users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<StoredUser>, StoreError> {
        self.database
            .read(move |connection| users::page_with_hashes(connection, after, limit))
            .await
    }
}

#[async_trait]
impl SessionStore for SqliteStore {
    async fn open_session(
        &self,
        session: &NewSession,
        verified: PasswordVersion,
        rehashed: Option<&PasswordHash>,
    ) -> Result<OpenSessionOutcome, StoreError> {
        let (new, rehashed) = (session.clone(), rehashed.cloned());
        self.database.write(move |tx| open_session(tx, &new, verified, rehashed.as_ref())).await
    }

    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<ActiveSession>, StoreError> {
        let found =
            self.database.look_up(move |connection| sessions::with_user(connection, id)).await?;
        Ok(found.filter(|found| found.session.is_alive(now)))
    }

    async fn session_by_family(
        &self,
        family: &FamilyHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let family = *family;
        let found = self
            .database
            .look_up(move |connection| sessions::by_family(connection, &family))
            .await?;
        Ok(found.map(|(session, _)| session).filter(|session| session.is_alive(now)))
    }

    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let mut found =
            self.database.read(move |connection| sessions::of_user(connection, user)).await?;
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
        self.database.write(move |tx| rotate(tx, &rotation, &policy, now)).await
    }

    async fn end_session(
        &self,
        acting: &ActingSession,
        id: SessionId,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError> {
        let ActingSession { session: by, client } = acting.clone();
        let kind = if id == by.id { EventKind::SignedOut } else { EventKind::SessionEnded };
        self.database
            .write(move |tx| {
                let event = Event::by_user(kind, now, client).about(by.user_id).in_session(id);
                while_alive(tx, &by, &event, || sessions::delete(tx, by.user_id, id))
            })
            .await
    }

    async fn end_other_sessions(
        &self,
        acting: &ActingSession,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError> {
        let ActingSession { session: by, client } = acting.clone();
        self.database
            .write(move |tx| {
                let event = Event::by_user(EventKind::OtherSessionsEnded, now, client);
                let event = event.about(by.user_id).in_session(by.id);
                while_alive(tx, &by, &event, || sessions::delete_all(tx, by.user_id, Some(by.id)))
            })
            .await
    }

    async fn end_all_sessions(&self, user: UserId, now: Timestamp) -> Result<usize, StoreError> {
        self.database.write(move |tx| administration::end_sessions(tx, user, now)).await
    }

    async fn purge_sessions(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.database.write(move |tx| sessions::delete_ended(tx, now, limit)).await
    }
}

#[async_trait]
impl AttemptStore for SqliteStore {
    async fn begin_attempt(
        &self,
        counters: &[LimitedCounter],
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        // An attempt that is not admitted must not hold up writers.
        let checked = counters.to_vec();
        let admission = self
            .database
            .read(move |connection| attempts::judge(connection, &checked, now))
            .await?;
        if admission != Admission::Admitted {
            return Ok(admission);
        }
        let counters = counters.to_vec();
        self.database.write(move |tx| attempts::begin(tx, &counters, now)).await
    }

    async fn settle_attempt(&self, attempt: &SettledAttempt) -> Result<SettleOutcome, StoreError> {
        let attempt = attempt.clone();
        self.database.write(move |tx| attempts::settle(tx, &attempt)).await
    }

    async fn purge_counters(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.database.write(move |tx| counters::delete_ended(tx, now, limit)).await
    }
}

#[async_trait]
impl AuditLog for SqliteStore {
    async fn record_event(&self, event: &Event) -> Result<(), StoreError> {
        let event = event.clone();
        self.database.write(move |tx| events::insert(tx, &event)).await
    }

    async fn activity(&self, user: UserId, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.database.read(move |connection| events::of_user(connection, user, limit)).await
    }

    async fn events(
        &self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError> {
        self.database.read(move |connection| events::page(connection, user, after, limit)).await
    }

    async fn purge_events(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.database.write(move |tx| events::delete_old(tx, now, limit)).await
    }
}

#[async_trait]
impl KeyStore for SqliteStore {
    async fn signing_keys(&self) -> Result<SigningKeySet, StoreError> {
        self.database.read(keys::all).await
    }

    async fn ensure_signing_key(
        &self,
        candidate: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // A server that starts on a store with keys does not wait for writers.
        if self.database.read(keys::signing).await?.is_some() {
            return Ok(());
        }
        let candidate = candidate.clone();
        self.database
            .write(move |tx| match keys::signing(tx)? {
                Some(_) => Ok(()),
                None => keys::insert(tx, &candidate, now),
            })
            .await
    }

    async fn add_signing_key(&self, key: &SigningKey, now: Timestamp) -> Result<(), StoreError> {
        let (seed, kid) = (key.seed().clone(), key.kid().to_owned());
        self.database.write(move |tx| administration::add_signing_key(tx, &seed, &kid, now)).await
    }

    async fn retire_signing_key(
        &self,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<RetireKeyOutcome, StoreError> {
        let (seed, kid) = (key.seed().clone(), key.kid().to_owned());
        self.database
            .write(move |tx| administration::retire_signing_key(tx, &seed, &kid, now))
            .await
    }
}

#[async_trait]
impl UserDataStore for SqliteStore {
    async fn user_data(&self, user: UserId) -> Result<Option<UserData>, StoreError> {
        self.database.read(move |connection| user_data(connection, user)).await
    }
}

#[async_trait]
impl HealthCheck for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        // An empty transaction takes and releases the lock that every write needs.
        self.database.write(|_| Ok(())).await
    }
}
