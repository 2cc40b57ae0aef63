//! Client data (Web Authentication Level 3, 5.8.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::InvalidCredential;

/// The data that the browser adds to a request. The authenticator signs their hash.
#[derive(Clone)]
pub(super) struct ClientData {
    json: Vec<u8>,
    pub(super) challenge: Vec<u8>,
    pub(super) origin: String,
    pub(super) cross_origin: bool,
    pub(super) has_top_origin: bool,
}

/// The ceremony for which a credential was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    Create,
    Get,
}

impl Ceremony {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// The members that are used. If one of them occurs twice, parsing fails. `JSON.parse` would use
/// the last one, and other parsers the first one. No browser writes such client data.
#[derive(Deserialize)]
struct Members {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin", default, deserialize_with = "is_present")]
    has_top_origin: bool,
}

/// Returns `true` for a member with any value, including `null`.
fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl ClientData {
    /// Parses the client data of a ceremony. Unknown members are ignored, because browsers may add
    /// some. A byte order mark is skipped, as the specification says. However, invalid UTF-8 is an
    /// error instead of being replaced: no browser writes it.
    ///
    /// The type is checked here, because it must be checked before the challenge, which the caller
    /// of this crate checks.
    pub(super) fn parse(json: Vec<u8>, ceremony: Ceremony) -> Result<Self, InvalidCredential> {
        let text = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&json);
        let text = str::from_utf8(text).map_err(|_| InvalidCredential::ClientData)?;
        // Serde would also read the members from an array.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(InvalidCredential::ClientData);
        }
        let members: Members =
            serde_json::from_str(text).map_err(|_| InvalidCredential::ClientData)?;
        let challenge =
            URL_SAFE_NO_PAD.decode(members.challenge).map_err(|_| InvalidCredential::ClientData)?;
        if members.ceremony != ceremony.as_str() {
            return Err(InvalidCredential::Ceremony(ceremony.as_str()));
        }
        Ok(Self {
            challenge,
            origin: members.origin,
            cross_origin: members.cross_origin.unwrap_or(false),
            has_top_origin: members.has_top_origin,
            json,
        })
    }

    /// Returns the bytes whose hash is signed.
    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }
}
