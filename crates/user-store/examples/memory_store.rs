//! A store in memory. The test `examples` runs the conformance tests on it.
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use user_store::auth_core::{
    Counter, CounterKey, CredentialId, EmailHash, EmailKey, EmailSignInTokenHash, FamilyHash,
    MailId, PasskeyId, SessionId, SingleUseId, Timestamp, UserId,
};
use user_store::rows::{
    Account, Decoys, InsertOutcome, RowStore, Rows, StoredCode, StoredFollower, StoredMail,
    StoredSession, Transactions, Work,
};
use user_store::{
    CodePurpose, Event, EventId, EventKind, KeySetVersion, Metadata, Passkey, SigningKeySet, Store,
    StoreError, async_trait,
};

/// Returns an empty store, for the builder of `accounts` or `api`: `.store(memory_store())`.
#[must_use]
pub fn memory_store() -> Arc<dyn Store> {
    Arc::new(RowStore::new(Memory::default()))
}

/// A database in memory. Clones share it.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Tables>>);

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        // A transaction that panics changes nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transactions for Memory {
    async fn read(&self, work: Work) -> Result<(), StoreError> {
        work(&mut *self.lock())
    }

    async fn write(&self, work: Work) -> Result<(), StoreError> {
        let mut committed = self.lock();
        let mut changed = committed.clone();
        work(&mut changed)?;
        *committed = changed;
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Tables {
    accounts: BTreeMap<UserId, Account>,
    metadata: BTreeMap<UserId, Metadata>,
    sessions: BTreeMap<SessionId, StoredSession>,
    passkeys: BTreeMap<PasskeyId, Passkey>,
    used_ids: BTreeMap<[u8; 16], Timestamp>,
    counters: BTreeMap<CounterKey, (Counter, Timestamp)>,
    events: BTreeMap<i64, Event>,
    /// The id of the last event, even if that event has been deleted: ids are not reused.
    last_event: i64,
    followers: BTreeMap<String, StoredFollower>,
    keys: Option<SigningKeySet>,
    decoys: Decoys,
    codes: BTreeMap<[u8; 32], StoredCode>,
    mails: BTreeMap<MailId, StoredMail>,
}

type Result<T, E = StoreError> = std::result::Result<T, E>;

impl Rows for Tables {
    fn account(&mut self, id: UserId) -> Result<Option<Account>> {
        Ok(self.accounts.get(&id).cloned())
    }

    fn account_by_email(&mut self, email: &EmailKey) -> Result<Option<Account>> {
        Ok(find(&self.accounts, |account| account.user.email.key() == email))
    }

    fn accounts(&mut self, after: Option<UserId>, limit: u32) -> Result<Vec<Account>> {
        let page = self.accounts.iter().filter(|(id, _)| Some(**id) > after);
        Ok(page.take(count(limit)).map(|(_, account)| account.clone()).collect())
    }

    fn count_accounts(&mut self) -> Result<u32> {
        Ok(u32::try_from(self.accounts.len()).unwrap_or(u32::MAX))
    }

    fn insert_account(&mut self, account: &Account) -> Result<InsertOutcome> {
        if self.account_by_email(account.user.email.key())?.is_some() {
            return Ok(InsertOutcome::EmailTaken);
        }
        self.accounts.insert(account.user.id, account.clone());
        Ok(InsertOutcome::Inserted)
    }

    fn save_account(&mut self, account: &Account) -> Result<()> {
        self.accounts.insert(account.user.id, account.clone());
        Ok(())
    }

    fn delete_account(&mut self, id: UserId) -> Result<()> {
        self.accounts.remove(&id);
        Ok(())
    }

    fn expired_pending_totp(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Account>> {
        let is_expired = |account: &Account| {
            account.pending_totp.as_ref().is_some_and(|pending| pending.expires_at <= now)
        };
        let mut expired = find_all(&self.accounts, is_expired);
        expired.truncate(count(limit));
        Ok(expired)
    }

    fn metadata(&mut self, user: UserId) -> Result<Metadata> {
        Ok(self.metadata.get(&user).cloned().unwrap_or_default())
    }

    fn save_metadata(&mut self, user: UserId, metadata: &Metadata) -> Result<()> {
        self.metadata.insert(user, metadata.clone());
        self.metadata.retain(|_, metadata| *metadata != Metadata::default());
        Ok(())
    }

    fn session(&mut self, id: SessionId) -> Result<Option<StoredSession>> {
        Ok(self.sessions.get(&id).cloned())
    }

    fn session_by_family(&mut self, family: &FamilyHash) -> Result<Option<StoredSession>> {
        Ok(find(&self.sessions, |session| session.family == *family))
    }

    fn sessions(&mut self, user: UserId) -> Result<Vec<StoredSession>> {
        Ok(find_all(&self.sessions, |session| session.session.user_id == user))
    }

    fn save_session(&mut self, session: &StoredSession) -> Result<()> {
        self.sessions.insert(session.session.id, session.clone());
        Ok(())
    }

    fn delete_session(&mut self, id: SessionId) -> Result<()> {
        self.sessions.remove(&id);
        Ok(())
    }

    fn delete_expired_sessions(&mut self, now: Timestamp, limit: u32) -> Result<usize> {
        let time = |session: &StoredSession| Some(session.session.idle_expires_at);
        Ok(delete_expired(&mut self.sessions, now, limit, time))
    }

    fn passkey(&mut self, id: PasskeyId) -> Result<Option<Passkey>> {
        Ok(self.passkeys.get(&id).cloned())
    }

    fn passkey_by_credential(&mut self, credential: &CredentialId) -> Result<Option<Passkey>> {
        Ok(find(&self.passkeys, |passkey| passkey.credential_id == *credential))
    }

    fn passkeys(&mut self, user: UserId) -> Result<Vec<Passkey>> {
        Ok(find_all(&self.passkeys, |passkey| passkey.user == user))
    }

    fn save_passkey(&mut self, passkey: &Passkey) -> Result<()> {
        self.passkeys.insert(passkey.id, passkey.clone());
        Ok(())
    }

    fn delete_passkey(&mut self, id: PasskeyId) -> Result<()> {
        self.passkeys.remove(&id);
        Ok(())
    }

    fn is_used(&mut self, id: SingleUseId) -> Result<bool> {
        Ok(self.used_ids.contains_key(id.as_bytes()))
    }

    fn save_used_id(&mut self, id: SingleUseId, expires_at: Timestamp) -> Result<()> {
        self.used_ids.insert(*id.as_bytes(), expires_at);
        Ok(())
    }

    fn delete_expired_used_ids(&mut self, now: Timestamp, limit: u32) -> Result<usize> {
        Ok(delete_expired(&mut self.used_ids, now, limit, |expires_at| Some(*expires_at)))
    }

    fn counter(&mut self, key: &CounterKey) -> Result<Option<Counter>> {
        Ok(self.counters.get(key).map(|(counter, _)| counter.clone()))
    }

    fn counters(&mut self, keys: RangeInclusive<CounterKey>) -> Result<Vec<(CounterKey, Counter)>> {
        let found = self.counters.range(keys);
        Ok(found.map(|(key, (counter, _))| (*key, counter.clone())).collect())
    }

    fn save_counter(&mut self, key: &CounterKey, counter: &Counter, ends: Timestamp) -> Result<()> {
        self.counters.insert(*key, (counter.clone(), ends));
        Ok(())
    }

    fn delete_counter(&mut self, key: &CounterKey) -> Result<()> {
        self.counters.remove(key);
        Ok(())
    }

    fn delete_expired_counters(&mut self, now: Timestamp, limit: u32) -> Result<usize> {
        Ok(delete_expired(&mut self.counters, now, limit, |(_, ends)| Some(*ends)))
    }

    fn append_event(&mut self, event: &Event) -> Result<()> {
        self.last_event += 1;
        self.events.insert(self.last_event, event.clone());
        Ok(())
    }

    fn events(
        &mut self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>> {
        let after = after.map_or(0, EventId::number);
        let is_listed = |event: &Event| user.is_none() || event.user == user;
        let page = self.events.iter().filter(|(id, event)| **id > after && is_listed(event));
        let listed = page.map(|(id, event)| (EventId::from_number(*id), event.clone()));
        Ok(listed.take(count(limit)).collect())
    }

    fn latest_events(&mut self, user: UserId, limit: u32) -> Result<Vec<Event>> {
        let of_user = self.events.values().rev().filter(|event| event.user == Some(user));
        Ok(of_user.take(count(limit)).cloned().collect())
    }

    fn events_of_session(&mut self, session: SessionId, kind: &EventKind) -> Result<Vec<Event>> {
        let is_listed = |event: &Event| event.session == Some(session) && event.kind == *kind;
        Ok(find_all(&self.events, is_listed))
    }

    fn latest_event_id(&mut self) -> Result<Option<EventId>> {
        Ok(self.events.keys().next_back().map(|id| EventId::from_number(*id)))
    }

    fn latest_event_at(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.events.values().map(|event| event.at).max())
    }

    fn delete_events(&mut self, user: UserId) -> Result<()> {
        self.events.retain(|_, event| event.user != Some(user));
        Ok(())
    }

    fn delete_expired_events(&mut self, until: Timestamp, limit: u32) -> Result<usize> {
        Ok(delete_expired(&mut self.events, until, limit, |event| Some(event.at)))
    }

    fn follower(&mut self, name: &str) -> Result<Option<StoredFollower>> {
        Ok(self.followers.get(name).copied())
    }

    fn save_follower(&mut self, name: &str, follower: &StoredFollower) -> Result<()> {
        self.followers.insert(name.to_owned(), *follower);
        Ok(())
    }

    fn signing_keys(&mut self) -> Result<SigningKeySet> {
        let none = SigningKeySet { version: KeySetVersion::from_number(0), keys: Vec::new() };
        Ok(self.keys.clone().unwrap_or(none))
    }

    fn save_signing_keys(&mut self, keys: &SigningKeySet) -> Result<()> {
        self.keys = Some(keys.clone());
        Ok(())
    }

    fn decoys(&mut self) -> Result<Decoys> {
        Ok(self.decoys.clone())
    }

    fn save_decoys(&mut self, decoys: &Decoys) -> Result<()> {
        self.decoys = decoys.clone();
        Ok(())
    }

    fn code(&mut self, purpose: CodePurpose, email: &EmailHash) -> Result<Option<StoredCode>> {
        Ok(find(&self.codes, |code| (code.purpose, &code.email_hash) == (purpose, email)))
    }

    fn code_by_hash(&mut self, hash: &[u8; 32]) -> Result<Option<StoredCode>> {
        Ok(self.codes.get(hash).cloned())
    }

    fn code_by_browser(&mut self, browser: &EmailSignInTokenHash) -> Result<Option<StoredCode>> {
        Ok(find(&self.codes, |code| code.browser.as_ref() == Some(browser)))
    }

    fn save_code(&mut self, code: &StoredCode) -> Result<()> {
        self.delete_code(code.purpose, &code.email_hash)?;
        self.codes.insert(code.hash, code.clone());
        Ok(())
    }

    fn delete_code(&mut self, purpose: CodePurpose, email: &EmailHash) -> Result<()> {
        self.codes.retain(|_, code| (code.purpose, &code.email_hash) != (purpose, email));
        Ok(())
    }

    fn delete_codes(&mut self, user: UserId) -> Result<()> {
        self.codes.retain(|_, code| code.user != Some(user));
        Ok(())
    }

    fn delete_expired_codes(&mut self, now: Timestamp, limit: u32) -> Result<usize> {
        Ok(delete_expired(&mut self.codes, now, limit, |code| Some(code.expires_at)))
    }

    fn mail(&mut self, id: MailId) -> Result<Option<StoredMail>> {
        Ok(self.mails.get(&id).cloned())
    }

    fn mails(&mut self, after: Option<MailId>, limit: u32) -> Result<Vec<StoredMail>> {
        let page = self.mails.iter().filter(|(id, _)| Some(**id) > after);
        Ok(page.take(count(limit)).map(|(_, mail)| mail.clone()).collect())
    }

    fn mails_about(&mut self, user: UserId) -> Result<Vec<StoredMail>> {
        Ok(find_all(&self.mails, |mail| mail.user == Some(user)))
    }

    fn mails_with_code(
        &mut self,
        purpose: CodePurpose,
        email: &EmailHash,
    ) -> Result<Vec<StoredMail>> {
        Ok(find_all(&self.mails, |mail| mail.code == Some((purpose, *email))))
    }

    fn due_mails(&mut self, kinds: &[&str], now: Timestamp, limit: u32) -> Result<Vec<StoredMail>> {
        let is_due = |mail: &StoredMail| {
            mail.failed_at.is_none() && mail.next_attempt_at <= now && kinds.contains(&&*mail.kind)
        };
        let mut due = find_all(&self.mails, is_due);
        due.sort_by_key(|mail| (mail.next_attempt_at, mail.id));
        due.truncate(count(limit));
        Ok(due)
    }

    fn count_unsent(&mut self, network: Option<&CounterKey>, limit: u32) -> Result<u32> {
        let is_counted = |mail: &&StoredMail| match (&mail.network, network) {
            (Some(of_mail), Some(network)) => of_mail == network && mail.failed_at.is_none(),
            (of_mail, None) => of_mail.is_some() && mail.failed_at.is_none(),
            (None, Some(_)) => false,
        };
        let counted = self.mails.values().filter(is_counted).take(count(limit)).count();
        Ok(u32::try_from(counted).unwrap_or(limit))
    }

    fn save_mail(&mut self, mail: &StoredMail) -> Result<()> {
        self.mails.insert(mail.id, mail.clone());
        Ok(())
    }

    fn delete_mail(&mut self, id: MailId) -> Result<()> {
        self.mails.remove(&id);
        Ok(())
    }

    fn delete_expired_mails(
        &mut self,
        now: Timestamp,
        failed_until: Timestamp,
        limit: u32,
    ) -> Result<usize> {
        let time = |mail: &StoredMail| {
            let is_listed = mail.failed_at.is_some_and(|failed_at| failed_at > failed_until);
            if is_listed { None } else { Some(mail.expires_at) }
        };
        Ok(delete_expired(&mut self.mails, now, limit, time))
    }
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Returns the row that meets a condition.
fn find<K, V: Clone>(rows: &BTreeMap<K, V>, condition: impl Fn(&V) -> bool) -> Option<V> {
    rows.values().find(|row| condition(row)).cloned()
}

/// Returns all rows that meet a condition, in the order of their keys.
fn find_all<K, V: Clone>(rows: &BTreeMap<K, V>, condition: impl Fn(&V) -> bool) -> Vec<V> {
    rows.values().filter(|row| condition(row)).cloned().collect()
}

/// Deletes up to `limit` rows whose time is `until` or earlier. A row without a time stays.
fn delete_expired<K: Clone + Ord, V>(
    rows: &mut BTreeMap<K, V>,
    until: Timestamp,
    limit: u32,
    time: impl Fn(&V) -> Option<Timestamp>,
) -> usize {
    let with_time = rows.iter().filter_map(|(key, row)| Some((time(row)?, key.clone())));
    let mut expired: Vec<_> = with_time.filter(|(time, _)| *time <= until).collect();
    expired.sort();
    expired.truncate(count(limit));
    for (_, key) in &expired {
        rows.remove(key);
    }
    expired.len()
}
