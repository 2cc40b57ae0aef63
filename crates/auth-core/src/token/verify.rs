use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::claims::RawClaims;
use super::{Claims, JwkSet, KeyError, header};

/// Verifies access tokens with public keys alone.
///
/// ```
/// # use std::time::Duration;
/// # use auth_core::{
/// #     AccessTokenVerifier, AccessTokens, Clock, JwkSet, SessionId, SigningKey, SystemClock,
/// #     SystemRandom, UserId,
/// # };
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let now = SystemClock.now();
/// # let service = "https://auth.example.com";
/// # let keys = vec![SigningKey::generate(&SystemRandom)];
/// # let tokens = AccessTokens::new(service, Duration::from_secs(300), keys)?;
/// # let user = UserId::generate(now, &SystemRandom);
/// # let session = SessionId::generate(now, &SystemRandom);
/// # let end = now + Duration::from_secs(3600);
/// # let token = tokens.issue(user, session, now, end, &SystemRandom)?.token;
/// # let fetched = serde_json::to_string(tokens.jwks())?;
/// // `fetched` is what https://auth.example.com/.well-known/jwks.json answered.
/// let keys: JwkSet = serde_json::from_str(&fetched)?;
/// let verifier = AccessTokenVerifier::new(service, service, &keys)?;
/// assert_eq!(verifier.verify(token.as_str(), now)?.user, user);
/// # Ok(())
/// # }
/// ```
pub struct AccessTokenVerifier {
    issuer: String,
    audience: String,
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

/// A token that proves nothing. Which check it failed is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct InvalidToken;

impl AccessTokenVerifier {
    /// The longest token that is looked at, in bytes.
    pub const MAX_BYTES: usize = 4_096;

    /// Takes tokens that name this issuer and this audience and are signed by one of `keys`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] without keys, or for one that is not an Ed25519 public key.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        keys: &JwkSet,
    ) -> Result<Self, KeyError> {
        let keys: HashMap<_, _> = keys
            .keys
            .iter()
            .map(|jwk| Ok((jwk.kid.clone(), jwk.decoding_key()?)))
            .collect::<Result<_, KeyError>>()?;
        if keys.is_empty() {
            return Err(KeyError::None);
        }
        Ok(Self {
            issuer: issuer.into(),
            audience: audience.into(),
            keys,
            validation: signature_only(),
        })
    }

    /// Verifies a token at the moment `now`.
    ///
    /// It must be signed with EdDSA and no other algorithm by a key that this verifier was
    /// given, carry exactly the header that tokens are issued with, and every claim, for
    /// this issuer and audience; `iat` and `nbf` must not lie ahead nor `exp` behind, with
    /// no leeway (RFC 8725, 3.1, 3.8, 3.9, 3.11; RFC 9068, 4).
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] whatever is wrong with it.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, InvalidToken> {
        if token.len() > Self::MAX_BYTES {
            return Err(InvalidToken);
        }
        let claims = self.verify_signature(token)?;
        self.check(&claims, now).ok_or(InvalidToken)
    }

    fn verify_signature(&self, token: &str) -> Result<RawClaims, InvalidToken> {
        let found = jsonwebtoken::decode_header(token).map_err(|_| InvalidToken)?;
        let kid = found.kid.as_deref().ok_or(InvalidToken)?;
        let key = self.keys.get(kid).ok_or(InvalidToken)?;
        if found != header(kid) {
            return Err(InvalidToken);
        }
        jsonwebtoken::decode(token, key, &self.validation)
            .map(|data| data.claims)
            .map_err(|_| InvalidToken)
    }

    fn check(&self, claims: &RawClaims, now: Timestamp) -> Option<Claims> {
        let seconds = now.as_second();
        let in_time = claims.iat <= seconds && claims.nbf <= seconds && seconds < claims.exp;
        let ours = claims.iss == self.issuer && claims.aud == self.audience;
        if !in_time || !ours || claims.jti.is_empty() {
            return None;
        }
        Some(Claims {
            user: claims.sub.parse().ok()?,
            session: claims.sid.parse().ok()?,
            issued_at: Timestamp::from_second(claims.iat).ok()?,
            expires_at: Timestamp::from_second(claims.exp).ok()?,
        })
    }
}

/// Leaves the claims to [`AccessTokenVerifier::check`]: the library's own checks read the
/// system's clock, and pass over claims that are absent.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

impl fmt::Debug for AccessTokenVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokenVerifier")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("kids", &self.keys.keys())
            .finish_non_exhaustive()
    }
}
