use std::sync::Arc;
use std::time::Duration;

use auth_core::{DecoyKey, PasswordHasher, RelyingParty, SigningKey};
#[cfg(feature = "postgres")]
use user_store::PostgresStore;
#[cfg(feature = "sqlite")]
use user_store::SqliteStore;
use user_store::{LeaseHolder, Store};

use crate::accounts::Accounts;
use crate::builder::error::BuildError;
use crate::builder::{Builder, Maintenance, StoreSource, Weaknesses};
use crate::config::Config;
#[cfg(feature = "testing")]
use crate::config::Weakness;
use crate::followers::{Follower, FollowerContext};
use crate::mail::Mailer;
use crate::maintenance;
use crate::passwords::{HashingSettings, PasswordService};
use crate::signal::Signal;
use crate::tasks::BackgroundTasks;
use crate::throttle::{AttemptContext, Throttle};
use crate::tokens::{KeyRing, TokenIssuer};

impl<T> Builder<T> {
    /// Opens the store and builds the service.
    ///
    /// Expired data is purged, and deleted data erased, in a task on the current tokio runtime
    /// until the service is dropped, unless [`without_maintenance`](Self::without_maintenance) was
    /// called.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the configuration is incomplete or insecure, or if the store fails. If the
    /// configuration is the cause, the message says how to fix it.
    pub async fn build(self) -> Result<T, BuildError>
    where
        T: From<Arc<Accounts>>,
    {
        let config = Config {
            origin: self.origin.ok_or(BuildError::NoPublicUrl)??,
            password_policy: self.password_policy.map_err(BuildError::PasswordMinLength)?,
            ..self.config
        };
        if config.email_sign_in && self.mail_transport.is_none() {
            return Err(BuildError::EmailSignInWithoutMail);
        }
        for (index, follower) in self.followers.iter().enumerate() {
            let is_repeated = self.followers[..index].iter().any(|it| it.name == follower.name);
            if is_repeated || !follower.has_valid_name() {
                return Err(BuildError::EventHandlerName(follower.name.clone()));
            }
        }
        // Times in tokens are whole seconds.
        if config.access_token_lifetime < Duration::from_secs(1) {
            return Err(BuildError::AccessTokenLifetime);
        }
        let hasher =
            PasswordHasher::new(config.pbkdf2_iterations).map_err(BuildError::Iterations)?;
        self.weaknesses.check(&config)?;

        let store = self.store.ok_or(BuildError::NoStore)?.open().await?;
        let first_key = SigningKey::generate(&*self.random);
        store.ensure_signing_key(first_key.seed(), self.clock.now()).await?;
        let decoy_key = store.ensure_decoy_key(&DecoyKey::generate(&*self.random)).await?;
        let (issuer, lifetime) = (config.origin.as_str(), config.access_token_lifetime);
        let keys = Arc::new(KeyRing::load(Arc::clone(&store), issuer, lifetime).await?);
        let settings = HashingSettings {
            hasher,
            mode: config.hashing,
            memory_budget: config.hash_memory,
            queue_timeout: self.queue_timeout,
        };
        let random = Arc::clone(&self.random);
        let passwords = run_blocking(move || PasswordService::start(settings, random)).await;
        let changes: Vec<_> = self.followers.iter().map(|_| Signal::default()).collect();
        let tasks = BackgroundTasks::new(changes.clone());
        let context = FollowerContext {
            store: Arc::clone(&store),
            clock: Arc::clone(&self.clock),
            holder: LeaseHolder::generate(&*self.random),
            tasks: tasks.clone(),
        };
        let mut followers = Vec::new();
        for (new, changes) in self.followers.into_iter().zip(changes) {
            followers.push(Arc::new(Follower::add(new, changes, &context).await?));
        }
        let attempts =
            AttemptContext::new(Arc::clone(&store), Arc::clone(&self.clock), tasks.clone());
        let erase_requests = Signal::default();
        let mailer = self.mail_transport.map(|transport| {
            Arc::new(Mailer {
                outbox: Arc::<dyn Store>::clone(&store),
                clock: Arc::clone(&self.clock),
                transport,
                text: self.mail_text,
                origin: config.origin.clone(),
                app_name: config.public_name().to_owned(),
                erase_requests: erase_requests.clone(),
                tasks: tasks.clone(),
            })
        });
        let accounts = Arc::new(Accounts {
            tokens: TokenIssuer::new(Arc::clone(&keys), Arc::clone(&self.random)),
            keys,
            decoy_key,
            passwords: passwords.map_err(BuildError::Threads)?,
            throttle: match config.throttle {
                true => Throttle::new(attempts),
                false => Throttle::disabled(attempts),
            },
            _stop: tasks.stopping().drop_guard(),
            tasks,
            erase_requests,
            mailer,
            mail_requests: Signal::default(),
            notices: self.notices,
            relying_party: RelyingParty::new(&config.origin).ok(),
            store,
            followers,
            before_sign_up: self.before_sign_up,
            token_claims: self.token_claims,
            config,
            clock: self.clock,
            random: self.random,
        });
        match self.maintenance {
            Maintenance::Run => {
                tokio::spawn(maintenance::run(Arc::downgrade(&accounts)));
                for follower in &accounts.followers {
                    let random = Arc::clone(&accounts.random);
                    tokio::spawn(Arc::clone(follower).run_periodically(random));
                }
            }
            Maintenance::Skip => {}
        }
        Ok(T::from(accounts))
    }
}

impl StoreSource {
    async fn open(self) -> Result<Arc<dyn Store>, BuildError> {
        match self {
            Self::Open(store) => Ok(store),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(path) => {
                Ok(Arc::new(run_blocking(move || SqliteStore::open(&path)).await?))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(config) => Ok(Arc::new(PostgresStore::open(&(*config)?).await?)),
        }
    }
}

/// Runs blocking `work` on a thread that may block. A panic resumes in the caller.
async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, so the caller is dropped too.
            Err(_) => std::future::pending().await,
        },
    }
}

impl Weaknesses {
    fn check(&self, config: &Config) -> Result<(), BuildError> {
        let mut weaknesses = config.weaknesses();
        match self {
            Self::Reject => {}
            #[cfg(feature = "testing")]
            Self::AcceptForTests => weaknesses.retain(|weakness| {
                !matches!(weakness, Weakness::FewIterations { .. } | Weakness::ThrottleOff)
            }),
            Self::Accept => weaknesses.clear(),
        }
        match weaknesses.is_empty() {
            true => Ok(()),
            false => Err(BuildError::Weak(weaknesses)),
        }
    }
}
