mod build;
mod error;

pub use error::BuildError;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
#[cfg(feature = "sqlite")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "testing")]
use auth_core::PasswordHasher;
use auth_core::{
    Clock, CustomClaims, Origin, PasswordPolicy, PasswordPolicyError, Random, SessionPolicy,
    SystemClock, SystemRandom,
};
#[cfg(feature = "postgres")]
use user_store::{InvalidPostgresUrl, PostgresConfig};
use user_store::{Start, Store, User};

use crate::accounts::Accounts;
use crate::before_sign_up::{BeforeSignUp, SignUpRefusal, SignUpRequest};
use crate::config::{Config, SameSite, SecondFactorPolicy};
use crate::followers::{AccountEvent, NewFollower};
use crate::mail::{DefaultMailText, MailTextSource, MailTransport, NoticeMode};
use crate::passwords::{HashingMode, QUEUE_TIMEOUT};
use crate::token_claims::{HookError, TokenClaims};

/// Builds an [`Accounts`] service; see [`Accounts::builder`].
///
/// A store and the public URL are required. Everything else has a secure default, and
/// [`build`](Self::build) rejects an insecure configuration.
#[must_use = "a builder does nothing until `build` is called and awaited"]
pub struct Builder<T = Arc<Accounts>> {
    store: Option<StoreSource>,
    /// Overrides the origin of `config`. `None` until one is set.
    origin: Option<Result<Origin, BuildError>>,
    /// Overrides the policy of `config`.
    password_policy: Result<PasswordPolicy, PasswordPolicyError>,
    config: Config,
    weaknesses: Weaknesses,
    maintenance: Maintenance,
    followers: Vec<NewFollower>,
    before_sign_up: Option<BeforeSignUp>,
    token_claims: TokenClaims,
    mail_transport: Option<Arc<dyn MailTransport>>,
    mail_text: Arc<dyn MailTextSource>,
    notices: NoticeMode,
    queue_timeout: Duration,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    builds: PhantomData<fn() -> T>,
}

enum StoreSource {
    Open(Arc<dyn Store>),
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(Box<Result<PostgresConfig, InvalidPostgresUrl>>),
}

enum Weaknesses {
    Reject,
    /// Rejects every weakness except weak hashes and a missing throttle.
    #[cfg(feature = "testing")]
    AcceptForTests,
    Accept,
}

enum Maintenance {
    Run,
    Skip,
}

impl Accounts {
    /// Returns a builder for a service.
    ///
    /// The database is created if it does not exist, and migrated if its schema is older. The
    /// first start creates the signing key. Expired data is purged in the background.
    ///
    /// ```
    /// use accounts::{AccountEvent, Accounts, Caller, EventKind};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.db");
    /// let accounts = Accounts::builder()
    ///     .sqlite(&path)
    ///     .public_url("https://app.example")
    ///     .app_name("Example")
    ///     .on_event("welcome", async |event: AccountEvent| {
    ///         if let (EventKind::AccountCreated, Some(user)) = (event.event.kind, event.user) {
    ///             println!("welcome, {}", user.email.as_str());
    ///         }
    ///         Ok::<(), std::io::Error>(())
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
}

impl<T> Builder<T> {
    /// Returns a builder for a type that wraps a service and implements `From<Arc<Accounts>>`. To
    /// build the service itself, use [`Accounts::builder`].
    pub fn new() -> Self {
        Self {
            store: None,
            origin: None,
            password_policy: Ok(PasswordPolicy::default()),
            // The origin is a placeholder: `build` requires one.
            config: Config::new(Origin::localhost(80)),
            weaknesses: Weaknesses::Reject,
            maintenance: Maintenance::Run,
            followers: Vec::new(),
            before_sign_up: None,
            token_claims: TokenClaims::default(),
            mail_transport: None,
            mail_text: Arc::new(DefaultMailText),
            notices: NoticeMode::Off,
            queue_timeout: QUEUE_TIMEOUT,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            builds: PhantomData,
        }
    }

