//! Hash and verify passwords, issue and check access tokens, rotate refresh tokens, count
//! failed attempts.
//!
//! This crate is the part of Latchkey that does no input and no output: values, rules
//! and cryptography. It knows no network, no database and no async runtime, and it never
//! looks at a clock or a random source that it was not given.
//!
//! ```
//! use std::time::Duration;
//! use auth_core::{
//!     AccessTokens, Clock, Email, NewPassword, Password, PasswordHasher, PasswordPolicy,
//!     SessionId, SigningKey, SystemClock, SystemRandom, UserId, Verification,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // At sign-up: parse what was typed, hash the password, keep the hash.
//! let email = Email::parse("ada@example.com")?;
//! let password = NewPassword::parse(
//!     "a long walk along the sea",
//!     &PasswordPolicy::default(),
//!     &[email.as_str()],
//! )?;
//! # let hasher = PasswordHasher::new(1_000)?;
//! # #[cfg(any())]
//! let hasher = PasswordHasher::default(); // 600,000 iterations
//! let stored = hasher.hash(&password, &SystemRandom).to_text();
//! assert!(stored.starts_with("$pbkdf2-sha256$i="));
//!
//! // At log-in: compare in constant time; an account that does not exist costs the same.
//! let presented = Password::new("a long walk along the sea");
//! let verification = hasher.verify(&presented, Some(&stored.parse()?));
//! assert_eq!(verification, Verification::Match);
//! assert_eq!(hasher.verify(&presented, None), Verification::Mismatch);
//!
//! // A token for five minutes, and its check.
//! let now = SystemClock.now();
//! let tokens = AccessTokens::new(
//!     "https://auth.example.com",
//!     Duration::from_secs(300),
//!     vec![SigningKey::generate(&SystemRandom)],
//! )?;
//! let user = UserId::generate(now, &SystemRandom);
//! let session = SessionId::generate(now, &SystemRandom);
//! let session_end = now + Duration::from_secs(12 * 60 * 60);
//! let issued = tokens.issue(user, session, now, session_end, &SystemRandom)?;
//! let claims = tokens.verify(issued.token.as_str(), now)?;
//! assert_eq!((claims.user, claims.session), (user, session));
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `hash` (default) | `PasswordHasher`, `PasswordHash`, `HashJob` |
//! | `token` (default) | `AccessTokens`, `AccessTokenVerifier`, `SigningKey`, `JwkSet`, `RefreshToken`, `Counter` (a throttle), `DeviceKey` |
//! | `system` (default) | `SystemClock`, `SystemRandom` |
//! | `testing` | `ManualClock`, which a test moves |
//!
//! Without any of them what is left is the vocabulary ([`Email`], [`Password`] and its
//! policy, ids, session rules), which builds for `wasm32-unknown-unknown`: the browser can
//! run the very checks that the server runs. There, Unicode's tables are the browser's own.

/// Runs the example in the project's README as a test.
#[cfg(all(doctest, feature = "hash", feature = "token", feature = "system"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

mod client;
mod clock;
#[cfg(feature = "token")]
mod device;
#[cfg(feature = "credentials")]
mod email;
mod id;
#[cfg(feature = "credentials")]
mod password;
mod random;
#[cfg(feature = "token")]
mod refresh;
#[cfg(feature = "token")]
mod secret_text;
mod session;
#[cfg(feature = "token")]
mod throttle;
#[cfg(feature = "verify")]
mod token;
#[cfg(feature = "credentials")]
#[cfg_attr(all(target_family = "wasm", target_os = "unknown"), path = "unicode/browser.rs")]
mod unicode;

pub use client::Client;
pub use clock::Clock;
#[cfg(feature = "testing")]
pub use clock::ManualClock;
#[cfg(feature = "system")]
pub use clock::SystemClock;
#[cfg(feature = "token")]
pub use device::{DeviceId, DeviceKey, DeviceToken, InvalidDeviceToken};
#[cfg(feature = "credentials")]
pub use email::{Email, EmailError, EmailKey};
pub use id::{IdError, SessionId, UserId};
pub use jiff::Timestamp;
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
    FamilyHash, InvalidRefreshToken, InvalidStoredToken, RefreshState, RefreshToken,
    RefreshTokenHash, RefreshUse, Replaced, SuccessorSalt,
};
pub use session::{Session, SessionLimits, SessionLimitsError, SessionPolicy};
#[cfg(feature = "token")]
pub use throttle::{Admission, Counter, CounterKey, Limit};
#[cfg(feature = "token")]
pub use token::{AccessToken, AccessTokens, IssuedToken, SigningKey, SigningKeySeed};
#[cfg(feature = "verify")]
pub use token::{
    AccessTokenVerifier, Claims, FetchError, InvalidToken, Jwk, JwkSet, KeyError, Verifier,
    VerifyError,
};
