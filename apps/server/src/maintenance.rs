use std::sync::Arc;
use std::time::Duration;

use accounts::Accounts;

use crate::with_causes;

/// How many sessions that are over are removed at a time: few enough that no request waits
/// for it to be noticed.
const BATCH: u32 = 100;
/// How often what is over is looked for.
const INTERVAL: Duration = Duration::from_mins(1);
/// The pause between two batches, in which requests have the store to themselves.
const PAUSE: Duration = Duration::from_millis(100);

/// Removes what is over, for as long as the server runs. Several servers on one store do it
/// beside each other.
pub(crate) async fn run(accounts: Arc<Accounts>) {
    loop {
        sweep(&accounts).await;
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn sweep(accounts: &Accounts) {
    let mut total = 0;
    loop {
        match accounts.remove_ended(BATCH).await {
            Ok(removed) => {
                total += removed;
                if removed < BATCH as usize {
                    break;
                }
            }
            Err(error) => {
                let error = with_causes(&error);
                tracing::warn!(error, "sessions that are over could not be removed yet");
                break;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    if total > 0 {
        tracing::info!(removed = total, "removed sessions that were over");
    }
}

#[cfg(test)]
mod tests {
    use accounts::{Caller, Settings};
    use auth_core::{ManualClock, SystemRandom};
    use user_store::SqliteStore;

    use super::*;

    const EMAIL: &str = "ada@example.com";
    const PASSWORD: &str = "a long walk along the sea";

    /// Time is paused: it moves on by itself as nothing else can happen.
    #[tokio::test(start_paused = true)]
    async fn what_is_over_is_removed_again_and_again() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::<ManualClock>::default();
        let settings = Settings { pbkdf2_iterations: 1_000, ..Settings::new("http://localhost") };
        let store = Arc::new(SqliteStore::open(&folder.path().join("latchkey.db")).unwrap());
        let random = Arc::new(SystemRandom);
        let time = Arc::<ManualClock>::clone(&clock);
        let accounts = Arc::new(Accounts::start(store, settings, time, random).await.unwrap());
        accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
        let sign_in = async || {
            accounts
                .sign_in(EMAIL, PASSWORD, false, &Caller::default(), None)
                .await
                .unwrap()
                .access
                .token
        };
        let running = tokio::spawn(run(Arc::clone(&accounts)));
        for _ in 0..2 {
            for _ in 0..120 {
                sign_in().await;
            }
            clock.advance(Duration::from_mins(30));
            let ada = accounts.authenticate(sign_in().await.as_str()).await.unwrap();
            tokio::time::sleep(2 * INTERVAL).await;
            assert_eq!(accounts.export(&ada).await.unwrap().sessions.len(), 1);
        }
        running.abort();
    }
}
