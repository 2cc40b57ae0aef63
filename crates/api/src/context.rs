//! The state that all endpoints share, and the context of one request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use accounts::http::{
    ApiError, Cookies, SEC_FETCH_SITE, SetCookie, check_origin, client_info, single,
};
use accounts::{Accounts, Caller, ClientInfo, RefreshToken};
use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit};
use warp::http::HeaderMap;

use crate::cors::Cors;
use crate::prefix::Prefix;
use crate::response_limits::ResponseLimits;

/// The state that all endpoints share.
pub(crate) struct Api {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) cookies: Cookies,
    pub(crate) response_limits: ResponseLimits,
    export_slots: Semaphore,
}

/// The maximum number of exports that are built at a time. Each one holds all data of a user in
/// memory.
const MAX_CONCURRENT_EXPORTS: usize = 2;

/// The maximum time that an export waits for others to finish.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

impl Api {
    pub(crate) fn new(accounts: Arc<Accounts>) -> Self {
        Self {
            cookies: Cookies::new(accounts.config()),
            accounts,
            response_limits: ResponseLimits::default(),
            export_slots: Semaphore::new(MAX_CONCURRENT_EXPORTS),
        }
    }

    /// Waits until an export may be built. The caller must hold the permit while it builds
    /// the export.
    pub(crate) async fn export_slot(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        match tokio::time::timeout(EXPORT_TIMEOUT, self.export_slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            // The semaphore is never closed, so the error can only be a timeout.
            Ok(Err(_)) | Err(_) => Err(ApiError::TooManyExports),
        }
    }

    /// Returns the header that clears the refresh cookie after a session has ended.
    ///
    /// Returns no header if the cookie belongs to a different session that is still active, such as
    /// one that another tab of the same browser has opened.
    pub(crate) async fn clear_ended_refresh(&self, cookie: Option<RefreshToken>) -> Vec<SetCookie> {
        let session = match cookie {
            Some(token) => self.accounts.session_for_token(&token).await,
            None => Ok(None),
        };
        match session {
            Ok(Some(_)) => Vec::new(),
            Ok(None) => vec![self.cookies.clear_refresh()],
            // The session has ended, so the request succeeds despite this error.
            Err(error) => {
                ApiError::from(error).log();
                vec![self.cookies.clear_refresh()]
            }
        }
    }
}

/// The settings of the routes of an app.
pub(crate) struct Served {
    /// The OpenAPI document as text. All responses share one copy.
    pub(crate) document: Bytes,
    pub(crate) prefix: Prefix,
    pub(crate) cors: Arc<Cors>,
}

/// The state of the API, and the parts of a request that are not in the input of the endpoint.
pub(crate) struct Context {
    pub(crate) api: Arc<Api>,
    pub(crate) served: Arc<Served>,
    pub(crate) headers: HeaderMap,
    pub(crate) ip: Option<IpAddr>,
}

impl Context {
    /// Checks that no page of another origin sends the request, except an origin that the app
    /// allows.
    pub(crate) fn check_origin(&self) -> Result<(), ApiError> {
        if self.served.cors.allowed(&self.headers).is_some() {
            return Ok(());
        }
        Ok(check_origin(&self.headers, self.api.accounts.origin())?)
    }

    /// Returns the client that sends the request.
    pub(crate) fn client(&self) -> ClientInfo {
        client_info(&self.headers, self.ip)
    }

    /// Returns the client and its device token. The token identifies a browser that has signed in
    /// to an account before.
    pub(crate) fn caller(&self) -> Caller {
        Caller { client: self.client(), device: self.api.cookies.device_token(&self.headers) }
    }

    /// Returns the refresh token in the cookie. The token has not been verified.
    pub(crate) fn refresh_cookie(&self) -> Option<RefreshToken> {
        self.api.cookies.refresh_token(&self.headers)
    }

    /// Returns the refresh token of the session that a sign-in replaces.
    ///
    /// This is the token in the cookie if one of the service's own pages sends the request, or one
    /// at an origin that the app allows (W3C Fetch Metadata). Otherwise it is `None`, because
    /// programs other than a browser may open several sessions with one cookie jar.
    pub(crate) fn replaced_refresh_cookie(&self) -> Option<RefreshToken> {
        let is_own_page = single(&self.headers, &SEC_FETCH_SITE) == Some("same-origin");
        if is_own_page || self.served.cors.is_allowed_page(&self.headers) {
            self.refresh_cookie()
        } else {
            None
        }
    }
}
