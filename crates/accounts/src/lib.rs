//! Accounts, sign-in and sessions for an app: sign up, sign in, authenticate requests, refresh,
//! list and end sessions, change the password, export and delete the account, sign out.
//!
//! This crate applies the rules of `auth-core` to a `user-store`. It has no HTTP and no JSON, so a
//! web framework, a command line and a test can all use it. (For warp, the crate `api` has the HTTP
//! routes too.) It needs tokio.
//!
//! # Example
//!
//! ```
//! use accounts::{Accounts, Caller, ClientInfo, SignIn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.db");
//! let accounts = Accounts::builder().sqlite(&path).public_url("https://app.example").build().await?;
//!
//! // Who sends the request. The throttle counts failed attempts by IP address.
//! let client = ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0"));
//! let caller = Caller::from(client.clone());
//! accounts.sign_up("ada@example.com", "a long walk along the sea", &caller).await?;
//! let tokens = accounts
//!     .sign_in(SignIn::new("ada@example.com", "a long walk along the sea", &caller))
//!     .await?;
//!
//! // Every request brings the access token.
//! let signed_in = accounts.authenticate(tokens.access.token.as_str()).await?;
//! assert_eq!(signed_in.email(), "ada@example.com");
//!
//! // After some minutes it has expired. The refresh token brings the next one.
//! let tokens = accounts.refresh(&tokens.refresh.token, &client).await?;
//! let signed_in = accounts.authenticate(tokens.access.token.as_str()).await?;
//!
//! // A sign-out takes effect at once, although the access token has not expired.
//! accounts.sign_out(&signed_in, &client).await?;
//! assert!(accounts.authenticate(tokens.access.token.as_str()).await.is_err());
//! assert!(accounts.refresh(&tokens.refresh.token, &client).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # What it takes care of
//!
//! - Passwords are hashed on threads of their own, several at a time where that is faster. A request
//!   waits 5 seconds at most. If its caller disconnects while queued, it is dropped.
//! - Failed sign-ins are counted per account, browser and IP address, exactly, on all servers that
//!   share the store. An unknown email address costs the same work as a wrong password.
//! - A change that has begun is completed and logged even if the caller disconnects.
//! - An access token is checked against its session and against retired keys at every request.
//! - The builder rejects a configuration that is not secure, and says how to fix it.
//!
//! Where to go next: [`Accounts::builder`] for the configuration, [`SignedIn`] for the proof that a
//! request is authenticated, [`Accounts::operator`] for what administrators do.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `sqlite` (default) | [`Builder::sqlite`]: accounts in an embedded file |
//! | `foreign` (default) | sign-ins with password hashes of other systems |
//! | `testing` | `Builder::weak_hashes_for_tests`, for an app's own tests |

mod account;
mod accounts;
mod authenticate;
mod builder;
mod caller;
mod config;
mod error_chain;
mod hooks;
mod maintenance;
mod operator;
mod passwords;
mod refresh;
mod service_error;
mod sessions;
mod sign_in;
mod sign_up;
mod tasks;
#[cfg(test)]
mod tests;
mod throttle;
mod tokens;

pub use account::{ChangePassword, DeleteAccountOutcome, OwnAccountError};
pub use accounts::Accounts;
pub use auth_core::{
    AccessToken, ClientInfo, Clock, DeviceToken, Email, EmailError, InvalidDeviceToken,
    InvalidIterations, InvalidOrigin, InvalidRefreshToken, IssuedToken, Jwk, JwkSet, KeyError,
    NewPassword, Origin, PasswordError, PasswordHash, PasswordPolicy, PasswordPolicyError, Random,
    RefreshToken, Session, SessionId, SessionLimits, SessionLimitsError, SessionPolicy, Timestamp,
    UserId,
};
pub use authenticate::{AuthenticateError, SignedIn};
pub use builder::{BuildError, Builder};
pub use caller::Caller;
pub use config::{Config, Weakness};
pub use error_chain::error_chain;
pub use hooks::AccountEvent;
pub use operator::Operator;
pub use operator::keys::{SigningKeyError, SigningKeyRecord};
pub use operator::users::OperatorError;
pub use passwords::{HashingError, HashingMode};
pub use refresh::RefreshError;
pub use service_error::ServiceError;
pub use sessions::EndSessionError;
pub use sign_in::{SignIn, SignInError};
pub use sign_up::SignUpError;
pub use tokens::{IssuedRefreshToken, IssuedTokens};
#[cfg(feature = "sqlite")]
pub use user_store::OpenError;
pub use user_store::{
    Actor, Event, EventId, EventKind, ImportUsersOutcome, InvalidEventId, Purged, SessionRecord,
    Store, StoreError, StoredUser, User, UserData,
};
