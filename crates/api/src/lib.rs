//! Latchkey's HTTP API as warp filters: extract, call `accounts`, answer.
//!
//! [`Auth`] is the front door: an app of one's own gets sign-up, log-in, sessions and log-out in
//! about ten lines, with the guard for its own routes.
//!
//! ```no_run
//! use api::{Auth, Guarded};
//! use warp::Filter as _;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let auth = Auth::builder().sqlite("app.db").public_url("http://localhost:3000").build().await?;
//!     let private = warp::path!("private")
//!         .and(auth.require_user())
//!         .map(|user: Guarded| user.map(|user| format!("hello {}", user.email())));
//!     warp::serve(auth.routes().or(private)).run(([127, 0, 0, 1], 3000)).await;
//!     Ok(())
//! }
//! ```
//!
//! | feature | brings |
//! |---|---|
//! | `sqlite` (default) | accounts in an embedded file |
//! | `foreign` (default) | log-ins with hashes that other systems have made |
//! | `testing` | `Builder::weak_hashes_for_tests`, for an app's own tests; and what reads requests, for tests that feed it with anything |
//!
//! Where it is not warp's own server that takes connections, the [`ClientAddress`] of each
//! request is for whoever runs them to say.

mod auth;
mod client;
mod cookie;
mod error;
mod handlers;
mod incoming;
mod openapi;
mod proxies;
mod refusal;
mod reply;
mod routes;
mod shown;
#[cfg(feature = "testing")]
pub mod testing;
mod unread;

pub use accounts;
pub use accounts::{AccountEvent, BuildError, Origin, SignedIn};
pub use auth::{Auth, Guarded};
pub use client::ClientAddress;
pub use openapi::openapi;
pub use proxies::{InvalidNetwork, TrustedProxies, TrustedProxy};
pub use refusal::Refusal;
pub use reply::{internal_error, method_not_allowed, not_found};
pub use routes::api_not_found;

use std::sync::Arc;

use accounts::Accounts;
use cookie::Cookies;

/// What every handler works with.
#[derive(Clone)]
struct Api {
    accounts: Arc<Accounts>,
    cookies: Arc<Cookies>,
    proxies: Arc<TrustedProxies>,
}
