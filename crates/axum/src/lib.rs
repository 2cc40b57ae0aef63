//! Accounts, sessions in cookies and log-in forms for axum apps.
//!
//! With [`Auth`], an app whose pages are rendered on the server gets the routes `/login`, `/signup`
//! and `/logout`, and the extractor [`User`] for its own routes.
//!
//! ```no_run
//! use axum::{Router, response::Html, routing::get};
//! use axum_accounts::{Auth, User, escape_html};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let auth = Auth::builder().sqlite("app.db").public_url("http://localhost:3000").build().await?;
//!     let app = Router::new()
//!         .route("/", get(async |user: User| Html(format!("hello {}", escape_html(user.email())))))
//!         .merge(auth.forms(|page| Html(page.to_html())))
//!         .layer(auth.layer());
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     let app = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
//!     Ok(axum::serve(listener, app).await?)
//! }
//! ```
//!
//! # Sessions
//!
//! A log-in sets one cookie, which scripts cannot read. [`User`] looks its session up in the store
//! with every request, so a session that ends on one server has ended on all. The cookie is
//! replaced every few minutes, within a request: a stolen copy ends the session when either side
//! uses the old one. It remains valid until the handler has returned, and 30 seconds longer. See
//! [`Accounts::authenticate_by_refresh_token`](accounts::Accounts::authenticate_by_refresh_token).
//!
//! - A request with a method other than GET, HEAD or OPTIONS, or the handshake of a WebSocket, must
//!   come from a page of the app's own origin. So a handler of a GET request must not change
//!   anything.
//! - Responses to requests whose user was extracted have `Cache-Control: no-store`, unless the
//!   handler sets another value, and `Vary: Authorization, Cookie`. Shared caches cannot store the
//!   response to a user: it gets `private`, or `no-store` instead of `public` and `s-maxage`.
//! - If the store fails, the response is a 503, and the user stays signed in.
//!
//! [`User`] accepts access tokens (`Authorization: Bearer …`), too.
//!
//! # Features
//!
//! | feature | provides |
//! |---|---|
//! | `sqlite` (default) | `Builder::sqlite`, which stores accounts in a SQLite file |
//! | `postgres` | `Builder::postgres`, which stores accounts in a PostgreSQL database |
//! | `foreign` (default) | verification of password hashes imported from other systems |
//! | `testing` | `Builder::for_tests`, for an app's own tests |

mod auth;
mod form;
mod form_page;
mod forms;
mod layer;
mod rejection;
mod request;
mod shared;
mod user;

pub use accounts;
pub use accounts::http::{
    ClientAddress, InvalidNetwork, TrustedProxies, TrustedProxy, escape_html,
};
pub use accounts::{AccountEvent, BuildError, Origin, SameSite, SignedIn};
pub use auth::Auth;
pub use form_page::{FormKind, FormPage};
pub use layer::{AuthLayer, AuthService};
pub use rejection::{Rejection, problem};
pub use user::{User, UserBeforeEnrolment};
