//! Password hashing, access tokens, refresh tokens and attempt counters for authentication.
//!
//! This crate contains the types, rules and cryptography of Latchkey. It performs no I/O and needs
//! no async runtime. Callers pass in the current time and a source of random bytes; `SystemClock`
//! and `SystemRandom` provide those of the operating system.
//!
//! Enable only the features that you need:
//!
//! | purpose | command | crates | build time (debug, release) |
//! |---|---|---|---|
//! | hash passwords | `cargo add auth-core --no-default-features --features hash,system` | 60 | 14 s, 19 s |
//! | verify tokens of another service | `cargo add auth-core --no-default-features --features verify,system` | 52 | 31 s, 45 s |
//! | both, and issue tokens | `cargo add auth-core` | 96 | 38 s, 56 s |
//!
//! The number of crates is for Linux and includes this crate and the dependencies of build scripts.
//! The build times are for a build from scratch on two cores. Rust 1.95 or later and a C compiler
//! are required. The crate is not published yet: use `cargo add --path …/crates/auth-core` instead.
//!
//! # Hash passwords
//!
//! Three functions hash and verify passwords with recommended parameters (PBKDF2-HMAC-SHA256 with
//! 600,000 iterations) and check new passwords against the rules of NIST SP 800-63B:
//!
//! ```
//! # #[cfg(all(feature = "hash", feature = "system"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use auth_core::{hash_password, needs_rehash, verify_password};
//!
//! let password = "a long walk along the sea";
//! let stored = hash_password(password)?;
//! verify_password(password, &stored)?;
//! assert!(!needs_rehash(password, &stored));
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "hash", feature = "system")))]
//! # fn main() {}
//! ```
//!
//! Hashing deliberately takes about 40 ms on one core. In a build without optimisation it takes
//! 4 s. To avoid that, add `[profile.dev.package."*"]` with `opt-level = 3` to `Cargo.toml`, or
//! enable the feature `verify`, whose cryptographic library is fast in any build.
//!
//! Use `PasswordHasher` to choose the number of iterations and the password policy, or to hash
//! several passwords at once. With the features `foreign-…`, hashes from Django, Werkzeug, passlib,
//! bcrypt, Argon2, scrypt and Firebase are verified too ([`PasswordHash`] lists the formats).
//!
//! # Verify tokens
//!
//! `Verifier` verifies the access tokens of a Latchkey service. When necessary, it fetches the
//! public keys of that service in the background, with a function that you pass.
//! `AccessTokenVerifier` verifies tokens with keys that you already have.
//!
//! # Issue tokens
//!
//! ```
//! # #[cfg(all(feature = "token", feature = "system"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use auth_core::{
//!     AccessTokens, Amr, Clock, NewAccessToken, OpenSession, Session, SessionPolicy, SigningKey,
//!     SystemClock, SystemRandom, UserId,
//! };
//!
//! let tokens = AccessTokens::new(
//!     "https://auth.example.com",
//!     Duration::from_secs(300),
//!     vec![SigningKey::generate(&SystemRandom)],
//! )?;
//! let now = SystemClock.now();
//! let user_id = UserId::generate(now, &SystemRandom);
//! let policy = SessionPolicy::default();
//! let session = OpenSession { user_id, remember: false, amr: Amr::PASSWORD, policy: &policy };
//! let session = Session::open(session, now, &SystemRandom);
//! let issued = tokens.issue(&NewAccessToken::new(&session), now, &SystemRandom)?;
//! let claims = tokens.verify(issued.token.as_str(), now)?;
//! assert_eq!((claims.user, claims.session), (user_id, session.id));
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "token", feature = "system")))]
//! # fn main() {}
//! ```
//!
//! A valid token does not prove that its session still exists: the issuer has to look up the
//! session. The crates `user-store` and `accounts` store sessions and make this check.
//!
//! # Features
//!
//! | feature | contents |
//! |---|---|
//! | `hash` (default) | `hash_password`, `verify_password`, `PasswordHasher`, `PasswordHash`, `HashJob` |
//! | `foreign`, `foreign-…` | verification of hashes from other systems |
//! | `verify` | `Verifier`, `AccessTokenVerifier`, `JwkSet`, `Claims`, `bearer_token` |
//! | `token` (default) | `verify`, and `AccessTokens`, `SigningKey`, `RefreshToken`, `Counter` (a throttle), `DeviceKey` |
//! | `factors` | `token`, `origin`, and `TotpSecret`, `RecoveryCode`, `Ticket`, `RelyingParty` (passkeys) |
//! | `credentials` (enabled by `hash` and `token`) | `Email`, `Password`, `NewPassword`, `PasswordPolicy` |
//! | `origin` | `Origin`, the public origin of a service |
//! | `system` (default) | `SystemClock`, `SystemRandom` |
//! | `testing` | `ManualClock`, a clock for tests |
//!
//! Without any feature, the crate has the types that all of them share: `UserId` and other ids,
//! `Session`, `Amr` (how a user has signed in), `Role` and `ClientInfo`.
//!
//! `credentials` builds for `wasm32-unknown-unknown`, so that a web page can check input before
//! sending it to the server. In a web page, the crate uses the browser's own Unicode tables.

#[cfg(feature = "token")]
#[macro_use]
mod stored_bytes;

