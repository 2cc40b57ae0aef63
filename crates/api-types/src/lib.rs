//! The JSON that Latchkey's server and its clients exchange.
//!
//! The server and the web app share these definitions, so an incompatible change does not compile.
//! Times are RFC 3339 strings in UTC. Ids are UUID strings. Names are in `snake_case`.
//!
//! ```
//! use api_types::{ErrorCode, Problem};
//!
//! let problem: Problem = serde_json::from_str(
//!     r#"{"type":"about:blank","title":"Conflict","status":409,
//!         "detail":"An account with this email address already exists.","code":"email_taken"}"#,
//! )?;
//! assert_eq!(problem.code, ErrorCode::EmailTaken);
//! # Ok::<(), serde_json::Error>(())
//! ```

#[macro_use]
mod named;
mod activity;
mod factors;
mod pages;
mod problem;
mod request;
mod response;

pub use activity::*;
pub use factors::*;
pub use pages::*;
pub use problem::*;
pub use request::*;
pub use response::*;
