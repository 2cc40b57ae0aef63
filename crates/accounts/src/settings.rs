use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Clock, InvalidIterations, KeyError, Origin, PasswordHasher, PasswordPolicy, Random,
    SessionPolicy, SigningKey,
};
use user_store::{StoreError, UserStore};

use crate::Accounts;
use crate::changes::Changes;
use crate::hashing::{Hashing, HashingMode};
use crate::hooks::Hooks;
use crate::keys::Keys;
use crate::throttle::Throttle;

/// How accounts are kept.
#[derive(Debug, Clone)]
pub struct Config {
    /// The public origin of the service, such as `https://auth.example.com`: the issuer and the
    /// audience of its access tokens.
    pub origin: Origin,
    /// For how long an access token is valid. Five minutes by default.
    pub access_token_lifetime: Duration,
    /// For how long a session lasts, used and not used (OWASP ASVS 5.0, 7.3).
    pub sessions: SessionPolicy,
    /// What a new password must satisfy.
    pub password_policy: PasswordPolicy,
    /// How much work hashing a password is; see [`PasswordHasher`].
    pub pbkdf2_iterations: u32,
    /// Whether passwords that wait together are hashed together.
    pub hashing: HashingMode,
    /// Whether failed log-ins and sign-ups are limited (OWASP ASVS 5.0, 6.3.1), to
    /// [`Limit::SIGN_INS_PER_ACCOUNT`](auth_core::Limit::SIGN_INS_PER_ACCOUNT) and what else is
    /// there. Without, anybody can guess at passwords as fast as they are hashed.
    pub throttle: bool,
}

/// Why the accounts could not be taken up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store could not be asked for the keys.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored signing keys cannot be used.
    #[error("the stored signing keys cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The number of iterations is out of range.
    #[error(transparent)]
    Iterations(#[from] InvalidIterations),
    /// The system gave no threads to hash passwords on.
    #[error("the threads that hash passwords cannot be started: {0}")]
    Threads(String),
}

impl Config {
    /// The default configuration of a service at this origin.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            access_token_lifetime: Duration::from_mins(5),
            sessions: SessionPolicy::default(),
            password_policy: PasswordPolicy::default(),
            pbkdf2_iterations: PasswordHasher::DEFAULT_ITERATIONS,
            hashing: HashingMode::default(),
            throttle: true,
        }
    }
}

impl Accounts {
    /// Takes up the accounts in a store. The first start on a new store makes the signing
    /// key.
    ///
    /// # Errors
    ///
    /// [`StartError`] names what is missing.
    pub async fn start(
        store: Arc<dyn UserStore>,
        settings: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        let hasher = PasswordHasher::new(settings.pbkdf2_iterations)?;
        let hashing = Hashing::of(hasher, settings.hashing)
            .map_err(|error| StartError::Threads(error.to_string()))?;
        let candidate = SigningKey::generate(&*random);
        store.ensure_signing_key(candidate.seed(), clock.now()).await?;
        let lifetime = settings.access_token_lifetime;
        let keys = Keys::start(&*store, settings.origin.as_str(), lifetime).await?;
        let throttle = Throttle::new(settings.throttle);
        let changes = Changes::default();
        let hooks = Hooks::default();
        Ok(Self { store, changes, hashing, throttle, keys, settings, hooks, clock, random })
    }
}
