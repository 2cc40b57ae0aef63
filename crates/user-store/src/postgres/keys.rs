use async_trait::async_trait;
use auth_core::{SigningKey, SigningKeySeed, Timestamp};

use crate::error::StoreError;
use crate::keys::{KeyStore, RetireKeyOutcome, SigningKeySet, StoredSigningKey};
use crate::postgres::database::Plan;
use crate::postgres::query::Reply;
use crate::postgres::statements::{audit, keys};
use crate::postgres::store::PostgresStore;
use crate::rules::{self, Decision};

#[async_trait]
impl KeyStore for PostgresStore {
    async fn signing_keys(&self) -> Result<SigningKeySet, StoreError> {
        let reply = self.database.read(vec![keys::set()]).await?;
        Ok(keys::read_set(reply.rows(0))?)
    }

    async fn ensure_signing_key(
        &self,
        candidate: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Read first, so that a server that starts on a store with keys waits for no lock.
        let database = self.database.one_call();
        let found = database.read(vec![keys::set()]).await?;
        if !keys::read_set(found.rows(0))?.keys.is_empty() {
            return Ok(());
        }
        let seed = candidate.clone();
        let first = StoredSigningKey { seed, created_at: now, signs_from: now };
        let decide = move |reply: &Reply| {
            if !keys::read_set(reply.rows(1))?.keys.is_empty() {
                return Ok(Plan::unchanged(()));
            }
            let writes = vec![keys::insert(&first), keys::increment_version()];
            Ok(Plan { writes, outcome: () })
        };
        Ok(database.write(vec![keys::lock_set(), keys::set()], decide).await?)
    }

    async fn add_signing_key(
        &self,
        key: &SigningKey,
        signs_from: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seed = key.seed().clone();
        let event = rules::keys::key_added(key.kid(), now);
        let key = StoredSigningKey { seed, created_at: now, signs_from };
        let decide = move |_: &Reply| {
            let (key, version) = (keys::insert(&key), keys::increment_version());
            Ok(Plan { writes: vec![key, version, audit::insert(&event)], outcome: () })
        };
        Ok(self.database.write(vec![keys::lock_set()], decide).await?)
    }

    async fn retire_signing_key(
        &self,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<RetireKeyOutcome, StoreError> {
        let seed = key.seed().clone();
        let event = rules::keys::key_retired(key.kid(), now);
        let decide = move |reply: &Reply| {
            let set = keys::read_set(reply.rows(1))?;
            let activated = match rules::keys::retire_signing_key(&set, &seed, now) {
                Decision::Write(activated) => activated,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let mut writes = vec![keys::delete(&seed)];
            writes.extend(activated.as_ref().map(|next| keys::set_signs_from(next, now)));
            writes.extend([keys::increment_version(), audit::insert(&event)]);
            let outcome = match activated {
                Some(next) => RetireKeyOutcome::RetiredAndActivated(next),
                None => RetireKeyOutcome::Retired,
            };
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(vec![keys::lock_set(), keys::set()], decide).await?)
    }
}
