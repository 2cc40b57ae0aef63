//! Accounts, sign-in and sessions for an app.
//!
//! Users sign up, sign in and out, list and end their sessions, change their password, and export
//! or delete their account. The app authenticates their requests.
//!
//! This crate applies the rules of `auth-core` to a `user-store`. It does not depend on HTTP or
//! JSON, so web frameworks, command-line tools and tests can all use it. (For warp, the crate `api`
//! adds the HTTP routes.) It requires tokio.
//!
//! # Example
//!
//! ```
//! use accounts::{Accounts, Caller, ClientInfo, SignIn, SignInOutcome};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.db");
//! let accounts =
//!     Accounts::builder().sqlite(&path).public_url("https://app.example").build().await?;
//!
//! // The client that sends the request. The throttle counts failed attempts by IP address.
//! let client = ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0"));
//! let caller = Caller::from(client.clone());
//! accounts.sign_up("ada@example.com", "a long walk along the sea", &caller).await?;
//! let outcome = accounts
//!     .sign_in(SignIn::new("ada@example.com", "a long walk along the sea", &caller))
//!     .await?;
//! let SignInOutcome::SignedIn(tokens) = outcome else {
//!     // The user has a second factor: see `Accounts::complete_sign_in`.
//!     return Ok(());
//! };
//!
//! // Every request carries the access token.
//! let signed_in = accounts.authenticate(tokens.access.token.as_str()).await?;
//! assert_eq!(signed_in.email(), "ada@example.com");
//!
//! // When the access token has expired, the client exchanges the refresh token for new tokens.
//! let tokens = accounts.refresh(&tokens.refresh.token, &client).await?;
//! let signed_in = accounts.authenticate(tokens.access.token.as_str()).await?;
//!
//! // Signing out takes effect immediately, although the access token has not expired.
//! accounts.sign_out(&signed_in, &client).await?;
//! assert!(accounts.authenticate(tokens.access.token.as_str()).await.is_err());
//! assert!(accounts.refresh(&tokens.refresh.token, &client).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - Passwords are hashed on dedicated threads, in batches where that is faster. A password is
//!   queued for at most 5 seconds. If the caller disconnects during that time, the password is
//!   not hashed.
//! - Failed sign-ins are limited per account, per browser and per IP address. The limits are exact
//!   across all servers that share the store.
//! - A sign-in with an unknown email address takes as much work as one with a wrong password.
//! - Memory-hard hashes from other systems share a memory budget.
//! - A change that has begun is completed and logged even if the caller disconnects.
//! - An access token is rejected as soon as its session ends or its signing key is retired.
//! - The builder rejects an insecure configuration, and says how to fix it.
//!
//! Start with [`Accounts::builder`] for the configuration, [`SignedIn`] for authenticated requests,
//! and [`Accounts::operator`] for operator commands.
//!
//! # Features
//!
//! | feature | provides |
//! |---|---|
//! | `sqlite` (default) | [`Builder::sqlite`], which stores accounts in a SQLite file |
//! | `postgres` | `Builder::postgres`, which stores accounts in a PostgreSQL database |
//! | `foreign` (default) | verification of password hashes imported from other systems |
//! | `http` | the module `http`, for crates that connect this one to a web framework |
//! | `testing` | `Builder::for_tests` and the module `testing`, for an app's own tests |

mod account;
mod accounts;
mod authenticate;
mod before_sign_up;
mod browser;
mod builder;
mod caller;
mod config;
mod cookie_session;
mod email_change;
mod email_sign_in;
mod email_verification;
mod error_chain;
mod factors;
mod followers;
#[cfg(feature = "http")]
pub mod http;
mod mail;
mod mail_request;
mod maintenance;
mod new_session;
mod operator;
mod passkey_sign_in;
mod passkeys;
mod password_reset;
mod passwords;
mod refresh;
mod second_factor;
mod service_error;
mod sessions;
mod sign_in;
mod sign_up;
mod signal;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;
mod throttle;
mod token_claims;
mod tokens;

