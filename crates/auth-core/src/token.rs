mod claims;
mod issue;
mod key;
mod raw;
mod seen;
mod verify;

pub use claims::Claims;
pub use issue::{AccessToken, AccessTokens, IssuedToken};
pub use key::{Jwk, JwkSet, KeyError, SigningKey, SigningKeySeed};
pub use verify::{AccessTokenVerifier, InvalidToken};

use jsonwebtoken::{Algorithm, Header};

/// The media type of an access token in its header (RFC 9068, 2.1).
const TYP: &str = "at+jwt";

/// The name of the algorithm in its header (RFC 8037, 3.1).
const ALG: &str = "EdDSA";

/// The header that tokens are issued with.
fn header(kid: &str) -> Header {
    Header { typ: Some(TYP.to_owned()), kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) }
}
