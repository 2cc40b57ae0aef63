//! Base64url, as in the JSON of passkeys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Decodes a member of the response in a credential.
pub(crate) fn decode_member(credential: &Value, member: &str) -> Vec<u8> {
    decode(credential["response"][member].as_str().unwrap())
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
