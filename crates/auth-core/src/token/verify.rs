use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::raw::{self, RawClaims, RawHeader};
use super::verified::{Fingerprint, VerifiedToken, VerifiedTokens};
use super::{Claims, JwkSet, KeyError};

/// Verifies access tokens with public keys alone.
///
/// A signature takes longer to verify than all else that a request needs. So a verifier
/// remembers which tokens it has found good, by their SHA-256: some 32,000 of them, in a few
/// MiB at most. When each is valid is looked at every time.
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
/// let keys = JwkSet::parse(&fetched)?;
/// let verifier = AccessTokenVerifier::new(service, service, &keys)?;
/// assert_eq!(verifier.verify(token.as_str(), now)?.user, user);
/// # Ok(())
/// # }
/// ```
pub struct AccessTokenVerifier {
    issuer: String,
    audience: String,
    keys: HashMap<String, DecodingKey>,
    verified: VerifiedTokens,
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
            verified: VerifiedTokens::new(),
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
        let fingerprint = Fingerprint::new(token);
        if let Some(verified) = self.verified.get(fingerprint) {
            return verified.at(now).ok_or(InvalidToken);
        }
        let proven = self.prove(token).ok_or(InvalidToken)?;
        let claims = proven.at(now).ok_or(InvalidToken)?;
        self.verified.insert(fingerprint, proven);
        Ok(claims)
    }

    /// Whether a token has the header that tokens are issued with, but names a key that this
    /// verifier was not given: the issuer may have made it since, or taken it back. Nothing
    /// else about the token is known.
    #[must_use]
    pub fn lacks_key_for(&self, token: &str) -> bool {
        Self::key_of(token).is_some_and(|kid| !self.has_key(&kid))
    }

    /// Whether this verifier was given a key of this name.
    pub(super) fn has_key(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    /// The name of the key that a token says it is signed with, if it has the header that
    /// tokens are issued with.
    pub(super) fn key_of(token: &str) -> Option<String> {
        let (header, _) = token.split_once('.').filter(|_| token.len() <= Self::MAX_BYTES)?;
        raw::parse::<RawHeader>(header)?.kid_of_ours()
    }

    /// Everything about a token that will never be otherwise.
    fn prove(&self, token: &str) -> Option<VerifiedToken> {
        let claims = self.verify_signature(token)?;
        let ours = claims.iss == self.issuer && claims.aud == self.audience;
        if !ours || claims.jti.is_empty() || claims.iat < 0 || claims.nbf < 0 {
            return None;
        }
        let not_before = claims.iat.max(claims.nbf);
        let claims = Claims {
            user: claims.sub.parse().ok()?,
            session: claims.sid.parse().ok()?,
            issued_at: Timestamp::from_second(claims.iat).ok()?,
            expires_at: Timestamp::from_second(claims.exp).ok()?,
        };
        Some(VerifiedToken { claims, not_before })
    }

    /// The library checks the signature and no more: its own reading of a token takes a
    /// `null` in the header for nothing, passes over claims that are absent, and looks at the
    /// system's clock.
    fn verify_signature(&self, token: &str) -> Option<RawClaims> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let kid = raw::parse::<RawHeader>(header)?.kid_of_ours()?;
        let key = self.keys.get(&kid)?;
        let verified =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, Algorithm::EdDSA);
        verified.ok()?.then(|| raw::parse(claims))?
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
