use std::fmt;
use std::marker::PhantomData;
#[cfg(feature = "sqlite")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Clock, PasswordHasher, PasswordPolicy, Random, SessionPolicy, SystemClock, SystemRandom,
};
use user_store::UserStore;
#[cfg(feature = "sqlite")]
use user_store::{OpenError, SqliteStore};

use crate::hooks::Hooks;
use crate::{AccountEvent, Accounts, Config, InvalidOrigin, Origin, StartError};

/// Takes up accounts for an app: [`Accounts::builder`] says how.
///
/// A store and the public URL have to be given. All else has a default that is safe, and
/// nothing is taken that is not: [`build`](Self::build) says what is wrong with it.
#[must_use = "nothing is there before `build` is called and awaited"]
pub struct Builder<T = Arc<Accounts>> {
    store: Option<Store>,
    public_url: Option<String>,
    access_token_lifetime: Duration,
    sessions: SessionPolicy,
    password_min_length: u8,
    pbkdf2_iterations: u32,
    weakest: u32,
    hooks: Hooks,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    builds: PhantomData<fn() -> T>,
}

enum Store {
    Open(Arc<dyn UserStore>),
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
}

/// Why nothing was built. Each message says how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No store was given.
    #[error("there is no store: call `sqlite(PATH)` or `store(STORE)`")]
    NoStore,
    /// No public URL was given.
    #[error("there is no public URL: call `public_url(\"https://app.example\")`")]
    NoPublicUrl,
    /// The public URL is no origin.
    #[error("the public URL {url:?} cannot be used: {reason}")]
    PublicUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        #[source]
        reason: InvalidOrigin,
    },
    /// Passwords and tokens would be sent in plain text over a network.
    #[error(
        "the public URL {0} is not safe: give one of https (or of http://localhost, to develop)"
    )]
    PlainHttp(Origin),
    /// Access tokens would be valid for too long, or never.
    #[error("access tokens are valid for 1 second to 1 hour")]
    AccessTokenLifetime,
    /// Sessions would outlast what a browser keeps.
    #[error("sessions last 400 days at most")]
    Sessions,
    /// Passwords would be too short.
    #[error("the least length of a password is 8 to 64")]
    PasswordMinLength,
    /// Passwords would be hashed too cheaply.
    #[error("the number of PBKDF2 iterations is 600,000 to 10,000,000")]
    Iterations,
    /// The database cannot be used.
    #[cfg(feature = "sqlite")]
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The accounts in it cannot be taken up.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// The longest that an access token is valid: for so long, a service that only checks tokens
/// does not see that somebody has logged out.
const LONGEST_ACCESS_TOKEN: Duration = Duration::from_hours(1);

/// The longest that a session lasts: browsers keep no cookie for longer (RFC 6265bis, 5.5).
const LONGEST_SESSION: Duration = Duration::from_hours(400 * 24);

impl Accounts {
    /// Takes up accounts in a few lines. The database is made if it is absent, and brought up to
    /// date; signing keys are made at the first start; what is over is removed in the background.
    ///
    /// ```
    /// use accounts::{AccountEvent, Accounts, Caller};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.db");
    /// let accounts = Accounts::builder()
    ///     .sqlite(&path)
    ///     .public_url("https://app.example")
    ///     .on_event(|event| {
    ///         if let AccountEvent::SignedUp { user, .. } = event {
    ///             println!("welcome, {}", user.email.as_str());
    ///         }
    ///     })
    ///     .build()
    ///     .await?;
    /// accounts.sign_up("ada@example.com", "a long walk along the sea", &Caller::default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The public origin of the service: the issuer and the audience of its access tokens.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.settings.origin
    }
}

impl<T> Builder<T> {
    /// One that builds something around accounts. (Where the accounts themselves are wanted,
    /// that is [`Accounts::builder`].)
    pub fn new() -> Self {
        let Config { access_token_lifetime, sessions, password_policy, pbkdf2_iterations, .. } =
            Config::new(Origin::localhost(80));
        Self {
            store: None,
            public_url: None,
            access_token_lifetime,
            sessions,
            password_min_length: password_policy.min_length(),
            pbkdf2_iterations,
            weakest: PasswordHasher::DEFAULT_ITERATIONS,
            hooks: Hooks::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            builds: PhantomData,
        }
    }

