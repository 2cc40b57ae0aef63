//! The parts that all kinds of sign-ins share: the new session, its tokens, and the browser.

use auth_core::{
    Amr, CustomClaims, NewAccessToken, OpenSession, RefreshToken, Session, SessionId, Timestamp,
    UserId,
};
use user_store::{DeviceVersion, NewSession, User};

use crate::accounts::Accounts;
use crate::browser::Browser;
use crate::caller::Caller;
use crate::service_error::ServiceError;
use crate::tokens::IssuedTokens;

/// The arguments of [`Accounts::new_session`].
pub(crate) struct SessionRequest<'a> {
    pub(crate) user: UserId,
    pub(crate) remember: bool,
    pub(crate) amr: Amr,
    pub(crate) caller: &'a Caller,
    /// A refresh token of the session that the new one replaces.
    pub(crate) replaces: Option<&'a RefreshToken>,
}

/// The first tokens of a session, which are issued when it has been opened.
pub(crate) struct FirstTokens {
    session: Session,
    refresh: RefreshToken,
    custom: CustomClaims,
    now: Timestamp,
}

impl Accounts {
    /// Builds a session that begins at `now`, and computes the custom claims of its tokens. The
    /// store has to open it. So if the hook of the app fails, no session is opened.
    pub(crate) async fn new_session(
        &self,
        request: &SessionRequest<'_>,
        now: Timestamp,
    ) -> Result<(NewSession, FirstTokens), ServiceError> {
        let custom = self.token_claims.for_user(&*self.store, request.user).await?;
        Ok(self.new_session_with_claims(request, custom, now))
    }

    /// Builds a session that begins at `now`, whose tokens have these custom claims.
    pub(crate) fn new_session_with_claims(
        &self,
        request: &SessionRequest<'_>,
        custom: CustomClaims,
        now: Timestamp,
    ) -> (NewSession, FirstTokens) {
        let SessionRequest { user: user_id, remember, amr, caller, replaces } = *request;
        let open = OpenSession { user_id, remember, amr, policy: &self.config.sessions };
        let session = Session::open(open, now, &*self.random);
        let refresh = RefreshToken::generate(&*self.random);
        let mut new = NewSession::new(session, caller.client.clone(), &refresh);
        new.replaces = replaces.map(RefreshToken::family);
        (new, FirstTokens { session, refresh, custom, now })
    }

    /// Issues the first tokens of a session that has been opened, and a device token. `user` is the
    /// account as the transaction that opened the session has read it.
    pub(crate) async fn issue_first_tokens(
        &self,
        tokens: FirstTokens,
        user: &User,
        browser: &Browser,
    ) -> Result<IssuedTokens, ServiceError> {
        let FirstTokens { session, refresh, custom, now } = tokens;
        let new = NewAccessToken { session: &session, roles: user.roles.clone(), custom };
        let issued = self.tokens.issue(&new, refresh, now).await?;
        Ok(IssuedTokens { device: self.tokens.device_token(browser, now), ..issued })
    }

    /// Returns the browser of the caller, and whether it is known to this account.
    pub(crate) async fn browser(
        &self,
        account: &User,
        device_version: DeviceVersion,
        caller: &Caller,
        now: Timestamp,
    ) -> Browser {
        let (email, user) = (account.email.key().clone(), account.id);
        let mut known = match &caller.device {
            Some(device) => self.keys.recognize_device(&email, device, now).await,
            None => None,
        };
        known.take_if(|known| known.user != user || known.version != device_version.0);
        Browser { email, user, device_version, known }
    }
}

/// Logs that a session was opened and that others were ended.
pub(crate) fn session_opened(opened: &Session, ended: &[SessionId]) {
    let (user, session) = (opened.user_id, opened.id);
    tracing::info!(%user, %session, amr = %opened.amr, "signed in");
    for ended in ended {
        tracing::info!(%user, session = %ended, "session ended: replaced by a new session");
    }
}
