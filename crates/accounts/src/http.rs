//! The rules for requests and cookies that the crates for web frameworks share: cookies, the
//! check of the origin, access tokens, and the IP address of the client. (Feature `http`.)
//!
//! An app that uses one of those crates does not need this module.

mod client;
mod cookies;
mod headers;
mod origin;
mod proxies;

pub use client::{ClientAddress, client_ip};
pub use cookies::{Cookies, SetCookie};
pub use headers::{BearerTokenError, SEC_FETCH_SITE, bearer_token, single};
pub use origin::{ForbiddenOrigin, check_origin};
pub use proxies::{InvalidNetwork, TrustedProxies, TrustedProxy};
