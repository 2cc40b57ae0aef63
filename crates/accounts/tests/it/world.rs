use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::{Accounts, Settings};
use auth_core::{Clock, SystemRandom, Timestamp};
use tempfile::TempDir;
use user_store::SqliteStore;

pub(crate) const EMAIL: &str = "Ada@example.com";
pub(crate) const PASSWORD: &str = "a long walk along the sea";

/// A store, a clock that stands still, and as many servers as a test starts on them.
pub(crate) struct World {
    folder: TempDir,
    clock: Arc<StoppedClock>,
}

pub(crate) struct StoppedClock(Mutex<Timestamp>);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let start = Timestamp::from_second(1_700_000_000).unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(StoppedClock(Mutex::new(start))),
        }
    }

    pub(crate) async fn server(&self) -> Accounts {
        self.server_with(|_| ()).await
    }

    pub(crate) async fn server_with(&self, change: impl FnOnce(&mut Settings)) -> Accounts {
        let mut settings = Settings::new("https://auth.example.com");
        settings.pbkdf2_iterations = 1_000;
        change(&mut settings);
        let store = Arc::new(SqliteStore::open(&self.database()).unwrap());
        let clock: Arc<StoppedClock> = Arc::clone(&self.clock);
        Accounts::start(store, settings, clock, Arc::new(SystemRandom)).await.unwrap()
    }

    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("latchkey.db")
    }

    pub(crate) fn pass(&self, time: Duration) {
        *self.clock.0.lock().unwrap() += time;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Signs Ada up and in; answers her access token.
pub(crate) async fn signed_in(accounts: &Accounts) -> String {
    accounts.sign_up(EMAIL, PASSWORD).await.unwrap();
    sign_in(accounts).await
}

pub(crate) async fn sign_in(accounts: &Accounts) -> String {
    accounts.sign_in(EMAIL, PASSWORD).await.unwrap().token.as_str().to_owned()
}
