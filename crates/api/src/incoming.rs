use std::net::IpAddr;
use std::sync::Arc;

use accounts::{Caller, ClientInfo, RefreshToken, SignedIn};
use api_types::{Empty, RequestBody};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::Value;
use warp::http::HeaderMap;
use warp::http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN,
};
use warp::{Filter, Rejection};

use crate::client::{Sender, client, sender};
use crate::error::ApiError;
use crate::{Api, TrustedProxies};

/// The most that a body may hold, in bytes.
const MAX_BODY: usize = 16 * 1024;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request whose path and method are known.
///
/// The methods that consume it are the ways to go on, and each checks what it needs in the
/// one order that the API promises: size, content type, origin, token, JSON.
pub(crate) struct Incoming {
    headers: HeaderMap,
    body: Result<Body, ApiError>,
    ip: Option<IpAddr>,
}

/// A body of a size that is taken: none if it broke off, or took too long.
struct Body(Option<Bytes>);

/// Extracts the request; never rejects.
pub(crate) fn incoming(
    proxies: &Arc<TrustedProxies>,
) -> impl Filter<Extract = (Incoming,), Error = Rejection> + Clone + use<> {
    let proxies = Arc::clone(proxies);
    warp::header::headers_cloned().and(sender()).and(warp::body::stream()).then(
        move |headers: HeaderMap, sender: Sender, stream| {
            let ip = sender.address(&headers, &proxies);
            async move {
                let body = read_body(&headers, stream).await;
                Incoming { headers, body, ip }
            }
        },
    )
}

impl Body {
    fn is_empty(&self) -> bool {
        self.0.as_ref().is_some_and(Bytes::is_empty)
    }
}

impl Incoming {
    /// The program that sends the request.
    pub(crate) fn client(&self) -> ClientInfo {
        client(self.ip, &self.headers)
    }

    /// The same, and whether it is a browser that has signed in before.
    pub(crate) fn caller(&self, api: &Api) -> Caller {
        Caller { client: self.client(), device: api.cookies.device_token(&self.headers) }
    }

    /// The refresh token that the program has, whatever the request is about.
    pub(crate) fn held_refresh_token(&self, api: &Api) -> Option<RefreshToken> {
        api.cookies.refresh_token(&self.headers)
    }

    /// The refresh token of the session that a log-in takes the place of: the one that the
    /// browser has, if a page of ours sends the log-in (W3C Fetch Metadata). A program may
    /// well have several sessions and one place for cookies.
    pub(crate) fn replaced_refresh_token(&self, api: &Api) -> Option<RefreshToken> {
        let is_page = only(&self.headers, SEC_FETCH_SITE) == Some("same-origin");
        self.held_refresh_token(api).filter(|_| is_page)
    }

    /// The body of a request that anybody may send.
    pub(crate) fn body<B>(self, api: &Api) -> Result<B, ApiError>
    where
        B: RequestBody + DeserializeOwned,
    {
        let body = self.body?;
        check_content_type(&self.headers)?;
        check_origin(&self.headers, api)?;
        parse(&body)
    }

    /// The refresh token of a request that renews a session, and has nothing else to say.
    pub(crate) async fn refresh_token(self, api: &Api) -> Result<RefreshToken, ApiError> {
        let body = self.body?;
        check_content_type(&self.headers)?;
        check_origin(&self.headers, api)?;
        let refused = || ApiError::InvalidRefreshToken(api.cookies.clear_refresh());
        let token = api.cookies.refresh_token(&self.headers).ok_or_else(refused)?;
        match parse(&body) {
            Ok(Empty {}) => Ok(token),
            // Using the token would tell whether it is good, and use it up.
            Err(error) => match api.accounts.session_for_token(&token).await? {
                Some(_) => Err(error),
                None => Err(refused()),
            },
        }
    }

    /// The sender of a request that changes nothing.
    pub(crate) async fn user(self, api: &Api) -> Result<SignedIn, ApiError> {
        self.body?;
        authenticate(&self.headers, api).await
    }

    /// The sender and the body of a request that changes something.
    pub(crate) async fn user_and_body<B>(self, api: &Api) -> Result<(SignedIn, B), ApiError>
    where
        B: RequestBody + DeserializeOwned,
    {
        let body = self.body?;
        check_content_type(&self.headers)?;
        check_origin(&self.headers, api)?;
        let user = authenticate(&self.headers, api).await?;
        Ok((user, parse(&body)?))
    }

