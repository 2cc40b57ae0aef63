//! What a person can do with an account: sign up, sign in, be recognised, sign out.
//!
//! This crate joins the rules of `auth-core` to a `user-store`. It knows nothing of HTTP
//! or JSON, so that a web framework, a command line and a test can all use it.
//!
//! ```
//! use std::sync::Arc;
//! use accounts::{Accounts, Settings};
//! use auth_core::{SystemClock, SystemRandom};
//! use user_store::SqliteStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("latchkey.db");
//! let store = Arc::new(SqliteStore::open(&path)?);
//! let settings = Settings::new("https://auth.example.com");
//! # let settings = Settings { pbkdf2_iterations: 1_000, ..settings };
//! let accounts =
//!     Accounts::start(store, settings, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
//!
//! accounts.sign_up("ada@example.com", "a long walk along the sea").await?;
//! let issued = accounts.sign_in("ada@example.com", "a long walk along the sea").await?;
//!
//! let signed_in = accounts.authenticate(issued.token.as_str()).await?;
//! assert_eq!(signed_in.user().email.as_str(), "ada@example.com");
//!
//! accounts.sign_out(&signed_in).await?;
//! assert!(accounts.authenticate(issued.token.as_str()).await.is_err());
//! # Ok(())
//! # }
//! ```

mod authenticate;
mod hashing;
mod settings;
mod sign_in;
mod sign_up;

pub use auth_core::{
    AccessToken, Clock, EmailError, IssuedToken, JwkSet, KeyError, PasswordError, Random,
};
pub use authenticate::{AuthenticateError, SignedIn};
pub use hashing::HashingError;
pub use settings::{Settings, StartError};
pub use sign_in::SignInError;
pub use sign_up::SignUpError;
pub use user_store::{StoreError, User};

use std::sync::Arc;

use auth_core::AccessTokens;
use hashing::Hashing;
use user_store::UserStore;

/// The accounts of one service.
pub struct Accounts {
    store: Arc<dyn UserStore>,
    hashing: Hashing,
    tokens: AccessTokens,
    settings: Settings,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Accounts {
    /// The public keys that verify this service's access tokens.
    #[must_use]
    pub const fn jwks(&self) -> &JwkSet {
        self.tokens.jwks()
    }

    /// Whether the store answers.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}
