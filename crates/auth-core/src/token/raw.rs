//! The JSON parts of an access token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ALG, TYP};

/// The header of a token (RFC 7515, 4.1).
///
/// It must have exactly the members that tokens are issued with. A token with an embedded key, a
/// critical extension or a member that is `null` is rejected.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// The claims of a token (RFC 7519, 4.1; RFC 9068, 2.2 and 2.2.1). All except `roles` are required
/// and must have exactly these types: an `aud` that is a list is rejected. Other claims are those
/// of the app.
#[derive(Serialize, Deserialize)]
pub(super) struct RawClaims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: String,
    pub(super) client_id: String,
    pub(super) sid: String,
    pub(super) jti: String,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    pub(super) auth_time: i64,
    pub(super) amr: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) roles: Vec<String>,
    #[serde(flatten)]
    pub(super) custom: Map<String, Value>,
}

impl RawHeader {
    /// Returns the key id if the algorithm and the type are those of an access token.
    pub(super) fn into_kid(self) -> Option<String> {
        if self.alg == ALG && self.typ == TYP { Some(self.kid) } else { None }
    }
}

/// Parses one part of a token: a JSON object in canonical base64url. A member that is a field of `T`
/// must not occur twice.
pub(super) fn parse<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    // Serde would also accept an array with the values of the members.
    if json.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(&json).ok()
}
