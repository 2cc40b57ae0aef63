//! The parts of a token as they stand in it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{ALG, TYP};

/// The one header that tokens are issued with (RFC 7515, 4.1): no other algorithm, no
/// embedded key and no critical extension gets anywhere, and no `null` stands for nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// The claims (RFC 7519, 4.1; RFC 9068, 2.2). All are required, and of exactly these types:
/// an `aud` that is a list is refused.
#[derive(Serialize, Deserialize)]
pub(super) struct RawClaims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: String,
    pub(super) sid: String,
    pub(super) jti: String,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
}

impl RawHeader {
    /// The name of the key, if the rest is as it must be.
    pub(super) fn kid_of_ours(self) -> Option<String> {
        (self.alg == ALG && self.typ == TYP).then_some(self.kid)
    }
}

/// Reads canonical base64url of a JSON object, in which nothing is said twice.
pub(super) fn parse<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    // Serde would take an array of the members' values for the object.
    let is_object = json.first() == Some(&b'{');
    serde_json::from_slice(&json).ok().filter(|_| is_object)
}
