//! What a person can do with an account: sign up, sign in, be recognised, stay signed in,
//! see and end sessions, change the password, take the data along, delete it all, sign out.
//!
//! This crate joins the rules of `auth-core` to a `user-store`. It knows nothing of HTTP
//! or JSON, so that a web framework, a command line and a test can all use it. (For warp, the
//! crate `api` has the HTTP as well.) [`Accounts::builder`] is the way in, and needs tokio.
//!
//! ```
//! use accounts::{Accounts, Caller, ClientInfo};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("latchkey.db");
//! let accounts = Accounts::builder().sqlite(&path).public_url("https://app.example").build().await?;
//!
//! let client = ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0"));
//! let caller = Caller::from(client.clone());
//! accounts.sign_up("ada@example.com", "a long walk along the sea", &caller).await?;
//! let issued =
//!     accounts.sign_in("ada@example.com", "a long walk along the sea", false, &caller, None).await?;
//!
//! let signed_in = accounts.authenticate(issued.access.token.as_str()).await?;
//! assert_eq!(signed_in.user().email.as_str(), "ada@example.com");
//!
//! // Minutes later the access token has expired, and the refresh token brings the next.
//! let issued = accounts.refresh(&issued.refresh.token, &client).await?;
//! let signed_in = accounts.authenticate(issued.access.token.as_str()).await?;
//!
//! accounts.sign_out(&signed_in, &client).await?;
//! assert!(accounts.authenticate(issued.access.token.as_str()).await.is_err());
//! assert!(accounts.refresh(&issued.refresh.token, &client).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `sqlite` (default) | [`Builder::sqlite`]: accounts in an embedded file |
//! | `foreign` (default) | log-ins with hashes that other systems have made |
//! | `testing` | `Builder::weak_hashes_for_tests`, for an app's own tests |

mod administration;
mod authenticate;
mod builder;
mod caller;
mod causes;
mod changes;
mod hashing;
mod hooks;
mod issue;
mod keys;
mod maintenance;
mod own_account;
mod refresh;
mod sessions;
mod settings;
mod sign_in;
mod sign_up;
mod throttle;
mod verify;

pub use administration::{Operator, OperatorError, SigningKeyError, SigningKeyRecord};
pub use auth_core::{
    AccessToken, ClientInfo, Clock, DeviceToken, EmailError, InvalidDeviceToken, InvalidOrigin,
    InvalidRefreshToken, IssuedToken, JwkSet, KeyError, Origin, PasswordError, Random,
    RefreshToken, Session, SessionId, SessionLimits, SessionPolicy, Timestamp, UserId,
};
pub use authenticate::{AuthenticateError, SignedIn};
pub use builder::{BuildError, Builder};
pub use caller::Caller;
pub use causes::error_chain;
pub use hashing::{HashingError, HashingMode};
pub use hooks::AccountEvent;
pub use issue::{IssuedRefreshToken, IssuedTokens};
pub use own_account::OwnAccountError;
pub use refresh::RefreshError;
pub use sessions::EndSessionError;
pub use settings::{Config, StartError};
pub use sign_in::SignInError;
pub use sign_up::SignUpError;
pub use user_store::{
    Actor, Event, EventId, EventKind, ImportUsersOutcome, Purged, SessionRecord, StoreError,
    StoredUser, User, UserData,
};

use std::sync::Arc;

use changes::Changes;
use hashing::Hashing;
use hooks::Hooks;
use keys::Keys;
use throttle::Throttle;
use user_store::UserStore;

/// The product's name, which nobody should have for a password.
const PRODUCT: &str = "Latchkey";

/// The accounts of one service.
pub struct Accounts {
    store: Arc<dyn UserStore>,
    changes: Changes,
    hashing: Hashing,
    throttle: Throttle,
    keys: Keys,
    settings: Config,
    hooks: Hooks,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Accounts {
    /// The present moment, as this service's clock has it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How many passwords wait to be hashed.
    #[must_use]
    pub fn queued_passwords(&self) -> usize {
        self.hashing.waiting()
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
