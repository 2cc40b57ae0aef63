mod claims;
#[cfg(feature = "token")]
mod issue;
mod jwk;
#[cfg(feature = "token")]
mod key;
mod raw;
mod verified;
mod verifier;
mod verify;

pub use claims::Claims;
#[cfg(feature = "token")]
pub use issue::{AccessToken, AccessTokens, IssuedToken};
pub use jwk::{Jwk, JwkSet, KeyError};
#[cfg(feature = "token")]
pub use key::{SigningKey, SigningKeySeed};
pub use verifier::{FetchError, Verifier, VerifyError};
pub use verify::{AccessTokenVerifier, InvalidToken};

#[cfg(feature = "token")]
use jsonwebtoken::{Algorithm, Header};

/// The `typ` of an access token (RFC 9068, 2.1).
const TYP: &str = "at+jwt";

/// The `alg` of an access token (RFC 8037, 3.1).
const ALG: &str = "EdDSA";

/// Returns the header of an access token.
#[cfg(feature = "token")]
fn header(kid: &str) -> Header {
    Header { typ: Some(TYP.to_owned()), kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) }
}
