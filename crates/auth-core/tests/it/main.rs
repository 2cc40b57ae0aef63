//! What `auth-core` promises, seen from outside.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says where, and stops"
)]

#[cfg(feature = "credentials")]
mod email;
#[cfg(all(feature = "foreign", feature = "system"))]
mod foreign;
#[cfg(feature = "hash")]
mod hash;
#[cfg(feature = "credentials")]
mod password;
#[cfg(feature = "token")]
mod refresh;
#[cfg(feature = "system")]
mod session;
#[cfg(all(feature = "token", feature = "testing"))]
mod throttle;
#[cfg(feature = "token")]
mod token;
