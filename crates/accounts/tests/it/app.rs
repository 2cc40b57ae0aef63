use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use accounts::{
    Accounts, AuthenticateError, Builder, Caller, ClientInfo, Clock, Config, IssuedTokens, Origin,
    RefreshError, SignIn, SignedIn, Timestamp, User,
};
use auth_core::ManualClock;
use tempfile::TempDir;
use user_store::{SqliteStore, Store};

pub(crate) const SERVICE: &str = "https://auth.example.com";
pub(crate) const EMAIL: &str = "Ada@example.com";
pub(crate) const PASSWORD: &str = "a long walk along the sea";
pub(crate) const NEW_PASSWORD: &str = "a short swim in the river";

/// A server with its own store and a manual clock. Other servers can be started on the same store.
pub(crate) struct TestApp {
    server: Arc<Accounts>,
    clock: Arc<ManualClock>,
    folder: TempDir,
}

/// A user who is signed in.
pub(crate) struct TestUser {
    pub(crate) tokens: IssuedTokens,
    signed_in: SignedIn,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with_config(|_| ()).await
    }

    pub(crate) async fn with_config(change: impl FnOnce(&mut Config)) -> Self {
        Self::start(None, change).await
    }

    pub(crate) async fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self::start(Some(clock), |_| ()).await
    }

    async fn start(clock: Option<Arc<dyn Clock>>, change: impl FnOnce(&mut Config)) -> Self {
        let (folder, manual) = (tempfile::tempdir().unwrap(), Arc::<ManualClock>::default());
        let clock = clock.unwrap_or_else(|| Arc::<ManualClock>::clone(&manual));
        let server = server(&folder, clock, change).await;
        Self { server, clock: manual, folder }
    }

    /// Starts another server on the same store.
    pub(crate) async fn another_server(&self) -> Arc<Accounts> {
        self.another_server_with(|_| ()).await
    }

    pub(crate) async fn another_server_with(
        &self,
        change: impl FnOnce(&mut Config),
    ) -> Arc<Accounts> {
        server(&self.folder, Arc::<ManualClock>::clone(&self.clock), change).await
    }

    /// Starts a service as the command line does: it adds notices to the outbox, but sends none.
    pub(crate) async fn command(&self) -> Arc<Accounts> {
        let clock = Arc::<ManualClock>::clone(&self.clock);
        let builder = builder(&self.folder, clock, |_| ()).notices_without_transport();
        builder.build().await.unwrap()
    }

    /// Stops the server and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.server = self.another_server().await;
    }

    /// Creates Ada's account.
    pub(crate) async fn account(&self) -> User {
        self.server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap()
    }

    /// Creates Ada's account and signs her in.
    pub(crate) async fn user(&self) -> TestUser {
        self.account().await;
        self.session().await
    }

    /// Creates an account with this email address and signs its user in.
    pub(crate) async fn user_with_email(&self, email: &str) -> TestUser {
        self.server.sign_up(email, PASSWORD, &Caller::default()).await.unwrap();
        let caller = Caller::default();
        let tokens = self
            .server
            .sign_in(SignIn::new(email, PASSWORD, &caller))
            .await
            .unwrap()
            .into_tokens()
            .unwrap();
        TestUser::new(self, tokens).await
    }

    /// Signs Ada in again, in another session.
    pub(crate) async fn session(&self) -> TestUser {
        session_on(self).await
    }

    /// Signs Ada in again, in another session that survives closing the browser.
    pub(crate) async fn remembered_session(&self) -> TestUser {
        TestUser::new(self, issue(self, true).await).await
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("latchkey.db")
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(crate) fn go_back(&self, time: Duration) {
        self.clock.go_back(time);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Deref for TestApp {
    type Target = Accounts;

    fn deref(&self) -> &Accounts {
        &self.server
    }
}

impl TestUser {
    pub(crate) async fn new(server: &Accounts, tokens: IssuedTokens) -> Self {
        let signed_in = authenticate(server, &tokens).await.unwrap();
        Self { tokens, signed_in }
    }
}

impl Deref for TestUser {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

async fn server(
    folder: &TempDir,
    clock: Arc<dyn Clock>,
    change: impl FnOnce(&mut Config),
) -> Arc<Accounts> {
    builder(folder, clock, change).build().await.unwrap()
}

pub(crate) fn builder(
    folder: &TempDir,
    clock: Arc<dyn Clock>,
    change: impl FnOnce(&mut Config),
) -> Builder {
    let mut config = Config::new(Origin::parse(SERVICE).unwrap());
    config.pbkdf2_iterations = 1_000;
    change(&mut config);
    Accounts::builder()
        .config(config)
        .store(open_store(folder))
        .with_long_timeouts()
        .clock(clock)
        .accept_weaknesses()
        .without_maintenance()
}

/// Opens the store in this folder.
pub(crate) fn open_store(folder: &TempDir) -> Arc<dyn Store> {
    let path = folder.path().join("latchkey.db");
    Arc::new(SqliteStore::open_with_long_timeouts(&path).unwrap())
}

/// Signs Ada in.
pub(crate) async fn session_on(server: &Accounts) -> TestUser {
    TestUser::new(server, issue(server, false).await).await
}

/// Signs Ada in and returns the tokens.
pub(crate) async fn issue(server: &Accounts, remember: bool) -> IssuedTokens {
    let client = ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0"));
    let caller = Caller::from(client);
    let request = SignIn { remember, ..SignIn::new(EMAIL, PASSWORD, &caller) };
    server.sign_in(request).await.unwrap().into_tokens().unwrap()
}

pub(crate) async fn authenticate(
    server: &Accounts,
    tokens: &IssuedTokens,
) -> Result<SignedIn, AuthenticateError> {
    server.authenticate(tokens.access.token.as_str()).await
}

/// Returns whether the access token is rejected as invalid.
pub(crate) async fn is_rejected(server: &Accounts, tokens: &IssuedTokens) -> bool {
    matches!(authenticate(server, tokens).await, Err(AuthenticateError::InvalidToken))
}

pub(crate) async fn refresh(
    server: &Accounts,
    tokens: &IssuedTokens,
) -> Result<IssuedTokens, RefreshError> {
    server.refresh(&tokens.refresh.token, &ClientInfo::default()).await
}
