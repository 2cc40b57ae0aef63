//! Latchkey's web pages as warp filters.
//!
//! [`Pages`] adds pages to a warp app with the routes of the crate `api`: to sign up, log in and
//! reset a password, and the settings of an account. They have the app's own name, logo and
//! colours.
//!
//! ```no_run
//! use api::Auth;
//! use pages::Pages;
//! use warp::Filter as _;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let url = "http://localhost:3000";
//!     let auth = Auth::builder().sqlite("app.db").public_url(url).app_name("Notes").build().await?;
//!     let pages = Pages::new(&auth)?.accent("#5b2a86", "#c9a7e8")?.after_log_in("/notes")?;
//!     let notes = warp::path!("notes").map(|| "the notes");
//!     let routes = auth.routes().or(notes).or(auth.api_not_found()).or(pages.routes());
//!     warp::serve(routes).run(([127, 0, 0, 1], 3000)).await;
//!     Ok(())
//! }
//! ```
//!
//! In a clone of the repository, `cargo xtask pages` builds the pages. They are compiled into
//! release builds of the app. A debug build reads them from the clone.

mod accent;
mod colour;
mod encoding;
mod error;
mod files;
mod own_file;
mod pages;
mod respond;
mod routes;
mod security_headers;
mod settings;
mod template;

pub use error::PagesError;
pub use pages::Pages;
pub use security_headers::security_headers;