pub use account::{ChangePassword, DeleteAccountOutcome, OwnAccountError};
pub use accounts::Accounts;
pub use auth_core::{
    AccessToken, Amr, AssertionCredential, ClientInfo, Clock, CredentialId, CustomClaims,
    DeviceToken, Email, EmailError, EmailSignInToken, InvalidCredential, InvalidCustomClaims,
    InvalidDeviceToken, InvalidEmailSignInToken, InvalidInvitationToken, InvalidIterations,
    InvalidOrigin, InvalidPasskeyName, InvalidRefreshToken, InvalidRole, InvitationToken,
    IssuedToken, Jwk, JwkSet, KeyError, MailId, NewPassword, OneTimeCode, Origin, PasskeyAlgorithm,
    PasskeyId, PasskeyName, PasskeyPublicKey, PasskeyState, PasswordError, PasswordHash,
    PasswordPolicy, PasswordPolicyError, Random, RecoveryCode, RefreshToken,
    RegistrationCredential, RelyingParty, ResetToken, Role, Roles, Session, SessionId,
    SessionLimits, SessionLimitsError, SessionPolicy, Timestamp, TooManyRoles, TotpSecret, UserId,
    bearer_token,
};
pub use authenticate::{AuthenticateError, SignedIn};
pub use before_sign_up::{SignUpRefusal, SignUpRequest};
pub use builder::{BuildError, Builder};
pub use caller::Caller;
pub use config::{Config, SameSite, SecondFactorPolicy, Weakness};
pub use cookie_session::CookieSession;
pub use email_change::{
    ChangeEmailError, ChangedEmail, RequestEmailChange, RequestEmailChangeError,
};
pub use email_sign_in::{CodeSignInError, RequestSignInCode, SignInCodeRequested, SignInWithCode};
pub use email_verification::{CodeError, SendVerificationError};
pub use error_chain::error_chain;
pub use factors::{
    ChangeFactorError, ConfirmTotpError, PendingTotp, ReplaceRecoveryCodesError, TurnOffError,
    TurnOnError,
};
pub use followers::AccountEvent;
pub use mail::{
    ATTEMPT_TIMEOUT, DefaultMailText, MailContext, MailMode, MailText, MailTextSource,
    MailTransport, OutgoingMail, SendMailError,
};
pub use mail_request::RequestMailError;
pub use operator::Operator;
pub use operator::invitations::{Invitation, InviteError};
pub use operator::keys::{KeyActivation, SigningKeyError, SigningKeyRecord, SigningKeyState};
pub use operator::mails::SendTestMailError;
pub use operator::roles::RoleChange;
pub use operator::users::{OperatorError, SecondFactorReset};
pub use passkey_sign_in::{
    PasskeyOptions, PasskeyOptionsError, PasskeySignInError, SignInWithPasskey,
};
pub use passkeys::{
    AddPasskey, AddPasskeyError, PasskeyRegistrationError, PasskeyRegistrationOptions,
    RemovePasskeyError, RenamePasskeyError,
};
pub use password_reset::{PasswordReset, ResetPasswordError};
pub use passwords::{HashingError, HashingMode};
pub use refresh::RefreshError;
pub use second_factor::{
    CompleteSignIn, CompleteSignInError, FactorKind, SecondFactor, SecondFactorRequired,
    SignInOutcome,
};
pub use service_error::ServiceError;
pub use sessions::EndSessionError;
pub use sign_in::{SignIn, SignInError};
pub use sign_up::SignUpError;
pub use token_claims::HookError;
pub use tokens::{IssuedRefreshToken, IssuedTokens};
#[cfg(feature = "sqlite")]
pub use user_store::OpenError;
pub use user_store::{
    Actor, CodeMessage, EraseOutcome, Event, EventId, EventKind, Factors, ImportUsersOutcome,
    InvalidEventId, InvalidMetadata, InvitationMessage, KnownBrowsers, Lockouts, MAX_PASSKEYS,
    MailRecord, Message, Metadata, MetadataChange, MetadataKind, MetadataValue, Notice, NoticeKind,
    Passkey, Purged, RecountOutcome, RecoveryCodes, Requested, ResetMessage, RetryMailsOutcome,
    SessionRecord, Start, Store, StoreError, StoredUser, Totp, User, UserData,
};
#[cfg(feature = "postgres")]
pub use user_store::{InvalidPostgresUrl, PostgresOpenError};
pub use zeroize::Zeroizing;
