//! Latchkey's HTTP API as warp filters: extract, call `accounts`, answer.
//!
//! [`routes`] answers everything under `/api`, the key set at `/.well-known/jwks.json` and
//! the two health checks, and rejects every other path, so that an app can put its own
//! routes and pages after it:
//!
//! ```
//! use std::sync::Arc;
//! use accounts::{Accounts, Settings};
//! use api::PublicOrigin;
//! use auth_core::{SystemClock, SystemRandom};
//! use user_store::SqliteStore;
//! use warp::Filter as _;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("latchkey.db");
//! let origin = "https://auth.example.com";
//! let accounts = Accounts::start(
//!     Arc::new(SqliteStore::open(&path)?),
//!     Settings::new(origin),
//!     Arc::new(SystemClock),
//!     Arc::new(SystemRandom),
//! )
//! .await?;
//! let app = api::routes(Arc::new(accounts), PublicOrigin::exact(origin))
//!     .or(warp::path("hello").map(|| "an app's own route"));
//!
//! let answer = warp::test::request().path("/api/me").reply(&app).await;
//! assert_eq!(answer.status(), 401);
//! # Ok(())
//! # }
//! ```
//!
//! What the caller has to bring is what belongs to a connection: time limits on headers
//! and bodies, the headers that browsers protect pages by, and, where it is not warp's own
//! server that takes connections, the [`ClientAddress`] of each request, which is for
//! [`TrustedProxies`] to say where there are proxies.

mod client;
mod cookie;
mod error;
mod handlers;
mod incoming;
mod origin;
mod proxies;
mod reply;
mod routes;
mod shown;
#[cfg(feature = "testing")]
pub mod testing;
mod unread;

pub use client::ClientAddress;
pub use origin::PublicOrigin;
pub use proxies::{InvalidNetwork, TrustedProxies, TrustedProxy};
pub use reply::{internal_error, method_not_allowed, not_found};
pub use routes::routes;

use std::sync::Arc;

use accounts::Accounts;
use cookie::Cookies;

/// What every handler works with.
#[derive(Clone)]
struct Api {
    accounts: Arc<Accounts>,
    origin: Arc<PublicOrigin>,
    cookies: Arc<Cookies>,
}