mod amr;
mod client;
mod clock;
#[cfg(feature = "token")]
mod decoy;
#[cfg(feature = "token")]
mod device;
#[cfg(feature = "credentials")]
mod email;
#[cfg(feature = "token")]
mod email_hash;
#[cfg(feature = "factors")]
mod factor_key;
mod id;
#[cfg(feature = "token")]
mod one_time;
#[cfg(feature = "origin")]
mod origin;
#[cfg(feature = "factors")]
mod passkey;
#[cfg(feature = "factors")]
mod passkey_name;
#[cfg(feature = "credentials")]
mod password;
mod random;
#[cfg(feature = "token")]
mod refresh;
mod roles;
#[cfg(feature = "token")]
mod secret_text;
mod session;
#[cfg(feature = "token")]
mod throttle;
#[cfg(feature = "verify")]
mod token;
#[cfg(feature = "factors")]
mod totp;
#[cfg(feature = "credentials")]
#[cfg_attr(all(target_family = "wasm", target_os = "unknown"), path = "unicode/browser.rs")]
mod unicode;

pub use amr::Amr;
pub use client::ClientInfo;
pub use clock::Clock;
#[cfg(feature = "testing")]
pub use clock::ManualClock;
#[cfg(feature = "system")]
pub use clock::SystemClock;
#[cfg(feature = "token")]
pub use decoy::{DecoyKey, DecoyPosition};
#[cfg(feature = "token")]
pub use device::{DeviceId, DeviceKey, DeviceToken, InvalidDeviceToken, KnownBrowser};
#[cfg(feature = "credentials")]
pub use email::{Email, EmailError, EmailKey};
#[cfg(feature = "token")]
pub use email_hash::EmailHash;
#[cfg(feature = "factors")]
pub use factor_key::{
    ChallengeError, ChallengePurpose, FactorKey, PasskeyChallenge, SingleUseId, Ticket,
};
#[cfg(feature = "factors")]
pub use id::PasskeyId;
pub use id::{IdError, MailId, SessionId, UserId};
pub use jiff::Timestamp;
#[cfg(feature = "token")]
pub use one_time::{
    CodeHash, EmailSignInToken, EmailSignInTokenHash, InvalidEmailSignInToken,
    InvalidInvitationToken, InvalidOneTimeCode, InvalidResetToken, InvitationToken,
    InvitationTokenHash, OneTimeCode, ResetToken, ResetTokenHash,
};
#[cfg(feature = "factors")]
pub use one_time::{InvalidRecoveryCode, RecoveryCode, RecoveryCodeHash};
#[cfg(feature = "origin")]
pub use origin::{InvalidOrigin, Origin};
#[cfg(feature = "factors")]
pub use passkey::{
    AssertionCredential, CredentialId, InvalidCredential, InvalidCredentialId, InvalidPublicKey,
    PasskeyAlgorithm, PasskeyPublicKey, PasskeyState, PasskeyStateError, PasskeysUnavailable,
    RegistrationCredential, RelyingParty, VerifiedAssertion, VerifiedRegistration,
};
#[cfg(feature = "factors")]
pub use passkey_name::{InvalidPasskeyName, PasskeyName};
#[cfg(feature = "hash")]
pub use password::{
    HashJob, HashOutcome, InvalidIterations, InvalidPasswordHash, PasswordHash, PasswordHasher,
    Verification,
};
#[cfg(feature = "credentials")]
pub use password::{NewPassword, Password, PasswordError, PasswordPolicy, PasswordPolicyError};
#[cfg(all(feature = "hash", feature = "system"))]
pub use password::{VerifyPasswordError, hash_password, needs_rehash, verify_password};
#[cfg(feature = "hash")]
pub use pbkdf2_lanes::Plan as LanePlan;
pub use random::Random;
#[cfg(feature = "system")]
pub use random::SystemRandom;
#[cfg(feature = "token")]
pub use refresh::{
    FamilyHash, InvalidRefreshToken, RefreshState, RefreshToken, RefreshTokenHash, RefreshUse,
    ReplacedToken, ReuseReason, SuccessorSalt,
};
pub use roles::{InvalidRole, Role, Roles, TooManyRoles};
pub use session::{OpenSession, Session, SessionLimits, SessionLimitsError, SessionPolicy};
#[cfg(feature = "token")]
pub use stored_bytes::InvalidStoredToken;
#[cfg(feature = "token")]
pub use throttle::{Admission, CountOutcome, Counter, CounterKey, Limit, Network, Quota};
#[cfg(feature = "factors")]
pub use throttle::{CodeFailureOutcome, CodeFailures, CodeLimit};
#[cfg(feature = "token")]
pub use token::{
    AccessToken, AccessTokens, IssuedToken, NewAccessToken, ScheduledKey, SigningKey,
    SigningKeySeed, signing_position,
};
#[cfg(feature = "verify")]
pub use token::{
    AccessTokenVerifier, Claims, CustomClaims, FetchError, InvalidCustomClaims, InvalidIssuer,
    InvalidToken, Jwk, JwkSet, KeyError, KeyFetch, Verifier, VerifyError, bearer_token,
};
#[cfg(feature = "factors")]
pub use totp::{InvalidTotpCode, TotpCode, TotpSecret, TotpStep};
