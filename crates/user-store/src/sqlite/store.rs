use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Admission, ClientInfo, DecoyPosition, EmailKey, FamilyHash, PasswordHash, Session, SessionId,
    SessionPolicy, SigningKey, SigningKeySeed, Timestamp, UserId,
};
use rusqlite::Connection;

use super::queries::{counters, events, keys, sessions, users};
use super::transactions::{
    delete_account, open_session, reauthenticated, rotate, told, user_data, while_alive,
};
use super::{SqliteStore, administration, attempts};
use crate::{
    Challenge, CreateUserError, EndSessionsOutcome, Event, EventId, EventKind, ImportUsersOutcome,
    LimitedCounter, NewSession, OpenSessionOutcome, PasswordVersion, Purged,
    ReauthenticatedOutcome, Reauthentication, RetireKeyOutcome, RotateOutcome, Rotation,
    SessionRecord, Settlement, StoreError, StoredSigningKey, StoredUser, User, UserData, UserStore,
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
        place: &DecoyPosition,
    ) -> Result<Challenge, StoreError> {
        let (email, place) = (email.clone(), place.clone());
        self.database.read(move |connection| users::credentials(connection, &email, &place)).await
    }

    async fn open_session(
        &self,
        session: &NewSession,
        verified: PasswordVersion,
        renewed: Option<&PasswordHash>,
    ) -> Result<OpenSessionOutcome, StoreError> {
        let (new, renewed) = (session.clone(), renewed.cloned());
        self.database.write(move |tx| open_session(tx, &new, verified, renewed.as_ref())).await
    }

    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<(Session, User)>, StoreError> {
        let found =
            self.database.look_up(move |connection| sessions::with_user(connection, id)).await?;
        Ok(found.filter(|(session, _)| session.is_alive(now)))
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
        by: &Session,
        id: SessionId,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError> {
        let (by, client) = (*by, client.clone());
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
        by: &Session,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError> {
        let (by, client) = (*by, client.clone());
        self.database
            .write(move |tx| {
                let event = Event::by_user(EventKind::OtherSessionsEnded, now, client);
                let event = event.about(by.user_id).in_session(by.id);
                while_alive(tx, &by, &event, || sessions::delete_all(tx, by.user_id, Some(by.id)))
            })
            .await
    }

    async fn end_sessions(&self, user: UserId, now: Timestamp) -> Result<usize, StoreError> {
        self.database.write(move |tx| administration::end_sessions(tx, user, now)).await
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

    async fn purge_expired(&self, now: Timestamp, limit: u32) -> Result<Purged, StoreError> {
        // Others have their turn in between.
        let sessions = self.database.write(move |tx| sessions::delete_ended(tx, now, limit));
        let sessions = sessions.await?;
        let counters = self.database.write(move |tx| counters::delete_ended(tx, now, limit));
        let counters = counters.await?;
        let events = self.database.write(move |tx| events::delete_old(tx, now, limit)).await?;
        Ok(Purged { sessions, counters, events })
    }

    async fn begin_attempt(
        &self,
        counts: &[LimitedCounter],
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        // What is not admitted is to hold up nobody who writes.
        let looked_at = counts.to_vec();
        let admission = self
            .database
            .read(move |connection| attempts::judge(connection, &looked_at, now))
            .await?;
        if admission != Admission::Admitted {
            return Ok(admission);
        }
        let counts = counts.to_vec();
        self.database.write(move |tx| attempts::begin(tx, &counts, now)).await
    }

    async fn settle_attempt(
        &self,
        counts: &[(LimitedCounter, Settlement)],
        event: Option<&Event>,
        began: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (counts, event) = (counts.to_vec(), event.cloned());
        self.database
            .write(move |tx| attempts::settle(tx, &counts, event.as_ref(), began, now))
            .await
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

    async fn record(&self, event: &Event) -> Result<(), StoreError> {
        let event = event.clone();
        self.database.write(move |tx| events::insert(tx, &event)).await
    }

    async fn change_password(
        &self,
        word: &Reauthentication,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<ReauthenticatedOutcome, StoreError> {
        let (word, new) = (word.clone(), new.clone());
        self.database
            .write(move |tx| {
                reauthenticated(tx, &word, EventKind::PasswordChanged, now, |session| {
                    users::change_password(tx, session.user_id, &new)?;
                    sessions::delete_all(tx, session.user_id, Some(session.id)).map(drop)
                })
            })
            .await
    }

    async fn delete_own_account(
        &self,
        word: &Reauthentication,
        now: Timestamp,
    ) -> Result<ReauthenticatedOutcome, StoreError> {
        let word = word.clone();
        self.database
            .write(move |tx| {
                reauthenticated(tx, &word, EventKind::AccountDeleted, now, |session| {
                    delete_account(tx, session.user_id).map(drop)
                })
            })
            .await
    }

    async fn user_data(&self, user: UserId) -> Result<Option<UserData>, StoreError> {
        self.database.read(move |connection| user_data(connection, user)).await
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

    async fn import_users(
        &self,
        users: &Arc<[StoredUser]>,
        now: Timestamp,
    ) -> Result<ImportUsersOutcome, StoreError> {
        let users = Arc::clone(users);
        self.database.write(move |tx| administration::import_users(tx, &users, now)).await
    }

    async fn check_import(
        &self,
        users: &Arc<[StoredUser]>,
    ) -> Result<ImportUsersOutcome, StoreError> {
        let users = Arc::clone(users);
        let look = move |connection: &Connection| administration::check_import(connection, &users);
        self.database.read(look).await
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

    async fn set_disabled(
        &self,
        user: UserId,
        disabled: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.database.write(move |tx| administration::set_disabled(tx, user, disabled, now)).await
    }

    async fn set_password(
        &self,
        user: UserId,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let new = new.clone();
        self.database.write(move |tx| administration::set_password(tx, user, &new, now)).await
    }

    async fn delete_user(&self, user: UserId, now: Timestamp) -> Result<bool, StoreError> {
        self.database.write(move |tx| administration::delete_user(tx, user, now)).await
    }

    async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError> {
        self.database.read(keys::all).await
    }

    async fn ensure_signing_key(
        &self,
        candidate: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Who starts on a store that has one waits for nobody who writes.
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

    async fn ping(&self) -> Result<(), StoreError> {
        // An empty transaction takes and gives back the lock that every write needs.
        self.database.write(|_| Ok(())).await
    }
}
