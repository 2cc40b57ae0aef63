use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    DeviceId, DeviceToken, IssuedToken, KeyError, KnownBrowser, NewAccessToken, Random,
    RefreshToken, Session, Timestamp,
};

use crate::browser::Browser;
use crate::tokens::key_ring::KeyRing;

/// The tokens of a session, for its client.
#[derive(Debug, Clone)]
pub struct IssuedTokens {
    /// The access token, which the client sends with every request.
    pub access: IssuedToken,
    /// The refresh token, which the client exchanges for the next tokens.
    pub refresh: IssuedRefreshToken,
    /// The device token, by which the account recognises the browser at the next sign-in. Present
    /// only after a sign-in. The client should keep it for [`DeviceToken::LIFETIME`].
    pub device: Option<DeviceToken>,
}

/// A refresh token that was just issued.
#[derive(Debug, Clone)]
pub struct IssuedRefreshToken {
    /// The token.
    pub token: RefreshToken,
    /// How long the client should keep the token, if the user asked to stay signed in. If `None`,
    /// the client should discard the token when the browser is closed.
    pub max_age: Option<Duration>,
}

impl IssuedRefreshToken {
    pub(crate) fn new(token: RefreshToken, session: &Session, now: Timestamp) -> Self {
        let max_age = if session.remember {
            let rest = session.idle_expires_at.duration_since(now);
            Some(Duration::try_from(rest).unwrap_or_default())
        } else {
            None
        };
        Self { token, max_age }
    }
}

/// Issues tokens with the keys in the store.
pub(crate) struct TokenIssuer {
    keys: Arc<KeyRing>,
    random: Arc<dyn Random>,
}

impl TokenIssuer {
    pub(crate) fn new(keys: Arc<KeyRing>, random: Arc<dyn Random>) -> Self {
        Self { keys, random }
    }

    /// Issues an access token, and returns it with the refresh token. The access
    /// token expires no later than the session.
    pub(crate) async fn issue(
        &self,
        new: &NewAccessToken<'_>,
        refresh: RefreshToken,
        now: Timestamp,
    ) -> Result<IssuedTokens, KeyError> {
        let keys = self.keys.newest().await;
        let access = keys.tokens().issue(new, now, &*self.random)?;
        let refresh = IssuedRefreshToken::new(refresh, new.session, now);
        Ok(IssuedTokens { access, refresh, device: None })
    }

    /// Issues a device token to a browser whose user has just entered the password. A browser that
    /// the account knows keeps its id.
    pub(crate) fn device_token(&self, browser: &Browser, now: Timestamp) -> Option<DeviceToken> {
        let Browser { email, user, device_version, known } = browser;
        let device = match known {
            Some(known) => known.device,
            None => DeviceId::generate(&*self.random),
        };
        let browser = KnownBrowser { user: *user, version: device_version.0, device };
        let keys = self.keys.current();
        Some(keys.device_key(now)?.issue(email, &browser, now))
    }
}
