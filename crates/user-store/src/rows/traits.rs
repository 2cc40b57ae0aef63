//! The traits that a database implements.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use auth_core::{
    Counter, CounterKey, CredentialId, EmailHash, EmailKey, EmailSignInTokenHash, FamilyHash,
    MailId, PasskeyId, SessionId, SingleUseId, Timestamp, UserId,
};

use crate::audit::{Event, EventId, EventKind};
use crate::codes::CodePurpose;
use crate::error::StoreError;
use crate::factors::Passkey;
use crate::keys::SigningKeySet;
use crate::metadata::Metadata;
use crate::rows::row::{Account, Decoys, StoredCode, StoredFollower, StoredMail, StoredSession};
use crate::store::EraseOutcome;

/// A function that a transaction runs.
pub type Work = Box<dyn FnOnce(&mut dyn Rows) -> Result<(), StoreError> + Send>;

/// Runs functions in transactions.
///
/// # Rules
///
/// - Transactions are serialisable. What a transaction has read is not changed by another one until
///   it ends. A database that detects conflicts only at the commit cannot run the function again,
///   so it must take a lock when a writing transaction begins.
/// - A committed transaction is durable.
/// - A transaction that has begun is completed, even if the caller drops the future.
/// - The function blocks its thread while [`Rows`] does. Run it with `spawn_blocking`, unless the
///   rows are in memory. There, an asynchronous driver is called with `Handle::block_on`.
#[doc = include_str!("../signatures/Transactions.md")]
#[async_trait]
pub trait Transactions: Send + Sync + 'static {
    /// Runs `work`, which only reads.
    async fn read(&self, work: Work) -> Result<(), StoreError>;

    /// Runs `work`. If it returns `Ok`, commits its changes. Otherwise, undoes them and returns the
    /// error.
    async fn write(&self, work: Work) -> Result<(), StoreError>;

    /// See [`Erasure::erase_deleted`](crate::Erasure::erase_deleted). The default does nothing.
    async fn erase_deleted(&self) -> Result<EraseOutcome, StoreError> {
        Ok(EraseOutcome::LeftToDatabase)
    }
}

/// The outcome of [`Rows::insert_account`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum InsertOutcome {
    /// The account was inserted.
    Inserted,
    /// Another account has the email address. Nothing was written.
    EmailTaken,
}

