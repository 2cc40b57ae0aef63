//! Request bodies: reading them within the size limit, and parsing them as JSON.

use std::pin::Pin;

use accounts::http::ApiError;
use api_types::RequestBody;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::Value;
use warp::http::HeaderMap;
use warp::http::header::CONTENT_LENGTH;

/// The maximum size of a body, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// A body that has not been read yet.
pub(crate) struct UnreadBody(Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>);

/// A body within the size limit.
pub(crate) enum Body {
    Complete(Bytes),
    /// The client stopped sending or took too long.
    Incomplete,
}

impl UnreadBody {
    pub(crate) fn new<B: Buf>(
        stream: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
    ) -> Self {
        let copied =
            stream.map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining())));
        Self(Box::pin(copied))
    }

    /// Reads the body of a request to the API, unless it is too large.
    pub(crate) async fn read(self, headers: &HeaderMap) -> Result<Body, ApiError> {
        self.read_up_to(MAX_BODY_BYTES, headers).await
    }

    /// Reads the body, unless it is larger than `limit`.
    pub(crate) async fn read_up_to(
        mut self,
        limit: usize,
        headers: &HeaderMap,
    ) -> Result<Body, ApiError> {
        // A body whose declared length is too large is not read at all.
        let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let declared = declared.and_then(|length| length.parse::<u64>().ok());
        if declared.is_some_and(|length| length > limit as u64) {
            return Err(ApiError::PayloadTooLarge(limit as u64));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = self.0.next().await {
            let Ok(chunk) = chunk else { return Ok(Body::Incomplete) };
            if body.len() + chunk.len() > limit {
                return Err(ApiError::PayloadTooLarge(limit as u64));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Body::Complete(body.freeze()))
    }
}

impl Body {
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Complete(bytes) if bytes.is_empty())
    }

    pub(crate) fn parse<B>(&self) -> Result<B, ApiError>
    where
        B: RequestBody + DeserializeOwned,
    {
        match self {
            Self::Complete(bytes) => parse_json(bytes),
            Self::Incomplete => Err(ApiError::MalformedJson),
        }
    }

    /// Parses the body of a request to the app as a JSON object. The error names what is wrong with
    /// its shape.
    pub(crate) fn parse_for_app<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        match self {
            Self::Complete(bytes) => parse_app_json(bytes),
            Self::Incomplete => Err(ApiError::MalformedJson),
        }
    }
}

/// Parses a JSON object. Text that is not JSON and JSON of the wrong shape cause different errors.
/// Rejects arrays, which serde would accept for a struct.
pub(crate) fn parse_json<B>(body: &[u8]) -> Result<B, ApiError>
where
    B: RequestBody + DeserializeOwned,
{
    let body: &[u8] = if body.is_empty() && B::MAY_BE_EMPTY { b"{}" } else { body };
    let value: Value = serde_json::from_slice(body).map_err(|_| ApiError::MalformedJson)?;
    if !value.is_object() {
        return Err(ApiError::InvalidRequest(B::SHAPE.into()));
    }
    // Parse the text again, because the `Value` has lost duplicate keys.
    serde_json::from_slice(body).map_err(|_| ApiError::InvalidRequest(B::SHAPE.into()))
}

/// Parses a JSON object for the app. The error says why its shape is wrong.
fn parse_app_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let value: Value = serde_json::from_slice(body).map_err(|_| ApiError::MalformedJson)?;
    if !value.is_object() {
        return Err(ApiError::InvalidRequest("a JSON object".into()));
    }
    // Parse the text again, because the `Value` has lost duplicate keys.
    serde_json::from_slice(body).map_err(|error| {
        ApiError::InvalidRequest(format!("a JSON object of the required shape: {error}").into())
    })
}