    /// The sender of a request whose method and path say all: without a body it needs no
    /// type. (No form of another site can send a DELETE, and no page of one a token.)
    pub(crate) async fn user_who_deletes(self, api: &Api) -> Result<SignedIn, ApiError> {
        let body = self.body?;
        if !body.is_empty() {
            check_content_type(&self.headers)?;
        }
        check_origin(&self.headers, api)?;
        let user = authenticate(&self.headers, api).await?;
        parse(&body).map(|Empty {}| user)
    }
}

async fn read_body<S, B>(headers: &HeaderMap, stream: S) -> Result<Body, ApiError>
where
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    // What says that it is too large is not even read.
    let declared =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > MAX_BODY as u64) {
        return Err(ApiError::PayloadTooLarge);
    }
    let mut stream = std::pin::pin!(stream);
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let Ok(mut chunk) = chunk else { return Ok(Body(None)) };
        if body.len() + chunk.remaining() > MAX_BODY {
            return Err(ApiError::PayloadTooLarge);
        }
        while chunk.has_remaining() {
            let part = chunk.chunk();
            body.extend_from_slice(part);
            chunk.advance(part.len());
        }
    }
    Ok(Body(Some(body.freeze())))
}

/// Demands `application/json`, whose charset can be nothing but UTF-8 (RFC 8259, 8.1), and
/// no content coding. A form of another site cannot send this type.
fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let essence =
        only(headers, CONTENT_TYPE).and_then(|value| value.split(';').next()).map(str::trim);
    let plain = !headers.contains_key(CONTENT_ENCODING)
        || only(headers, CONTENT_ENCODING)
            .is_some_and(|coding| coding.eq_ignore_ascii_case("identity"));
    match essence {
        Some(essence) if essence.eq_ignore_ascii_case("application/json") && plain => Ok(()),
        _ => Err(ApiError::UnsupportedMediaType),
    }
}

/// Rejects a request that another origin's page has sent, according to `Origin` and
/// `Sec-Fetch-Site` (OWASP ASVS 5.0, 3.5.1 and 3.5.3). Programs other than browsers send neither,
/// and are not rejected.
fn check_origin(headers: &HeaderMap, api: &Api) -> Result<(), ApiError> {
    let origin = api.accounts.origin();
    let is_own = |value: &HeaderValue| origin.matches(value.as_bytes());
    let is_same_site = |value: &HeaderValue| matches!(value.as_bytes(), b"same-origin" | b"none");
    if headers.get_all(ORIGIN).iter().all(is_own)
        && headers.get_all(SEC_FETCH_SITE).iter().all(is_same_site)
    {
        Ok(())
    } else {
        Err(ApiError::ForbiddenOrigin)
    }
}

pub(crate) async fn authenticate(headers: &HeaderMap, api: &Api) -> Result<SignedIn, ApiError> {
    let token = bearer_token(headers)?;
    Ok(api.accounts.authenticate(token).await?)
}

/// The token of `Authorization: Bearer …` (RFC 6750, 2.1), from one header and no second.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<&str, ApiError> {
    if !headers.contains_key(AUTHORIZATION) {
        return Err(ApiError::MissingToken);
    }
    let value = only(headers, AUTHORIZATION).ok_or(ApiError::InvalidToken)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => Ok(token),
        None if value.eq_ignore_ascii_case("Bearer") => Err(ApiError::InvalidToken),
        _ => Err(ApiError::MissingToken),
    }
}

/// The value of a header that is there once and is plain text.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn parse<B>(body: &Body) -> Result<B, ApiError>
where
    B: RequestBody + DeserializeOwned,
{
    let Body(Some(body)) = body else { return Err(ApiError::MalformedJson) };
    parse_json(body)
}

/// Tells a text that is no JSON from JSON of another shape, and takes no array for an
/// object, as serde by itself would.
pub(crate) fn parse_json<B>(body: &[u8]) -> Result<B, ApiError>
where
    B: RequestBody + DeserializeOwned,
{
    let body: &[u8] = if body.is_empty() && B::MAY_BE_EMPTY { b"{}" } else { body };
    let value: Value = serde_json::from_slice(body).map_err(|_| ApiError::MalformedJson)?;
    if !value.is_object() {
        return Err(ApiError::InvalidRequest(B::SHAPE));
    }
    // Once more from the text: a `Value` has already dropped repeated members.
    serde_json::from_slice(body).map_err(|_| ApiError::InvalidRequest(B::SHAPE))
}
