use std::net::IpAddr;

use auth_core::Origin;
use http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE, UPGRADE, VARY};
use http::{HeaderMap, Method};

use super::client::client_info;
use super::cookies::{Cookies, SetCookie};
use super::error::ApiError;
use super::headers::{BearerTokenError, SEC_FETCH_MODE, bearer_token, single};
use super::origin::{ForbiddenOrigin, check_origin, has_other_origin};
use crate::accounts::Accounts;
use crate::authenticate::SignedIn;
use crate::cookie_session::CookieSession;
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
    cookie: SessionCookie,
}

/// The change that the response makes to the session cookie.
#[derive(Debug, Clone)]
enum SessionCookie {
    /// The cookie was not used, or is not valid and cannot be cleared safely.
    Keep,
    /// The cookie is not valid.
    Clear(SetCookie),
    /// The cookie has authenticated the request, and is replaced if that is due.
    Rotate(Box<CookieSession>),
}

impl Authentication {
    /// Authenticates a request. An access token takes precedence over the session cookie.
    ///
    /// The session cookie is the refresh cookie; see [`Accounts::authenticate_by_refresh_token`].
    /// Without an access token, a request with a method other than GET, HEAD or OPTIONS, or with
    /// `Upgrade`, must come from a page of the service's own origin, because browsers add cookies
    /// to requests of other pages, too. This also holds without the cookie. In other requests, the
    /// cookie is ignored if `Origin` names another origin: a script of that origin could read the
    /// response. An invalid cookie is cleared, unless the browser sends the request in the
    /// background.
    ///
    /// [`finish`](Self::finish) must be called on the headers of the response, when the request has
    /// been handled. Only then is the cookie replaced: a request that takes long, or that its
    /// sender cancels, leaves the browser with a valid cookie.
    pub async fn new(accounts: &Accounts, cookies: &Cookies, request: Credentials<'_>) -> Self {
        let Credentials { method, headers, ip } = request;
        match bearer_token(headers) {
            Ok(token) => {
                let user = accounts.authenticate(token).await.map_err(ApiError::from);
                return Self { user, cookie: SessionCookie::Keep };
            }
            Err(error @ BearerTokenError::Invalid) => return Self::failed(error.into()),
            Err(BearerTokenError::Missing) => {}
        }
        // This comes before the next check: browsers leave the cookie out of the form of another
        // site, so it would seem to come from a visitor.
        if let Err(error) = check_sender(method, headers, accounts.origin()) {
            return Self::failed(error.into());
        }
        if !cookies.has_refresh(headers) {
            return Self::failed(ApiError::MissingToken);
        }
        // Scripts of an origin that CORS allows can read the response. A link from another site has
        // no `Origin`.
        if is_read(method, headers) && has_other_origin(headers, accounts.origin()) {
            return Self::failed(ApiError::MissingToken);
        }
        let Some(token) = cookies.refresh_token(headers) else {
            return Self::invalid_cookie(headers, cookies);
        };
        let client = client_info(headers, ip);
        match accounts.authenticate_by_refresh_token(&token, &client).await {
            Ok(session) => {
                let user = Ok(session.signed_in.clone());
                Self { user, cookie: SessionCookie::Rotate(Box::new(session)) }
            }
            Err(RefreshError::InvalidToken) => Self::invalid_cookie(headers, cookies),
            Err(RefreshError::Service(error)) => Self::failed(error.into()),
        }
    }

    fn invalid_cookie(headers: &HeaderMap, cookies: &Cookies) -> Self {
        let cookie = if is_in_background(headers) {
            SessionCookie::Keep
        } else {
            SessionCookie::Clear(cookies.clear_refresh())
        };
        Self { user: Err(ApiError::InvalidRefreshToken(None)), cookie }
    }

    const fn failed(error: ApiError) -> Self {
        Self { user: Err(error), cookie: SessionCookie::Keep }
    }

