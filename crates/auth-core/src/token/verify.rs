use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::raw::{self, RawClaims, RawHeader};
use super::verified::{Fingerprint, VerifiedToken, VerifiedTokens};
use super::{CLIENT_ID, Claims, CustomClaims, JwkSet, KeyError, NOT_BEFORE_MARGIN};
use crate::amr::Amr;
use crate::roles::Roles;

/// Verifies access tokens with public keys.
///
/// Verifying a signature can take longer than the rest of a request. A verifier therefore caches
/// the SHA-256 and the claims of each token that it has verified. The cache holds up to about
/// 32,000 entries, which take a few MiB in all. It holds fewer entries if tokens contain many roles
/// or custom claims. The expiry of a token is checked every time.
///
/// ```
/// # use std::time::Duration;
/// # use auth_core::{
/// #     AccessTokenVerifier, AccessTokens, Amr, Clock, JwkSet, NewAccessToken, OpenSession, Session,
/// #     SessionPolicy, SigningKey, SystemClock, SystemRandom, UserId,
/// # };
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let now = SystemClock.now();
/// # let service = "https://auth.example.com";
/// # let keys = vec![SigningKey::generate(&SystemRandom)];
/// # let tokens = AccessTokens::new(service, Duration::from_secs(300), keys)?;
/// # let user_id = UserId::generate(now, &SystemRandom);
/// # let policy = SessionPolicy::default();
/// # let session = OpenSession { user_id, remember: false, amr: Amr::PASSWORD, policy: &policy };
/// # let session = Session::open(session, now, &SystemRandom);
/// # let token = tokens.issue(&NewAccessToken::new(&session), now, &SystemRandom)?.token;
/// # let fetched = serde_json::to_string(tokens.jwks())?;
/// // `fetched` is the content of https://auth.example.com/.well-known/jwks.json.
/// let keys = JwkSet::parse(&fetched)?;
/// let verifier = AccessTokenVerifier::new(service, service, &keys)?;
/// assert_eq!(verifier.verify(token.as_str(), now)?.user, user_id);
/// # Ok(())
/// # }
/// ```
pub struct AccessTokenVerifier {
    issuer: String,
    audience: String,
    keys: HashMap<String, DecodingKey>,
    verified: VerifiedTokens,
}

/// An error from verifying an access token. It does not reveal which check failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct InvalidToken;

impl AccessTokenVerifier {
    /// The maximum length of a token, in bytes. Longer ones are rejected.
    pub const MAX_BYTES: usize = 4_096;

    /// Creates a verifier of tokens with this issuer and this audience, signed with one of `keys`.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoKeys`] if `keys` is empty, and [`KeyError::NotEd25519`] if a key is not an
    /// Ed25519 public key.
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
            return Err(KeyError::NoKeys);
        }
        Ok(Self {
            issuer: issuer.into(),
            audience: audience.into(),
            keys,
            verified: VerifiedTokens::new(),
        })
    }

    /// Verifies a token at the time `now`.
    ///
    /// The token must be signed with EdDSA by one of the keys of this verifier. Its header must
    /// have exactly the members `alg`, `typ` and `kid`. Its claims must be complete and name this
    /// issuer, this audience and the client `latchkey`. `nbf` must not be in the future, and `exp`
    /// must be in the future, without leeway. `iat` must be at most 30 seconds after `nbf`, which
    /// is what the issuer sets (RFC 8725, 3.1, 3.8, 3.9, 3.11; RFC 9068, 4).
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] if the token is not valid, for any reason.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, InvalidToken> {
        if token.len() > Self::MAX_BYTES {
            return Err(InvalidToken);
        }
        let fingerprint = Fingerprint::new(token);
        if let Some(verified) = self.verified.get(fingerprint) {
            return verified.at(now).ok_or(InvalidToken);
        }
        let verified = self.verify_regardless_of_time(token).ok_or(InvalidToken)?;
        let claims = verified.at(now).ok_or(InvalidToken)?;
        self.verified.insert(fingerprint, verified);
        Ok(claims)
    }

    /// Returns `true` if a token has a valid header but names a key that this verifier does not
    /// have. The issuer may have added that key since this verifier was created, or may have
    /// retired it. Nothing else about the token is checked.
    #[must_use]
    pub fn lacks_key_for(&self, token: &str) -> bool {
        Self::kid_of(token).is_some_and(|kid| !self.has_key(&kid))
    }

    /// Returns `true` if this verifier has a key with this id.
    pub(super) fn has_key(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    /// Returns the id of the key that a token names, if the token has a valid header.
    pub(super) fn kid_of(token: &str) -> Option<String> {
        if token.len() > Self::MAX_BYTES {
            return None;
        }
        let (header, _) = token.split_once('.')?;
        raw::parse::<RawHeader>(header)?.into_kid()
    }

    /// Makes every check that does not depend on the current time.
    fn verify_regardless_of_time(&self, token: &str) -> Option<VerifiedToken> {
        let claims = self.verify_signature(token)?;
        if claims.iss != self.issuer
            || claims.aud != self.audience
            || claims.client_id != CLIENT_ID
            || claims.jti.is_empty()
        {
            return None;
        }
        if claims.iat < 0 || claims.nbf < 0 || claims.iat - claims.nbf > NOT_BEFORE_MARGIN {
            return None;
        }
        let not_before = claims.nbf;
        let claims = Claims {
            user: claims.sub.parse().ok()?,
            session: claims.sid.parse().ok()?,
            authenticated_at: Timestamp::from_second(claims.auth_time).ok()?,
            amr: Amr::from_values(claims.amr.iter().map(String::as_str)),
            issued_at: Timestamp::from_second(claims.iat).ok()?,
            expires_at: Timestamp::from_second(claims.exp).ok()?,
            roles: Roles::from_values(claims.roles.iter().map(String::as_str)),
            custom: CustomClaims::from_members(&claims.custom),
        };
        Some(VerifiedToken { claims, not_before })
    }

    /// Verifies the header and the signature, and returns the claims.
    ///
    /// `jsonwebtoken` verifies only the signature. Its parser would treat a `null` in the header as
    /// absent, ignore missing claims and read the system clock.
    fn verify_signature(&self, token: &str) -> Option<RawClaims> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let kid = raw::parse::<RawHeader>(header)?.into_kid()?;
        let key = self.keys.get(&kid)?;
        let is_valid =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, Algorithm::EdDSA);
        if is_valid.ok()? { raw::parse(claims) } else { None }
    }
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
