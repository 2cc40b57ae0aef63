mod claims;
mod issue;
mod key;
mod verify;

pub use claims::Claims;
pub use issue::{AccessToken, AccessTokens, IssuedToken};
pub use key::{Jwk, JwkSet, KeyError, SigningKey, SigningKeySeed};
pub use verify::{AccessTokenVerifier, InvalidToken};

use jsonwebtoken::{Algorithm, Header};

/// The media type of an access token in its header (RFC 9068, 2.1).
const TYP: &str = "at+jwt";

/// The one header that tokens are issued with. A verifier demands it to the letter, so
/// that no other algorithm, no embedded key and no critical extension gets anywhere.
fn header(kid: &str) -> Header {
    Header { typ: Some(TYP.to_owned()), kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) }
}