    /// Stores accounts in the SQLite file at `path`, which is created if it does not exist.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(mut self, path: impl Into<PathBuf>) -> Self {
        self.store = Some(StoreSource::Sqlite(path.into()));
        self
    }

    /// Stores accounts in the PostgreSQL database at `url`, such as
    /// `postgres://latchkey_app:PASSWORD@db.example/latchkey`. If the role in the URL may do so,
    /// missing tables are created, and those of an older version are migrated. Otherwise,
    /// [`build`](Self::build) waits up to 60 seconds for `latchkey migrate` to do so. It also waits
    /// up to 30 seconds for a database that cannot be reached.
    ///
    /// Several processes can share the database. Connections to other machines are encrypted, and
    /// the server's certificate is verified, unless the URL contains `sslmode=disable`. The URL
    /// contains a password, so read it from the environment or from a file. The password never
    /// appears in an error or a log.
    ///
    /// ```no_run
    /// use accounts::Accounts;
    ///
    /// # async fn build() -> Result<(), Box<dyn std::error::Error>> {
    /// let accounts = Accounts::builder()
    ///     .postgres(std::env::var("DATABASE_URL")?)
    ///     .public_url("https://app.example")
    ///     .build()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "postgres")]
    pub fn postgres(mut self, url: impl AsRef<str>) -> Self {
        self.store = Some(StoreSource::Postgres(Box::new(PostgresConfig::parse(url.as_ref()))));
        self
    }

    /// Stores accounts in a store that is already open.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(StoreSource::Open(store));
        self
    }

    /// Sets the whole configuration, the public URL included.
    pub fn config(mut self, config: Config) -> Self {
        self.origin = Some(Ok(config.origin.clone()));
        self.password_policy = Ok(config.password_policy);
        self.config = config;
        self
    }

    /// Sets the origin that browsers see, such as `https://app.example`. It is the issuer and the
    /// audience of access tokens. Plain `http` is accepted only for localhost
    /// (`http://localhost:3000`).
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        let url = url.into();
        let origin = Origin::parse(&url);
        self.origin = Some(origin.map_err(|reason| BuildError::PublicUrl { url, reason }));
        self
    }

    /// Sets the name of the app. Users cannot choose it as their password, and mails contain it.
    /// The default is "Latchkey", and the host of the public URL in mails.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.config.app_name = name.into();
        self
    }

    /// Sets how long an access token is valid: 1 second to 1 hour, or longer with
    /// [`accept_weaknesses`](Self::accept_weaknesses). The default is 5 minutes.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.config.access_token_lifetime = lifetime;
        self
    }

    /// Sets the lifetimes and idle timeouts of sessions (OWASP ASVS 5.0, 7.3). The maximum lifetime
    /// is 400 days, or longer with [`accept_weaknesses`](Self::accept_weaknesses).
    ///
    /// The default is a lifetime of 12 hours and an idle timeout of 30 minutes, or 30 days and 14
    /// days with `remember`.
    pub fn sessions(mut self, policy: SessionPolicy) -> Self {
        self.config.sessions = policy;
        self
    }

    /// Sets the minimum number of characters of a new password: 8 to 64, or 1 to 64 with
    /// [`accept_weaknesses`](Self::accept_weaknesses). The default is 8 (OWASP ASVS 5.0, 6.2.1).
    pub fn password_min_length(mut self, characters: u8) -> Self {
        self.password_policy = PasswordPolicy::new(characters);
        self
    }

    /// Sets the number of PBKDF2 iterations for each password hash: 600,000 (the default) to
    /// 10,000,000 (OWASP Password Storage Cheat Sheet). With
    /// [`accept_weaknesses`](Self::accept_weaknesses), the minimum is 1,000.
    pub fn pbkdf2_iterations(mut self, iterations: u32) -> Self {
        self.config.pbkdf2_iterations = iterations;
        self
    }

    /// Sets how passwords that are queued at the same time are hashed.
    pub fn hashing(mut self, mode: HashingMode) -> Self {
        self.config.hashing = mode;
        self
    }

    /// Turns sign-up off: visitors cannot create accounts. Accounts are then created by the app
    /// with [`Operator::create`](crate::Operator::create), by an operator with `latchkey users
    /// create`, or with an invitation.
    pub fn without_sign_up(mut self) -> Self {
        self.config.sign_up = false;
        self
    }

    /// Sets the memory that memory-hard hashes from other systems (Argon2, scrypt) may use
    /// together, in bytes. The default is 256 MiB. A hash that needs more is verified while no
    /// other memory-hard hash is. Each service in a process has its own budget.
    pub fn hash_memory(mut self, bytes: u64) -> Self {
        self.config.hash_memory = bytes;
        self
    }

    /// Calls `handler` for every event about an account: those that this service causes, and those
    /// of other servers and of the command line. The handler is an async function.
    ///
    /// The handler follows the audit log ([`Operator::events`](crate::Operator::events)). Its
    /// position in the log is stored under `name`, so that it misses nothing when the service
    /// restarts. If the name is new, it begins with the events that are recorded from now on; see
    /// [`on_event_from`](Self::on_event_from). The name has up to 64 ASCII letters, digits, dots,
    /// hyphens and underscores. To add several handlers, call this method several times.
    ///
    /// - Events are handled one at a time, in the order of the log, usually within a second. Events
    ///   of other processes are noticed within 5 seconds.
    /// - If the handler fails or panics, the error is logged, and the handler is called again for
    ///   the same event: after 1 second, and then after twice as long each time, up to 1 minute, or
    ///   earlier by another server. Later events wait. So handle an event that you cannot process
    ///   by returning `Ok`.
    /// - After a crash, or when another server takes over, the handler can be called again for an
    ///   event that it has handled. It must be idempotent.
    /// - Of several servers that share the store, one runs the handler at a time.
    /// - When an account is deleted, its earlier events are erased from the log. A handler that has
    ///   not seen them gets only the event of the deletion.
    /// - Events are kept for 90 days. If no server runs the handler for longer, it misses some, and
    ///   a warning is logged.
    ///
    /// A service that was built with [`without_maintenance`](Self::without_maintenance) does not
    /// call the handler by itself; see [`Accounts::deliver_events`].
    pub fn on_event<H, F, E>(self, name: impl Into<String>, handler: H) -> Self
    where
        H: Fn(AccountEvent) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.on_event_from(Start::End, name, handler)
    }

    /// Does the same as [`on_event`](Self::on_event), but if the name is new, begins at `start`.
    /// With [`Start::Oldest`], the handler gets the events of the last 90 days first. Use this for
    /// a table that is kept in step with the accounts, and not for mails.
    pub fn on_event_from<H, F, E>(
        mut self,
        start: Start,
        name: impl Into<String>,
        handler: H,
    ) -> Self
    where
        H: Fn(AccountEvent) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.followers.push(NewFollower::new(name.into(), start, handler));
        self
    }

    /// Calls `check` before a visitor signs up, so that the app can refuse the sign-up with a
    /// message for the user. The check is an async function. It is also called for sign-ups with an
    /// [invitation](crate::Operator::invite), but not for accounts that operators create or import.
    ///
    /// The check runs after the email address and the password were validated, and before it is
    /// known whether the email address is taken. A refused sign-up counts towards the limit of its
    /// IP address. If the check fails, panics or takes longer than 5 seconds, the sign-up fails
    /// with a [`ServiceError`](crate::ServiceError).
    ///
    /// The check should only read: the account may still not be created, because the email address
    /// is taken or the client disconnects. Use [`on_event`](Self::on_event) for changes.
    ///
    /// ```
    /// # use accounts::{Accounts, SignUpRefusal, SignUpRequest};
    /// let builder = Accounts::builder().before_sign_up(async |request: SignUpRequest| {
    ///     let is_at_work = request.email.key().as_str().ends_with("@example.com");
    ///     match is_at_work || request.invited {
    ///         true => Ok(()),
    ///         false => Err(SignUpRefusal::new("Sign up with your work email address.")),
    ///     }
    /// });
    /// ```
    pub fn before_sign_up<H, F>(mut self, check: H) -> Self
    where
        H: Fn(SignUpRequest) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), SignUpRefusal>> + Send + 'static,
    {
        self.before_sign_up = Some(BeforeSignUp::new(check));
        self
    }

    /// Adds claims of the app to access tokens, for other services that verify them. `hook` is
    /// called for every sign-in and every refresh, and gets the account with its roles. The claims
    /// are a JSON object of at most 768 bytes. If they change, other services see that after the
    /// next refresh.
    ///
    /// If the hook fails, panics or takes longer than 5 seconds, the sign-in or the refresh fails
    /// with [`ServiceError::TokenClaims`](crate::ServiceError::TokenClaims), and the cause is
    /// logged. No session is opened, and the refresh token remains valid. Without a hook, a sign-in
    /// and a refresh make one or two fewer reads from the store.
    ///
    /// ```
    /// use accounts::{Accounts, CustomClaims};
    /// use serde_json::json;
    ///
    /// # async fn tenant_of(user: accounts::UserId) -> Result<u64, std::io::Error> { Ok(7) }
    /// let builder = Accounts::builder().token_claims(|user| async move {
    ///     let tenant = tenant_of(user.id).await?;
    ///     Ok(CustomClaims::new(&json!({ "tenant": tenant }))?)
    /// });
    /// ```
    pub fn token_claims<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(User) -> R + Send + Sync + 'static,
        R: Future<Output = Result<CustomClaims, HookError>> + Send + 'static,
    {
        self.token_claims = TokenClaims::new(move |user| Box::pin(hook(user)));
        self
    }

    /// Turns mail on: users verify their email address, change it, and reset their password with
    /// mails that `transport` sends. They also get notices of changes to their account. Without
    /// this, mail is off.
    ///
    /// Mails are stored until they have been sent, and sent in the background, unless the service
    /// was built with [`without_maintenance`](Self::without_maintenance).
    pub fn mail(mut self, transport: impl MailTransport) -> Self {
        self.mail_transport = Some(Arc::new(transport));
        self.notices = NoticeMode::On;
        self
    }

    /// Adds notices of changes to the outbox even if mail is off. Another service on the same store
    /// sends them, if its mail is on. A notice that is not sent within three days is deleted.
    ///
    /// Use this for short-lived commands that change accounts alongside a server.
    pub fn notices_without_transport(mut self) -> Self {
        self.notices = NoticeMode::On;
        self
    }

    /// Uses the app's own texts of mails instead of [`DefaultMailText`].
    pub fn mail_text(mut self, text: impl MailTextSource) -> Self {
        self.mail_text = Arc::new(text);
        self
    }

    /// Lets users sign in with a code from a mail. This requires [`mail`](Self::mail). See
    /// [`Config::email_sign_in`].
    pub const fn email_sign_in(mut self) -> Self {
        self.config.email_sign_in = true;
        self
    }

    /// Requires all users to have a second factor. See [`Config::require_second_factor`].
    pub const fn require_second_factor(mut self) -> Self {
        self.config.require_second_factor = SecondFactorPolicy::Required;
        self
    }

    /// Sets which requests from pages of other sites carry the session cookie. The default is
    /// [`SameSite::Strict`]. With [`SameSite::Lax`], a user who follows a link from a mail to a page
    /// that is rendered on the server arrives signed in.
    pub const fn session_cookie(mut self, same_site: SameSite) -> Self {
        self.config.session_cookie = same_site;
        self
    }

    /// Uses `clock` instead of the system clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Generates salts, keys and ids with `random` instead of the operating system's generator. The
    /// output of `random` must not be predictable.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Accepts an insecure configuration. The caller should show the
    /// [`weaknesses`](Config::weaknesses) of [`Accounts::config`] to the operator.
    pub fn accept_weaknesses(mut self) -> Self {
        self.weaknesses = Weaknesses::Accept;
        self
    }

    /// Disables all background work: purging expired data, erasing deleted data, sending mails and
    /// calling event handlers. Use this for short-lived commands that run beside a server.
    pub fn without_maintenance(mut self) -> Self {
        self.maintenance = Maintenance::Skip;
        self
    }

    /// Makes the service fast enough for an app's own tests: passwords are hashed with few
    /// iterations and without the measurement at startup, and the throttle is off: nothing limits
    /// sign-ups, failed sign-ins, mails, codes and passkeys. Other weaknesses are still rejected.
    /// To test the limits, use [`pbkdf2_iterations(1_000)`](Self::pbkdf2_iterations) and
    /// [`accept_weaknesses`](Self::accept_weaknesses) instead.
    ///
    /// Requires the feature `testing`, which a program that stores real passwords must not enable.
    #[cfg(feature = "testing")]
    pub fn for_tests(mut self) -> Self {
        self.config.pbkdf2_iterations = PasswordHasher::MIN_ITERATIONS;
        self.config.hashing = HashingMode::Single;
        self.config.throttle = false;
        if matches!(self.weaknesses, Weaknesses::Reject) {
            self.weaknesses = Weaknesses::AcceptForTests;
        }
        self
    }

    /// Lets requests wait for each other for two minutes instead of five seconds, so that a test
    /// with many concurrent requests does not fail because the machine is busy.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub const fn with_long_timeouts(mut self) -> Self {
        self.queue_timeout = Duration::from_mins(2);
        self
    }
}

impl<T> Default for Builder<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}
