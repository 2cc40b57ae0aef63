use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Caller, ClientInfo, Clock, Config, IssuedTokens, Origin, SignedIn};
use auth_core::{ManualClock, SystemRandom, Timestamp};
use tempfile::TempDir;
use user_store::SqliteStore;

pub(crate) const SERVICE: &str = "https://auth.example.com";
pub(crate) const EMAIL: &str = "Ada@example.com";
pub(crate) const PASSWORD: &str = "a long walk along the sea";

/// A store, a clock that stands still, and as many servers as a test starts on them.
pub(crate) struct World {
    folder: TempDir,
    clock: Arc<ManualClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: Arc::default() }
    }

    pub(crate) async fn server(&self) -> Accounts {
        self.server_with(|_| ()).await
    }

    pub(crate) async fn server_with(&self, change: impl FnOnce(&mut Config)) -> Accounts {
        self.server_at(Arc::<ManualClock>::clone(&self.clock), change).await
    }

    pub(crate) async fn server_at(
        &self,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut Config),
    ) -> Accounts {
        let mut settings = Config::new(Origin::parse(SERVICE).unwrap());
        settings.pbkdf2_iterations = 1_000;
        change(&mut settings);
        let store = Arc::new(SqliteStore::open(&self.database()).unwrap());
        Accounts::start(store, settings, clock, Arc::new(SystemRandom)).await.unwrap()
    }

    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("latchkey.db")
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(crate) fn go_back(&self, time: Duration) {
        self.clock.go_back(time);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Signs Ada up and in; answers her access token.
pub(crate) async fn signed_in(accounts: &Accounts) -> String {
    accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    sign_in(accounts).await
}

pub(crate) async fn sign_in(accounts: &Accounts) -> String {
    access(&issue(accounts, false).await)
}

/// Signs Ada in; answers all that is issued.
pub(crate) async fn issue(accounts: &Accounts, remember: bool) -> IssuedTokens {
    let client = ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0"));
    accounts.sign_in(EMAIL, PASSWORD, remember, &client.into(), None).await.unwrap()
}

pub(crate) fn access(issued: &IssuedTokens) -> String {
    issued.access.token.as_str().to_owned()
}

/// Signs Ada in; answers the proof of it.
pub(crate) async fn recognised(accounts: &Accounts) -> SignedIn {
    accounts.authenticate(&sign_in(accounts).await).await.unwrap()
}

/// Renews a session with the refresh token that was issued last.
pub(crate) async fn refresh(
    accounts: &Accounts,
    issued: &IssuedTokens,
) -> Result<IssuedTokens, accounts::RefreshError> {
    accounts.refresh(&issued.refresh.token, &ClientInfo::default()).await
}
