use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::raw::RawClaims;
use super::{AccessTokenVerifier, Claims, InvalidToken, JwkSet, KeyError, SigningKey, header};
use crate::id::uuid_v7;
use crate::{Random, SessionId, UserId};

/// Issues and verifies the access tokens of one service.
///
/// A token is a JWT signed with Ed25519 (RFC 8037), of type `at+jwt` (RFC 9068), with
/// `iss`, `aud`, `sub`, `sid`, `jti`, `iat`, `nbf` and `exp`. The service is both issuer
/// and audience. Other services verify with an [`AccessTokenVerifier`] and the public
/// [`jwks`](Self::jwks) alone.
#[derive(Debug)]
pub struct AccessTokens {
    service: String,
    lifetime: Duration,
    signing: SigningKey,
    verifier: AccessTokenVerifier,
    jwks: JwkSet,
}

/// A signed access token: whoever holds it is taken for its user.
///
/// `Debug` does not print it, and it is wiped from memory when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AccessToken(String);

/// A token that was just issued, and until when it is valid.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: AccessToken,
    /// For how long it is valid, in whole seconds.
    pub expires_in: Duration,
}

impl AccessTokens {
    /// Tokens of the service at the origin `service`, each valid for `lifetime`, signed
    /// with the first of `keys` and verified with any of them.
    ///
    /// # Errors
    ///
    /// [`KeyError::None`] without a key, [`KeyError::Unusable`] for one that verifies nothing.
    pub fn new(
        service: impl Into<String>,
        lifetime: Duration,
        keys: Vec<SigningKey>,
    ) -> Result<Self, KeyError> {
        let service = service.into();
        let jwks = JwkSet { keys: keys.iter().map(|key| key.public().clone()).collect() };
        let verifier = AccessTokenVerifier::new(&service, &service, &jwks)?;
        let signing = keys.into_iter().next().ok_or(KeyError::None)?;
        Ok(Self { service, lifetime, signing, verifier, jwks })
    }

    /// Issues a token to a user for a session. It expires with the lifetime, or with the
    /// session if that ends first. Times in tokens are whole seconds (RFC 7519, 2).
    ///
    /// # Errors
    ///
    /// [`KeyError::Signing`] if the cryptographic library fails.
    pub fn issue(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
        session_end: Timestamp,
        random: &dyn Random,
    ) -> Result<IssuedToken, KeyError> {
        let iat = now.as_second();
        let lifetime_end = now.saturating_add(self.lifetime).unwrap_or(Timestamp::MAX);
        let exp = lifetime_end.min(session_end).as_second();
        let claims = RawClaims {
            iss: self.service.clone(),
            aud: self.service.clone(),
            sub: user.to_string(),
            sid: session.to_string(),
            jti: uuid_v7(now, random).to_string(),
            iat,
            nbf: iat,
            exp,
        };
        let token =
            jsonwebtoken::encode(&header(self.signing.kid()), &claims, self.signing.encoding())
                .map_err(|_| KeyError::Signing)?;
        Ok(IssuedToken {
            token: AccessToken(token),
            expires_in: Duration::from_secs(u64::try_from(exp - iat).unwrap_or(0)),
        })
    }

    /// Verifies a token; see [`AccessTokenVerifier::verify`].
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] whatever is wrong with it.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, InvalidToken> {
        self.verifier.verify(token, now)
    }

    /// Whether a token names a key that is not among these; see
    /// [`AccessTokenVerifier::lacks_key_for`].
    #[must_use]
    pub fn lacks_key_for(&self, token: &str) -> bool {
        self.verifier.lacks_key_for(token)
    }

    /// The public keys, for other services.
    #[must_use]
    pub const fn jwks(&self) -> &JwkSet {
        &self.jwks
    }
}

impl AccessToken {
    /// The token, to be handed to its user and to nobody else.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}
