use std::net::IpAddr;

use http::header::{CACHE_CONTROL, COOKIE, HeaderValue, SET_COOKIE, VARY};
use http::{HeaderMap, Method};

use super::client::client_info;
use super::cookies::{Cookies, SetCookie};
use super::error::ApiError;
use super::headers::{BearerTokenError, bearer_token};
use super::origin::check_origin;
use crate::accounts::Accounts;
use crate::authenticate::SignedIn;
use crate::refresh::RefreshError;

/// The parts of a request that authenticate its sender.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// The method of the request.
    pub method: &'a Method,
    /// The headers of the request.
    pub headers: &'a HeaderMap,
    /// The IP address of the client.
    pub ip: Option<IpAddr>,
}

/// The result of authenticating a request by its access token or its session cookie.
#[derive(Debug, Clone)]
pub struct Authentication {
    /// The user who sends the request, or the reason why it is not authenticated.
    pub user: Result<SignedIn, ApiError>,
    /// The session cookie that the response sets or clears.
    set_cookie: Option<SetCookie>,
}

impl Authentication {
    /// Authenticates a request. An access token takes precedence over the session cookie.
    ///
    /// The session cookie is the refresh cookie; see
    /// [`Accounts::authenticate_by_refresh_token`]. A request with another method than GET, HEAD or
    /// OPTIONS that carries it must come from a page of the service's own origin, because browsers
    /// add cookies to requests of other pages, too. An invalid cookie is cleared.
    ///
    /// [`finish`](Self::finish) must be called on the headers of the response.
    pub async fn new(accounts: &Accounts, cookies: &Cookies, request: Credentials<'_>) -> Self {
        let Credentials { method, headers, ip } = request;
        match bearer_token(headers) {
            Ok(token) => {
                let user = accounts.authenticate(token).await.map_err(ApiError::from);
                return Self { user, set_cookie: None };
            }
            Err(error @ BearerTokenError::Invalid) => return Self::failed(error.into(), None),
            Err(BearerTokenError::Missing) => {}
        }
        if !cookies.has_refresh(headers) {
            return Self::failed(ApiError::MissingToken, None);
        }
        if !method.is_safe()
            && let Err(error) = check_origin(headers, accounts.origin())
        {
            return Self::failed(error.into(), None);
        }
        let Some(token) = cookies.refresh_token(headers) else {
            return Self::invalid_cookie(cookies);
        };
        let client = client_info(headers, ip);
        match accounts.authenticate_by_refresh_token(&token, &client).await {
            Ok(session) => {
                let set_cookie = session.refresh.map(|issued| cookies.set_refresh(&issued));
                Self { user: Ok(session.signed_in), set_cookie }
            }
            Err(RefreshError::InvalidToken) => Self::invalid_cookie(cookies),
            Err(RefreshError::Service(error)) => Self::failed(error.into(), None),
        }
    }

    fn invalid_cookie(cookies: &Cookies) -> Self {
        let clear = cookies.clear_refresh();
        Self::failed(ApiError::InvalidRefreshToken(clear.clone()), Some(clear))
    }

    const fn failed(error: ApiError, set_cookie: Option<SetCookie>) -> Self {
        Self { user: Err(error), set_cookie }
    }

    /// Adds the headers that the response to the request needs.
    ///
    /// - The new session cookie, unless the response sets the cookie itself.
    /// - `Cache-Control: no-store`, unless the response says otherwise and sets no session cookie.
    ///   A cache that several users share must not keep their pages or cookies.
    /// - `Vary: Cookie`, so that no cache shows the page of a visitor to a user.
    pub fn finish(&self, cookies: &Cookies, response: &mut HeaderMap) {
        let sets_cookie = response.get_all(SET_COOKIE).iter().any(|it| cookies.is_refresh(it));
        if let Some(cookie) = &self.set_cookie
            && !sets_cookie
        {
            response.append(SET_COOKIE, cookie.clone().into_value());
        }
        let no_store = HeaderValue::from_static("no-store");
        if sets_cookie || self.set_cookie.is_some() {
            response.insert(CACHE_CONTROL, no_store);
        } else {
            response.entry(CACHE_CONTROL).or_insert(no_store);
        }
        let varies = |value: &HeaderValue| {
            let names = value.to_str().unwrap_or_default();
            names.split(',').any(|name| name.trim().eq_ignore_ascii_case(COOKIE.as_str()))
        };
        if !response.get_all(VARY).iter().any(varies) {
            response.append(VARY, HeaderValue::from_static("Cookie"));
        }
    }
}
