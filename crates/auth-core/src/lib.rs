//! Hash and verify passwords, issue and check access tokens, rotate refresh tokens, count
//! failed attempts.
//!
//! This crate is the part of Latchkey that does no input and no output: values, rules
//! and cryptography. It knows no network, no database and no async runtime, and it never
//! looks at a clock or a random source that it was not given (`SystemClock` and `SystemRandom`
//! are the system's, to be given). Take as much of it as you need:
//!
//! | to | | crates | built in |
//! |---|---|---|---|
//! | hash passwords | `cargo add auth-core --no-default-features --features hash,system` | 60 | 14 s, 19 s |
//! | check tokens that are issued elsewhere | `cargo add auth-core --no-default-features --features verify,system` | 50 | 31 s, 45 s |
//! | do both, and issue tokens | `cargo add auth-core` | 93 | 38 s, 56 s |
//!
//! (Crates of a build for Linux, this one and build scripts included; from scratch on two cores,
//! without and with `--release`.) A Rust of 1.95 or later and a C compiler are all that it
//! takes. Nothing is published yet: for now it is `cargo add --path …/crates/auth-core`.
//!
//! # Hash passwords
//!
//! Three functions, with the parameters of today (PBKDF2-HMAC-SHA256, 600,000 iterations) and the
//! rules of NIST 800-63B for new passwords:
//!
//! ```
//! # #[cfg(all(feature = "hash", feature = "system"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use auth_core::{hash_password, needs_rehash, verify_password};
//!
//! let stored = hash_password("a long walk along the sea")?;
//! verify_password("a long walk along the sea", &stored)?;
//! assert!(!needs_rehash(&stored));
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "hash", feature = "system")))]
//! # fn main() {}
//! ```
//!
//! A hash takes some 40 ms of one core by intention, and 4 s where dependencies are not optimised:
//! then put `[profile.dev.package."*"]` with `opt-level = 3` into `Cargo.toml`, or take the feature
//! `verify`, whose library hashes quickly in any build.
//!
//! `PasswordHasher` is the same in parts: other iterations, another policy, many at once. With
//! the features `foreign-…`, hashes that Django, Werkzeug, passlib, bcrypt, Argon2, scrypt or
//! Firebase have made are verified too ([`PasswordHash`] has the table).
//!
//! # Check tokens
//!
//! `Verifier` checks what a Latchkey elsewhere has issued, by the keys that it publishes, and
//! says when to fetch them. Where the keys are at hand, that is `AccessTokenVerifier`.
//!
//! # Issue tokens
//!
//! ```
//! # #[cfg(all(feature = "token", feature = "system"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use auth_core::{
//!     AccessTokens, Clock, SessionId, SigningKey, SystemClock, SystemRandom, UserId,
//! };
//!
//! let tokens = AccessTokens::new(
//!     "https://auth.example.com",
//!     Duration::from_secs(300),
//!     vec![SigningKey::generate(&SystemRandom)],
//! )?;
//! let now = SystemClock.now();
//! let user = UserId::generate(now, &SystemRandom);
//! let session = SessionId::generate(now, &SystemRandom);
//! let session_end = now + Duration::from_secs(12 * 60 * 60);
//! let issued = tokens.issue(user, session, now, session_end, &SystemRandom)?;
//! let claims = tokens.verify(issued.token.as_str(), now)?;
//! assert_eq!((claims.user, claims.session), (user, session));
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "token", feature = "system")))]
//! # fn main() {}
//! ```
//!
//! The session that a token names may be over: whoever issues tokens looks it up. The crates
//! `user-store` and `accounts` do that, and everything that follows from it.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `hash` (default) | `hash_password` and its kin, `PasswordHasher`, `PasswordHash`, `HashJob` |
//! | `foreign`, `foreign-…` | hashes that other systems have made |
//! | `verify` | `Verifier`, `AccessTokenVerifier`, `JwkSet`, `Claims` |
//! | `token` (default) | `verify`, and `AccessTokens`, `SigningKey`, `RefreshToken`, `Counter` (a throttle), `DeviceKey` |
//! | `credentials` (with `hash`, `token`) | `Email`, `Password`, `NewPassword`, `PasswordPolicy` |
//! | `origin` | `Origin`, the public origin of a service |
//! | `system` (default) | `SystemClock`, `SystemRandom` |
//! | `testing` | `ManualClock`, which a test moves |
//!
//! `credentials` builds for `wasm32-unknown-unknown`: the browser can run the very checks that
//! the server runs. There, Unicode's tables are the browser's own.

mod client;
mod clock;
#[cfg(feature = "token")]
mod device;
#[cfg(feature = "credentials")]
mod email;
mod id;
#[cfg(feature = "origin")]
mod origin;
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

pub use client::ClientInfo;
pub use clock::Clock;
#[cfg(feature = "testing")]
pub use clock::ManualClock;
#[cfg(feature = "system")]
pub use clock::SystemClock;
#[cfg(feature = "token")]
pub use device::{DecoyPosition, DeviceId, DeviceKey, DeviceToken, InvalidDeviceToken};
#[cfg(feature = "credentials")]
pub use email::{Email, EmailError, EmailKey};
pub use id::{IdError, SessionId, UserId};
pub use jiff::Timestamp;
#[cfg(feature = "origin")]
pub use origin::{InvalidOrigin, Origin};
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
    RefreshTokenHash, RefreshUse, ReplacedToken, SuccessorSalt,
};
pub use session::{Session, SessionLimits, SessionLimitsError, SessionPolicy};
#[cfg(feature = "token")]
pub use throttle::{Admission, CountOutcome, Counter, CounterKey, Limit};
#[cfg(feature = "token")]
pub use token::{AccessToken, AccessTokens, IssuedToken, SigningKey, SigningKeySeed};
#[cfg(feature = "verify")]
pub use token::{
    AccessTokenVerifier, Claims, FetchError, InvalidToken, Jwk, JwkSet, KeyError, Verifier,
    VerifyError,
};
