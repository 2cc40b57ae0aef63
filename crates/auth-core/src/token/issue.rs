use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::raw::RawClaims;
use super::{AccessTokenVerifier, Claims, InvalidToken, JwkSet, KeyError, SigningKey, header};
use crate::id::{SessionId, UserId, uuid_v7};
use crate::random::Random;

/// Issues and verifies the access tokens of one service.
///
/// A token is a JWT of type `at+jwt` (RFC 9068), signed with Ed25519 (RFC 8037), with the claims
/// `iss`, `aud`, `sub`, `sid`, `jti`, `iat`, `nbf` and `exp`. The service is both the issuer and
/// the audience. Other services need only the public keys, [`jwks`](Self::jwks), and an
/// [`AccessTokenVerifier`].
#[derive(Debug)]
pub struct AccessTokens {
    service: String,
    lifetime: Duration,
    signing_key: SigningKey,
    verifier: AccessTokenVerifier,
    jwks: JwkSet,
}

/// A signed access token. Any client that presents it is granted access.
///
/// `Debug` does not print it, and it is zeroized when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AccessToken(String);

/// A newly issued access token.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: AccessToken,
    /// How long the token is valid, in whole seconds.
    pub expires_in: Duration,
}

impl AccessTokens {
    /// Creates the token issuer of a service. `service` is the origin of the service. Tokens are
    /// valid for `lifetime`, signed with the first of `keys` and verified with any of them.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoKeys`] if `keys` is empty, and [`KeyError::NotEd25519`] if a key is unusable.
    pub fn new(
        service: impl Into<String>,
        lifetime: Duration,
        keys: Vec<SigningKey>,
    ) -> Result<Self, KeyError> {
        let service = service.into();
        let jwks = JwkSet { keys: keys.iter().map(|key| key.public().clone()).collect() };
        let verifier = AccessTokenVerifier::new(&service, &service, &jwks)?;
        let signing_key = keys.into_iter().next().ok_or(KeyError::NoKeys)?;
        Ok(Self { service, lifetime, signing_key, verifier, jwks })
    }

    /// Issues a token to a user for a session. It expires after the lifetime, or at `session_end`
    /// if that is earlier. Times in tokens are rounded down to whole seconds (RFC 7519, 2).
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
        let token = jsonwebtoken::encode(
            &header(self.signing_key.kid()),
            &claims,
            self.signing_key.encoding(),
        )
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
    /// [`InvalidToken`] if the token is not valid, for any reason.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, InvalidToken> {
        self.verifier.verify(token, now)
    }

    /// Returns `true` if a token names an unknown key; see [`AccessTokenVerifier::lacks_key_for`].
    #[must_use]
    pub fn lacks_key_for(&self, token: &str) -> bool {
        self.verifier.lacks_key_for(token)
    }

    /// Returns the public keys, which other services verify tokens with.
    #[must_use]
    pub const fn jwks(&self) -> &JwkSet {
        &self.jwks
    }
}

impl AccessToken {
    /// Returns the token as text. Send it only to the client that it is issued to.
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