/// Reads and writes the rows of a store in one transaction.
///
/// # Rules
///
/// - `save_…` inserts the row, or replaces the one with the same key.
/// - `delete_…` deletes what exists. It is no error if nothing does.
/// - `delete_expired_…` deletes up to `limit` rows whose time is `now` or earlier, those with the
///   earliest times first, and returns the number deleted.
/// - A row is returned as it was saved. Times need millisecond precision.
/// - Deleted secrets should be overwritten on the disk, if the database can do so.
#[expect(clippy::missing_errors_doc, reason = "each error is one of the database")]
pub trait Rows {
    /// Returns the account with this id.
    fn account(&mut self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// Returns the account with this email address. The key is unique.
    fn account_by_email(&mut self, email: &EmailKey) -> Result<Option<Account>, StoreError>;

    /// Returns up to `limit` accounts with an id greater than `after`, in the order of their ids.
    fn accounts(&mut self, after: Option<UserId>, limit: u32) -> Result<Vec<Account>, StoreError>;

    /// Returns the number of accounts.
    fn count_accounts(&mut self) -> Result<u32, StoreError>;

    /// Inserts an account, unless another one has its email address.
    fn insert_account(&mut self, account: &Account) -> Result<InsertOutcome, StoreError>;

    /// Replaces the account with the same id. Its email address may have changed.
    fn save_account(&mut self, account: &Account) -> Result<(), StoreError>;

    /// Deletes an account. Its sessions, passkeys and metadata have been deleted before.
    fn delete_account(&mut self, id: UserId) -> Result<(), StoreError>;

    /// Returns up to `limit` accounts whose [`Account::pending_totp`] has expired at `now`.
    fn expired_pending_totp(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError>;

    /// Returns the metadata of a user as it was saved, or `Metadata::default()`.
    fn metadata(&mut self, user: UserId) -> Result<Metadata, StoreError>;

    /// Saves the metadata of a user. If it is `Metadata::default()`, deletes the row.
    fn save_metadata(&mut self, user: UserId, metadata: &Metadata) -> Result<(), StoreError>;

    /// Returns the session with this id.
    fn session(&mut self, id: SessionId) -> Result<Option<StoredSession>, StoreError>;

    /// Returns the session of this family of refresh tokens, which is unique.
    fn session_by_family(
        &mut self,
        family: &FamilyHash,
    ) -> Result<Option<StoredSession>, StoreError>;

    /// Returns the sessions of a user, in any order.
    fn sessions(&mut self, user: UserId) -> Result<Vec<StoredSession>, StoreError>;

    /// Saves a session.
    fn save_session(&mut self, session: &StoredSession) -> Result<(), StoreError>;

    /// Deletes a session.
    fn delete_session(&mut self, id: SessionId) -> Result<(), StoreError>;

    /// Deletes sessions by their `idle_expires_at`.
    fn delete_expired_sessions(&mut self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;

    /// Returns the passkey with this id.
    fn passkey(&mut self, id: PasskeyId) -> Result<Option<Passkey>, StoreError>;

    /// Returns the passkey with this credential ID, which is unique.
    fn passkey_by_credential(
        &mut self,
        credential: &CredentialId,
    ) -> Result<Option<Passkey>, StoreError>;

    /// Returns the passkeys of a user, in the order of their ids.
    fn passkeys(&mut self, user: UserId) -> Result<Vec<Passkey>, StoreError>;

    /// Saves a passkey.
    fn save_passkey(&mut self, passkey: &Passkey) -> Result<(), StoreError>;

    /// Deletes a passkey.
    fn delete_passkey(&mut self, id: PasskeyId) -> Result<(), StoreError>;

    /// Returns whether this id of a ticket or a challenge is saved.
    fn is_used(&mut self, id: SingleUseId) -> Result<bool, StoreError>;

    /// Saves the id of a ticket or a challenge that was used.
    fn save_used_id(&mut self, id: SingleUseId, expires_at: Timestamp) -> Result<(), StoreError>;

    /// Deletes ids by their `expires_at`.
    fn delete_expired_used_ids(&mut self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;

    /// Returns a counter.
    fn counter(&mut self, key: &CounterKey) -> Result<Option<Counter>, StoreError>;

    /// Returns the counters with keys in a range. The keys are ordered by their bytes.
    fn counters(
        &mut self,
        keys: RangeInclusive<CounterKey>,
    ) -> Result<Vec<(CounterKey, Counter)>, StoreError>;

    /// Saves a counter.
    fn save_counter(
        &mut self,
        key: &CounterKey,
        counter: &Counter,
        ends_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Deletes a counter.
    fn delete_counter(&mut self, key: &CounterKey) -> Result<(), StoreError>;

    /// Deletes counters by their `ends_at`.
    fn delete_expired_counters(&mut self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;

    /// Appends an event to the audit log. Its id must be greater than every earlier id, including
    /// those of deleted events: store the last number, and increment it. Otherwise, followers lose
    /// events.
    fn append_event(&mut self, event: &Event) -> Result<(), StoreError>;

    /// Returns up to `limit` events with an id greater than `after`, in the order of their ids. If
    /// `user` is given, only events about that user.
    fn events(
        &mut self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError>;

    /// Returns up to `limit` events about a user, newest id first.
    fn latest_events(&mut self, user: UserId, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Returns the events of one kind in a session.
    fn events_of_session(
        &mut self,
        session: SessionId,
        kind: &EventKind,
    ) -> Result<Vec<Event>, StoreError>;

    /// Returns the greatest id of an event.
    fn latest_event_id(&mut self) -> Result<Option<EventId>, StoreError>;

    /// Returns the latest time of an event.
    fn latest_event_at(&mut self) -> Result<Option<Timestamp>, StoreError>;

    /// Deletes the events about a user.
    fn delete_events(&mut self, user: UserId) -> Result<(), StoreError>;

    /// Deletes events by their `at`.
    fn delete_expired_events(&mut self, until: Timestamp, limit: u32) -> Result<usize, StoreError>;

    /// Returns the follower of the audit log with this name.
    fn follower(&mut self, name: &str) -> Result<Option<StoredFollower>, StoreError>;

    /// Saves a follower.
    fn save_follower(&mut self, name: &str, follower: &StoredFollower) -> Result<(), StoreError>;

    /// Returns the signing keys as they were saved. A new store has no keys, and the version 0.
    fn signing_keys(&mut self) -> Result<SigningKeySet, StoreError>;

    /// Saves all signing keys, in their order. They contain secrets.
    fn save_signing_keys(&mut self, keys: &SigningKeySet) -> Result<(), StoreError>;

    /// Returns the decoys as they were saved. A new store has [`Decoys::default`].
    fn decoys(&mut self) -> Result<Decoys, StoreError>;

    /// Saves the decoys.
    fn save_decoys(&mut self, decoys: &Decoys) -> Result<(), StoreError>;

    /// Returns the code with this purpose for an email address. The pair is the key of a code.
    fn code(
        &mut self,
        purpose: CodePurpose,
        email: &EmailHash,
    ) -> Result<Option<StoredCode>, StoreError>;

    /// Returns the code with this hash, which is unique.
    fn code_by_hash(&mut self, hash: &[u8; 32]) -> Result<Option<StoredCode>, StoreError>;

    /// Returns the code that was requested in this browser, which is unique.
    fn code_by_browser(
        &mut self,
        browser: &EmailSignInTokenHash,
    ) -> Result<Option<StoredCode>, StoreError>;

    /// Saves a code.
    fn save_code(&mut self, code: &StoredCode) -> Result<(), StoreError>;

    /// Deletes the code with this purpose for an email address.
    fn delete_code(&mut self, purpose: CodePurpose, email: &EmailHash) -> Result<(), StoreError>;

    /// Deletes the codes of an account.
    fn delete_codes(&mut self, user: UserId) -> Result<(), StoreError>;

    /// Deletes codes by their `expires_at`.
    fn delete_expired_codes(&mut self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;

    /// Returns the mail with this id.
    fn mail(&mut self, id: MailId) -> Result<Option<StoredMail>, StoreError>;

    /// Returns up to `limit` mails with an id greater than `after`, in the order of their ids.
    fn mails(&mut self, after: Option<MailId>, limit: u32) -> Result<Vec<StoredMail>, StoreError>;

    /// Returns the mails about an account.
    fn mails_about(&mut self, user: UserId) -> Result<Vec<StoredMail>, StoreError>;

    /// Returns the mails with codes of this purpose for an email address.
    fn mails_with_code(
        &mut self,
        purpose: CodePurpose,
        email: &EmailHash,
    ) -> Result<Vec<StoredMail>, StoreError>;

    /// Returns up to `limit` mails of these kinds that have not failed and whose next attempt is at
    /// `now` or earlier, in the order of the attempts and then of their ids.
    fn due_mails(
        &mut self,
        kinds: &[&str],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<StoredMail>, StoreError>;

    /// Counts up to `limit` mails that have not failed and have this network. If `network` is
    /// `None`, counts mails of all networks. Called for every mail with a code: it needs an index.
    fn count_unsent(&mut self, network: Option<&CounterKey>, limit: u32)
    -> Result<u32, StoreError>;

    /// Saves a mail.
    fn save_mail(&mut self, mail: &StoredMail) -> Result<(), StoreError>;

    /// Deletes a mail.
    fn delete_mail(&mut self, id: MailId) -> Result<(), StoreError>;

    /// Deletes mails by their `expires_at`, but failed ones only if they failed at `failed_until`
    /// or earlier.
    fn delete_expired_mails(
        &mut self,
        now: Timestamp,
        failed_until: Timestamp,
        limit: u32,
    ) -> Result<usize, StoreError>;
}
