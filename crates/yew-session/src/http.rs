use std::borrow::Cow;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use js_sys::{Function, Promise, Reflect};
use serde::Serialize;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, RequestMode, Response};

use crate::browser;
use crate::error::ApiError;
use crate::locks::Lock;

// `gloo-net` is not used: it has no `keepalive`, which some requests need.

/// How long to wait for a response. The server's own limit for a request is 30 s.
const TIMEOUT_MS: u32 = 30_000;

/// A request to the origin of the page, sent with `fetch`.
pub struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: Cow<'static, str>,
    /// The body, in JSON.
    pub(crate) body: Option<String>,
    /// `true` if the browser should complete the request even if the tab is closed before the
    /// response arrives.
    pub(crate) keepalive: bool,
    pub(crate) timeout_ms: u32,
    /// `true` if the response replaces the refresh cookie, which all tabs share.
    pub(crate) replaces_cookie: bool,
}

impl Request {
    /// Returns a request without a body.
    #[must_use]
    pub fn new(method: &'static str, path: impl Into<Cow<'static, str>>) -> Self {
        Self {
            method,
            path: path.into(),
            body: None,
            keepalive: false,
            timeout_ms: TIMEOUT_MS,
            replaces_cookie: false,
        }
    }

    /// Returns a request with a body in JSON. The keys of maps in the body must be strings.
    #[must_use]
    pub fn with_body(
        method: &'static str,
        path: impl Into<Cow<'static, str>>,
        body: &impl Serialize,
    ) -> Self {
        // This fails only for a map whose keys are no strings.
        let body = serde_json::to_string(body).unwrap_or_default();
        Self { body: Some(body), ..Self::new(method, path) }
    }
}

/// A response without an error status.
pub struct Success {
    /// The HTTP status.
    pub status: u16,
    /// The body, as text.
    pub body: String,
}

/// Sends a request, with an access token if there is one, and returns the response. An error status
/// is an error.
///
/// The future is boxed here and in some other places, so that not each of its many callers contains
/// the code for its states. This makes a first visit of Latchkey's own pages 1 kB smaller.
pub(crate) fn send<'a>(
    request: &'a Request,
    token: Option<&'a str>,
) -> LocalBoxFuture<'a, Result<Success, ApiError>> {
    send_unboxed(request, token).boxed_local()
}

async fn send_unboxed(request: &Request, token: Option<&str>) -> Result<Success, ApiError> {
    let _lock = if request.replaces_cookie { Some(Lock::acquire().await) } else { None };
    // All failures of `fetch` are one error: there was no response.
    let (response, body) = fetch(request, token).await.map_err(|_| ApiError::Unreachable)?;
    if response.ok() {
        return Ok(Success { status: response.status(), body });
    }
    let retry_after = response.headers().get("Retry-After").ok().flatten();
    Err(ApiError::rejected(response.status(), retry_after.as_deref(), &body))
}

async fn fetch(request: &Request, token: Option<&str>) -> Result<(Response, String), JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    // The binding of `fetch` in web-sys does not catch exceptions, but extensions replace `fetch`.
    let fetch: Function = Reflect::get(&window, &"fetch".into())?.dyn_into()?;
    let response =
        fetch.call2(&window, &JsValue::from_str(&request.path), init(request, token)?.as_ref())?;
    let response: Response = JsFuture::from(Promise::resolve(&response)).await?.dyn_into()?;
    let body = JsFuture::from(response.text()?).await?;
    Ok((response, body.as_string().unwrap_or_default()))
}

fn init(request: &Request, token: Option<&str>) -> Result<RequestInit, JsValue> {
    let headers = Headers::new()?;
    headers.set("Accept", "application/json")?;
    if let Some(token) = token {
        headers.set("Authorization", &format!("Bearer {token}"))?;
    }
    let init = RequestInit::new();
    init.set_method(request.method);
    // The token must not reach another origin, not even after a redirect.
    init.set_mode(RequestMode::SameOrigin);
    init.set_signal(browser::timeout_signal(request.timeout_ms).as_ref());
    if let Some(body) = &request.body {
        headers.set("Content-Type", "application/json")?;
        init.set_body(&JsValue::from_str(body));
    }
    if request.keepalive {
        // web-sys has no setter for `keepalive`.
        Reflect::set(&init, &JsValue::from_str("keepalive"), &JsValue::TRUE)?;
    }
    init.set_headers(&headers);
    Ok(init)
}