    /// Adds the headers that the response to the request needs.
    ///
    /// - The new session cookie, unless the response sets the cookie itself, or the session has
    ///   ended. If the store fails, the browser keeps its cookie.
    /// - `Cache-Control: no-store`, unless the response says otherwise and sets no session cookie.
    ///   A cache that several users share must not keep their pages, so the response to a user gets
    ///   `private`, or `no-store` instead of `public` and `s-maxage`.
    /// - `Vary: Authorization, Cookie`, so that no cache shows the page of a visitor to a user.
    pub async fn finish(&self, accounts: &Accounts, cookies: &Cookies, response: &mut HeaderMap) {
        let mut sets_cookie = response.get_all(SET_COOKIE).iter().any(|it| cookies.is_refresh(it));
        if !sets_cookie && let Some(cookie) = self.set_cookie(accounts, cookies).await {
            response.append(SET_COOKIE, cookie.into_value());
            sets_cookie = true;
        }
        if sets_cookie || !response.contains_key(CACHE_CONTROL) {
            response.insert(CACHE_CONTROL, NO_STORE);
        } else if self.user.is_ok() {
            let value = cache_control_for_user(response);
            response.insert(CACHE_CONTROL, value);
        }
        for name in ["Authorization", "Cookie"] {
            let is_listed = |value: &HeaderValue| {
                let names = value.to_str().unwrap_or_default();
                names.split(',').any(|listed| listed.trim().eq_ignore_ascii_case(name))
            };
            if !response.get_all(VARY).iter().any(is_listed) {
                response.append(VARY, HeaderValue::from_static(name));
            }
        }
    }

    /// Returns the session cookie that the response sets or clears.
    async fn set_cookie(&self, accounts: &Accounts, cookies: &Cookies) -> Option<SetCookie> {
        match &self.cookie {
            SessionCookie::Keep => None,
            SessionCookie::Clear(clear) => Some(clear.clone()),
            SessionCookie::Rotate(session) => match accounts.rotate_cookie_session(session).await {
                Ok(issued) => Some(cookies.set_refresh(&issued?)),
                Err(error) => {
                    ApiError::from(error).log();
                    None
                }
            },
        }
    }
}

/// Checks that a request that may change something comes from a page of `origin`, the service's own
/// origin. Requests that only read may come from anywhere: GET, HEAD and OPTIONS without `Upgrade`.
///
/// # Errors
///
/// [`ForbiddenOrigin`] if `Origin` or `Sec-Fetch-Site` names another origin.
fn check_sender(
    method: &Method,
    headers: &HeaderMap,
    origin: &Origin,
) -> Result<(), ForbiddenOrigin> {
    if is_read(method, headers) { Ok(()) } else { check_origin(headers, origin) }
}

/// Returns whether a request must not change anything. After the handshake of a WebSocket, which is
/// a GET, messages can.
fn is_read(method: &Method, headers: &HeaderMap) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        && !headers.contains_key(UPGRADE)
}

/// Returns whether a browser sends a request in the background: for a script, or for a part of a
/// page. Meanwhile, a log-in in another tab can end the session of the request and set a new
/// cookie. A late response that cleared the cookie would delete the new one.
fn is_in_background(headers: &HeaderMap) -> bool {
    single(headers, &SEC_FETCH_MODE).is_some_and(|mode| mode != "navigate")
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Returns the `Cache-Control` of a response to a user, which no shared cache may store.
///
/// Shared caches store a response unless it has `private` or `no-store`, or its request has
/// `Authorization` (RFC 9111, 3). A request with a session cookie does not have that header. In a
/// request with an access token, `public`, `s-maxage` and `must-revalidate` would override it (RFC
/// 9111, 3.5). `private` with an argument concerns only some headers, and caches can ignore
/// `no-store` beside `must-understand` (RFC 9111, 5.2.2).
fn cache_control_for_user(response: &HeaderMap) -> HeaderValue {
    let values = response.get_all(CACHE_CONTROL).iter().map(HeaderValue::as_bytes);
    let value = values.collect::<Vec<_>>().join(&b", "[..]);
    let lower = value.to_ascii_lowercase();
    let directives: Vec<_> = lower.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).collect();
    let has = |directive: &[u8]| directives.contains(&directive);
    if has(b"public") || directives.iter().any(|it| it.starts_with(b"s-maxage")) {
        NO_STORE
    } else if has(b"private") || (has(b"no-store") && !has(b"must-understand")) {
        HeaderValue::from_bytes(&value).unwrap_or(NO_STORE)
    } else {
        HeaderValue::from_bytes(&[&value, &b", private"[..]].concat()).unwrap_or(NO_STORE)
    }
}
