//! Tests of the public API of `auth-core`.
//!
//! Each module requires the features that it tests. The feature `credentials`, which the browser
//! uses, is also tested without any other feature.

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

#[cfg(all(feature = "system", feature = "testing", feature = "token"))]
mod counter_keys;
#[cfg(all(feature = "system", feature = "testing", feature = "token"))]
mod device;
#[cfg(feature = "credentials")]
mod email;
#[cfg(all(feature = "foreign", feature = "system"))]
mod foreign;
#[cfg(all(feature = "hash", feature = "system"))]
mod hash;
mod id;
#[cfg(feature = "factors")]
mod passkey;
#[cfg(feature = "credentials")]
mod password;
#[cfg(all(feature = "system", feature = "token"))]
mod refresh;
#[cfg(feature = "system")]
mod session;
#[cfg(all(feature = "system", feature = "testing", feature = "token"))]
mod throttle;
#[cfg(all(feature = "system", feature = "token"))]
mod token;
