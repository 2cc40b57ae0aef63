mod bearer;
mod claims;
mod custom;
#[cfg(feature = "token")]
mod issue;
mod jwk;
#[cfg(feature = "token")]
mod key;
mod raw;
#[cfg(feature = "token")]
mod schedule;
mod verified;
mod verifier;
mod verify;

pub use bearer::bearer_token;
pub use claims::Claims;
pub use custom::{CustomClaims, InvalidCustomClaims};
#[cfg(feature = "token")]
pub use issue::{AccessToken, AccessTokens, IssuedToken, NewAccessToken};
pub use jwk::{Jwk, JwkSet, KeyError};
#[cfg(feature = "token")]
pub use key::{SigningKey, SigningKeySeed};
#[cfg(feature = "token")]
pub use schedule::{ScheduledKey, signing_position};
pub use verifier::{FetchError, InvalidIssuer, KeyFetch, Verifier, VerifyError};
pub use verify::{AccessTokenVerifier, InvalidToken};

#[cfg(feature = "token")]
use jsonwebtoken::{Algorithm, Header};

/// The `typ` of an access token (RFC 9068, 2.1).
const TYP: &str = "at+jwt";

/// The `alg` of an access token (RFC 8037, 3.1).
const ALG: &str = "EdDSA";

/// The `client_id` of an access token (RFC 9068, 2.2). Tokens are issued to the service's own pages
/// and to programs that use its API, which are not registered as separate clients.
const CLIENT_ID: &str = "latchkey";

/// How long before `iat` a token becomes valid (`nbf`), in seconds. A verifier whose clock is
/// behind by less than that accepts a new token, without any leeway in its checks.
const NOT_BEFORE_MARGIN: i64 = 30;

/// Returns the header of an access token.
#[cfg(feature = "token")]
fn header(kid: &str) -> Header {
    Header { typ: Some(TYP.to_owned()), kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) }
}
