use std::sync::Weak;
use std::time::Duration;

use user_store::Purged;

use crate::{Accounts, error_chain};

/// How much of what is over is removed at a time, of each kind: so little that no request waits
/// long enough for anybody to notice.
const BATCH: u32 = 100;
/// How often what is over is looked for.
const INTERVAL: Duration = Duration::from_mins(1);
/// The pause between two batches, in which requests have the store to themselves.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the queue for hashes is looked at.
const QUEUE_INTERVAL: Duration = Duration::from_secs(5);

/// How often they are read again: in time though the store takes seconds to answer.
const KEYS_INTERVAL: Duration = Duration::from_secs(5);

impl Accounts {
    /// How long a signing key that was retired goes on verifying at most.
    pub const MAX_KEY_STALENESS: Duration = Duration::from_secs(10);

    /// Removes what is over and takes up the signing keys that others have changed, for as long
    /// as there are `accounts`. Several servers on one store do it beside each other. Those of
    /// a [builder](Self::builder) are looked after already.
    pub async fn run_maintenance(accounts: Weak<Self>) {
        tokio::join!(
            sweep_again_and_again(&accounts),
            reread_keys_again_and_again(&accounts),
            tell_of_the_queue(&accounts),
        );
    }
}

/// An operator should see a flood of log-ins before it makes the server turn anybody away.
async fn tell_of_the_queue(accounts: &Weak<Accounts>) {
    loop {
        tokio::time::sleep(QUEUE_INTERVAL).await;
        let Some(accounts) = accounts.upgrade() else { return };
        let waiting = accounts.queued_passwords();
        if waiting > 0 {
            tracing::info!(waiting, "passwords are waiting to be hashed");
        }
    }
}

async fn sweep_again_and_again(accounts: &Weak<Accounts>) {
    while let Some(accounts) = accounts.upgrade() {
        sweep(&accounts).await;
        drop(accounts);
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn reread_keys_again_and_again(accounts: &Weak<Accounts>) {
    let mut answered = true;
    loop {
        tokio::time::sleep(KEYS_INTERVAL).await;
        let Some(accounts) = accounts.upgrade() else { return };
        let read = accounts.reload_keys().await;
        if let (Err(error), true) = (&read, answered) {
            let error = error_chain(error);
            tracing::warn!(error, "the signing keys could not be read: those held go on serving");
        }
        answered = read.is_ok();
    }
}

async fn sweep(accounts: &Accounts) {
    let mut all = Purged::default();
    loop {
        match accounts.purge_expired(BATCH).await {
            Ok(removed) => {
                all.sessions += removed.sessions;
                all.counters += removed.counters;
                all.events += removed.events;
                if removed.max_count() < BATCH as usize {
                    break;
                }
            }
            Err(error) => {
                let error = error_chain(&error);
                tracing::warn!(error, "what is over could not be removed yet");
                break;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    if all.max_count() > 0 {
        let Purged { sessions, counters, events } = all;
        tracing::info!(sessions, counters, events, "removed what was over");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auth_core::{AccessToken, ManualClock, SystemRandom};
    use tempfile::TempDir;
    use user_store::SqliteStore;

    use super::*;
    use crate::{Caller, Config, Origin};

    const EMAIL: &str = "ada@example.com";
    const PASSWORD: &str = "a long walk along the sea";

    async fn accounts(folder: &TempDir) -> Arc<Accounts> {
        accounts_at(folder, Arc::default()).await
    }

    async fn accounts_at(folder: &TempDir, clock: Arc<ManualClock>) -> Arc<Accounts> {
        let settings = Config { pbkdf2_iterations: 1_000, ..Config::new(Origin::localhost(80)) };
        let store = Arc::new(SqliteStore::open(&folder.path().join("latchkey.db")).unwrap());
        let random = Arc::new(SystemRandom);
        Arc::new(Accounts::start(store, settings, clock, random).await.unwrap())
    }

    async fn sign_in(accounts: &Accounts) -> AccessToken {
        let nobody = Caller::default();
        accounts.sign_in(EMAIL, PASSWORD, false, &nobody, None).await.unwrap().access.token
    }

    /// Time is paused: it moves on by itself as nothing else can happen.
    #[tokio::test(start_paused = true)]
    async fn what_is_over_is_removed_again_and_again() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::<ManualClock>::default();
        let accounts = accounts_at(&folder, Arc::<ManualClock>::clone(&clock)).await;
        accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
        let running = tokio::spawn(Accounts::run_maintenance(Arc::downgrade(&accounts)));
        for _ in 0..2 {
            for _ in 0..120 {
                sign_in(&accounts).await;
            }
            clock.advance(Duration::from_mins(30));
            let ada = accounts.authenticate(sign_in(&accounts).await.as_str()).await.unwrap();
            tokio::time::sleep(2 * INTERVAL).await;
            assert_eq!(accounts.export(&ada).await.unwrap().sessions.len(), 1);
        }
        running.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_was_retired_is_refused_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let (server, operator) = (accounts(&folder).await, accounts(&folder).await);
        server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
        let token = sign_in(&server).await;
        let running = tokio::spawn(Accounts::run_maintenance(Arc::downgrade(&server)));
        let first = operator.operator().keys().await.unwrap().remove(0).kid;
        operator.operator().rotate_keys().await.unwrap();
        operator.operator().retire_key(&first).await.unwrap();
        server.authenticate(token.as_str()).await.unwrap();
        tokio::time::sleep(Accounts::MAX_KEY_STALENESS).await;
        assert!(server.authenticate(token.as_str()).await.is_err());
        running.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_looks_after_accounts_that_are_gone() {
        let folder = tempfile::tempdir().unwrap();
        let accounts = accounts(&folder).await;
        let running = tokio::spawn(Accounts::run_maintenance(Arc::downgrade(&accounts)));
        tokio::time::sleep(2 * INTERVAL).await;
        drop(accounts);
        running.await.unwrap();
    }
}
