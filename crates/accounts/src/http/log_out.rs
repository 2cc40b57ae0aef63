use std::net::IpAddr;

use http::HeaderMap;

use super::client::client_info;
use super::cookies::{Cookies, SetCookie};
use super::error::ApiError;
use super::origin::check_origin;
use crate::accounts::Accounts;

/// Handles a log-out form: ends the session of its cookie on all servers. Returns the headers that
/// delete the session cookie and the cookie of an unfinished log-in.
///
/// A request from a page of another origin is rejected. One without a session succeeds: its sender
/// is already signed out.
///
/// # Errors
///
/// [`ApiError`] for a page of another origin, or if the store fails. In both cases, the session may
/// still be active, so the browser must keep its cookies and can try again.
pub async fn log_out(
    accounts: &Accounts,
    cookies: &Cookies,
    headers: &HeaderMap,
    ip: Option<IpAddr>,
) -> Result<[SetCookie; 2], ApiError> {
    check_origin(headers, accounts.origin())?;
    let client = client_info(headers, ip);
    // If there are two session cookies, the user expects to be logged out from both.
    for token in cookies.refresh_tokens(headers) {
        accounts.sign_out_by_refresh_token(&token, &client).await?;
    }
    Ok([cookies.clear_refresh(), cookies.clear_ticket()])
}