    /// Keeps the accounts in the SQLite file at `path`, which is made if it is absent.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(mut self, path: impl Into<PathBuf>) -> Self {
        self.store = Some(Store::Sqlite(path.into()));
        self
    }

    /// Keeps the accounts in a store that is open already, or is of one's own making.
    pub fn store(mut self, store: Arc<dyn UserStore>) -> Self {
        self.store = Some(Store::Open(store));
        self
    }

    /// The origin that browsers see, such as `https://app.example`: who issues tokens, and for
    /// whom. Plain `http` is taken for this machine alone (`http://localhost:3000`).
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// For how long an access token is valid: 1 second to 1 hour, 5 minutes by default.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = lifetime;
        self
    }

    /// For how long sessions last, used and not used (OWASP ASVS 5.0, 7.3): by default
    /// 12 hours and 30 minutes, with `remember` 30 days and 14 days; 400 days at most.
    pub fn sessions(mut self, policy: SessionPolicy) -> Self {
        self.sessions = policy;
        self
    }

    /// How many characters a new password must have: 8 to 64, by default 8
    /// (OWASP ASVS 5.0, 6.2.1).
    pub fn password_min_length(mut self, characters: u8) -> Self {
        self.password_min_length = characters;
        self
    }

    /// How much work hashing a password is: 600,000 iterations, the default, to 10,000,000
    /// (OWASP Password Storage Cheat Sheet).
    pub fn pbkdf2_iterations(mut self, iterations: u32) -> Self {
        self.pbkdf2_iterations = iterations;
        self
    }

    /// Has `hook` called with each thing that happens to an account by way of what is built,
    /// once it is in the store and before whoever made it happen is answered. It is called on
    /// the thread that serves the request and must not block: longer work belongs in a task or
    /// behind a channel. A panic in it is logged and changes nothing.
    ///
    /// What happens on other servers or by the command line is not told, nor who is taken over by
    /// [`Operator::import`](crate::Operator::import), and what happens in the
    /// last moment before a crash may not be; the store's trail
    /// ([`Operator::events`](crate::Operator::events)) has all of it. May be called
    /// several times, for several hooks.
    pub fn on_event(mut self, hook: impl Fn(&AccountEvent) + Send + Sync + 'static) -> Self {
        self.hooks.add(Arc::new(hook));
        self
    }

    /// Takes the time from `clock` and not from the system.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes salts, keys and ids from `random`, which must not be predictable, and not from the
    /// system.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Spends next to nothing on a hash, so that an app's own tests are fast. (Feature
    /// `testing`, which no program should have that holds a real password.)
    #[cfg(feature = "testing")]
    pub fn weak_hashes_for_tests(mut self) -> Self {
        self.weakest = PasswordHasher::MIN_ITERATIONS;
        self.pbkdf2_iterations = self.weakest;
        self
    }

    /// Opens the store, which blocks while it is brought up to date, and takes up its accounts.
    /// They are looked after in the background by a task on the tokio runtime that this is called
    /// on, for as long as they are there.
    ///
    /// # Errors
    ///
    /// [`BuildError`] says what is missing, is not safe or does not work, and how to mend it.
    pub async fn build(self) -> Result<T, BuildError>
    where
        T: From<Arc<Accounts>>,
    {
        let settings = self.settings()?;
        let store = self.store.ok_or(BuildError::NoStore)?.open()?;
        let mut accounts = Accounts::start(store, settings, self.clock, self.random).await?;
        accounts.hooks = self.hooks;
        let accounts = Arc::new(accounts);
        tokio::spawn(Accounts::run_maintenance(Arc::downgrade(&accounts)));
        Ok(T::from(accounts))
    }

    fn settings(&self) -> Result<Config, BuildError> {
        let url = self.public_url.as_deref().ok_or(BuildError::NoPublicUrl)?;
        let origin = Origin::parse(url)
            .map_err(|reason| BuildError::PublicUrl { url: url.to_owned(), reason })?;
        if !origin.is_trustworthy() {
            return Err(BuildError::PlainHttp(origin));
        }
        let lifetimes = Duration::from_secs(1)..=LONGEST_ACCESS_TOKEN;
        if !lifetimes.contains(&self.access_token_lifetime) {
            return Err(BuildError::AccessTokenLifetime);
        }
        let SessionPolicy { standard, remembered } = &self.sessions;
        if standard.lifetime().max(remembered.lifetime()) > LONGEST_SESSION {
            return Err(BuildError::Sessions);
        }
        let password_policy = Some(self.password_min_length)
            .filter(|least| *least >= PasswordPolicy::DEFAULT_MIN_LENGTH)
            .and_then(|least| PasswordPolicy::new(least).ok())
            .ok_or(BuildError::PasswordMinLength)?;
        if !(self.weakest..=PasswordHasher::MAX_ITERATIONS).contains(&self.pbkdf2_iterations) {
            return Err(BuildError::Iterations);
        }
        Ok(Config {
            access_token_lifetime: self.access_token_lifetime,
            sessions: self.sessions,
            password_policy,
            pbkdf2_iterations: self.pbkdf2_iterations,
            ..Config::new(origin)
        })
    }
}

impl Store {
    fn open(self) -> Result<Arc<dyn UserStore>, BuildError> {
        match self {
            Self::Open(store) => Ok(store),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(path) => Ok(Arc::new(SqliteStore::open(&path)?)),
        }
    }
}

impl<T> Default for Builder<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}
