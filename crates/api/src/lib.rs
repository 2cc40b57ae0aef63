//! Latchkey's HTTP API as warp filters.
//!
//! With [`Auth`], a warp app gets routes for sign-up, sign-in, sign-out and sessions in about ten
//! lines, and a guard for its own routes.
//!
//! ```no_run
//! use api::{Auth, SignedIn};
//! use warp::Filter as _;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let auth = Auth::builder().sqlite("app.db").public_url("http://localhost:3000").build().await?;
//!     let private = auth.guarded(warp::path!("private"), async |user: SignedIn| {
//!         format!("hello {}", user.email())
//!     });
//!     warp::serve(auth.routes().or(private)).run(([127, 0, 0, 1], 3000)).await;
//!     Ok(())
//! }
//! ```
//!
//! | feature | provides |
//! |---|---|
//! | `sqlite` (default) | `Builder::sqlite`, which stores accounts in a SQLite file |
//! | `postgres` | `Builder::postgres`, which stores accounts in a PostgreSQL database |
//! | `foreign` (default) | verification of password hashes imported from other systems |
//! | `testing` | `Builder::for_tests` and the module `testing`, for an app's own tests |
//!
//! A server other than warp's own must set the [`ClientAddress`] of each request.

mod auth;
mod body;
mod client_module;
mod context;
mod convert;
mod cors;
mod endpoint;
mod endpoints;
mod guard;
mod input;
mod log_out_form;
mod openapi;
mod output;
mod part;
mod prefix;
mod problem;
mod response_limits;
mod router;
#[cfg(feature = "testing")]
pub mod testing;
mod unauthenticated;

pub use accounts;
pub use accounts::http::{ClientAddress, InvalidNetwork, TrustedProxies, TrustedProxy};
pub use accounts::{
    AccountEvent, BuildError, EventKind, InvalidRole, Origin, Role, SignUpRefusal, SignUpRequest,
    SignedIn, Start,
};
pub use auth::Auth;
pub use endpoints::openapi;
pub use guard::{Guard, GuardWith, GuardedHandler, GuardedHandlerWith};
pub use part::Part;
pub use prefix::InvalidPrefix;
pub use problem::{internal_error, method_not_allowed, not_found, problem};
pub use unauthenticated::Unauthenticated;
