//! The rules for requests and cookies that the crates for web frameworks share: cookies, the check
//! of the origin, access tokens, the IP address of the client, and error responses. (Feature
//! `http`.)
//!
//! An app that uses one of those crates does not need this module.

mod authentication;
mod client;
mod cookies;
mod error;
mod escape;
mod headers;
mod json;
mod log_in;
mod log_out;
mod origin;
mod page_script;
mod problem;
mod proxies;
mod requirements;

pub use authentication::{Authentication, Credentials};
pub use client::{ClientAddress, client_info, client_ip};
pub use cookies::{Cookies, SetCookie};
pub use error::{ApiError, FactorField, Source, passkey_name_error, rejected_credential};
pub use escape::escape_html;
pub use headers::{BearerTokenError, SEC_FETCH_SITE, bearer_token, single};
pub use json::check_json;
pub use log_in::{Navigation, encode_path, log_in_location, safe_next};
pub use log_out::log_out;
pub use origin::{ForbiddenOrigin, check_origin};
pub use page_script::PAGE_SCRIPT;
pub use problem::{app_problem, error_page, error_response};
pub use proxies::{InvalidNetwork, TrustedProxies, TrustedProxy};
pub use requirements::{EmailRequirement, Enrolment, Freshness, Requirements, authenticate};
