use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::raw::RawClaims;
use super::{
    AccessTokenVerifier, CLIENT_ID, Claims, CustomClaims, InvalidToken, JwkSet, KeyError,
    NOT_BEFORE_MARGIN, ScheduledKey, SigningKey, header, signing_position,
};
use crate::id::uuid_v7;
use crate::random::Random;
use crate::roles::Roles;
use crate::session::Session;

/// Issues and verifies the access tokens of one service.
///
/// A token is a JWT of type `at+jwt` (RFC 9068), signed with Ed25519 (RFC 8037), with the claims
/// `iss`, `aud`, `sub`, `client_id`, `sid`, `jti`, `iat`, `nbf`, `exp`, `auth_time` and `amr`. If the
/// user has roles, it also has the claim `roles`, an array of strings. The service is both the
/// issuer and the audience, and `client_id` is always `latchkey`. Other services need only the
/// public keys, [`jwks`](Self::jwks), and an [`AccessTokenVerifier`].
#[derive(Debug)]
pub struct AccessTokens {
    service: String,
    lifetime: Duration,
    /// Newest first, never empty.
    keys: Vec<ScheduledKey>,
    verifier: AccessTokenVerifier,
    jwks: JwkSet,
}

/// A signed access token. Any client that presents it is granted access.
///
/// `Debug` does not print it, and it is zeroized when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AccessToken(String);

/// The content of an access token that is about to be issued.
#[derive(Debug, Clone)]
pub struct NewAccessToken<'a> {
    /// The session that the token belongs to.
    pub session: &'a Session,
    /// The roles of the user.
    pub roles: Roles,
    /// The claims that the app adds.
    pub custom: CustomClaims,
}

impl<'a> NewAccessToken<'a> {
    /// Builds a token without roles and custom claims.
    #[must_use]
    pub fn new(session: &'a Session) -> Self {
        Self { session, roles: Roles::NONE, custom: CustomClaims::default() }
    }
}

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
        let signs_from = Timestamp::MIN;
        let keys = keys.into_iter().map(|key| ScheduledKey { key, signs_from }).collect();
        Self::with_schedule(service, lifetime, keys)
    }

    /// Creates a token issuer whose keys begin to sign at different times. `keys` must be in order,
    /// newest first. [`signing_position`] selects the one that signs a token. All of them verify.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoKeys`] if `keys` is empty, and [`KeyError::NotEd25519`] if a key is unusable.
    pub fn with_schedule(
        service: impl Into<String>,
        lifetime: Duration,
        keys: Vec<ScheduledKey>,
    ) -> Result<Self, KeyError> {
        let service = service.into();
        let jwks = JwkSet { keys: keys.iter().map(|key| key.key.public().clone()).collect() };
        let verifier = AccessTokenVerifier::new(&service, &service, &jwks)?;
        Ok(Self { service, lifetime, keys, verifier, jwks })
    }

    /// Issues a token of a session to its user. It expires after the lifetime, or with the session
    /// if that is earlier. Times in tokens are rounded down to whole seconds (RFC 7519, 2).
    ///
    /// # Errors
    ///
    /// [`KeyError::Signing`] if the cryptographic library fails.
    pub fn issue(
        &self,
        new: &NewAccessToken<'_>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<IssuedToken, KeyError> {
        let NewAccessToken { session, roles, custom } = new;
        let key = self.signing_key(now).ok_or(KeyError::NoKeys)?;
        let iat = now.as_second();
        let lifetime_end = now.saturating_add(self.lifetime).unwrap_or(Timestamp::MAX);
        let exp = lifetime_end.min(session.idle_expires_at).as_second();
        let claims = RawClaims {
            iss: self.service.clone(),
            aud: self.service.clone(),
            sub: session.user_id.to_string(),
            client_id: CLIENT_ID.to_owned(),
            sid: session.id.to_string(),
            jti: uuid_v7(now, random).to_string(),
            iat,
            nbf: (iat - NOT_BEFORE_MARGIN).max(0),
            exp,
            auth_time: session.authenticated_at().as_second(),
            amr: session.amr.values().map(str::to_owned).collect(),
            roles: roles.iter().map(str::to_owned).collect(),
            custom: custom.members(),
        };
        let token = jsonwebtoken::encode(&header(key.kid()), &claims, key.encoding())
            .map_err(|_| KeyError::Signing)?;
        Ok(IssuedToken {
            token: AccessToken(token),
            expires_in: Duration::from_secs(u64::try_from(exp - iat).unwrap_or(0)),
        })
    }

    fn signing_key(&self, now: Timestamp) -> Option<&SigningKey> {
        let signs_from = self.keys.iter().map(|scheduled| scheduled.signs_from);
        self.keys.get(signing_position(signs_from, now)?).map(|scheduled| &scheduled.key)
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

    /// Returns the public keys with which other services verify tokens, newest first.
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
