use auth_core::{Amr, Roles, Session, Timestamp, UserId};
use user_store::{ActingSession, ActiveSession, StoreError, User};

use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::config::{Config, SecondFactorPolicy};
use crate::tokens::{TokenVerification, UnknownKidError};

/// Proof that a request is authenticated. Only [`Accounts::authenticate`] and
/// [`Accounts::authenticate_by_refresh_token`] return one.
#[derive(Debug, Clone)]
pub struct SignedIn {
    user: User,
    session: Session,
    policy: SecondFactorPolicy,
}

/// An error from authenticating a request.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The token is not valid, or its session has ended.
    #[error("the access token is not valid, or its session has ended")]
    InvalidToken,
    /// The token has an unknown key, and too many others with unknown keys are being checked. It
    /// may be valid, so the client should send the request again later, and keep the token.
    #[error("too many access tokens with unknown keys are being checked")]
    TooManyUnknownKeys,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<UnknownKidError> for AuthenticateError {
    fn from(error: UnknownKidError) -> Self {
        match error {
            UnknownKidError::TooManyRequests => Self::TooManyUnknownKeys,
            UnknownKidError::Store(error) => Self::Store(error),
        }
    }
}

impl SignedIn {
    pub(crate) const fn new(user: User, session: Session, config: &Config) -> Self {
        Self { user, session, policy: config.require_second_factor }
    }

    /// Returns the user who sends the request.
    #[must_use]
    pub const fn user(&self) -> &User {
        &self.user
    }

    /// Returns the id of the user, which never changes. An app should reference users by this id.
    #[must_use]
    pub const fn id(&self) -> UserId {
        self.user.id
    }

    /// Returns the email address as its owner typed it. It is personal data and untrusted input:
    /// escape it in HTML, and keep it out of logs.
    ///
    /// Do not decide by it what a user may do. Anyone can sign up with an email address that is not
    /// theirs, and it stays unverified until its owner follows the link in a mail. Ask for a
    /// [role](Self::has_role), or compare the [id](Self::id).
    #[must_use]
    pub fn email(&self) -> &str {
        self.user.email.as_str()
    }

    /// Returns when the email address was verified, if it is. An app should not trust an email
    /// address that is not verified.
    #[must_use]
    pub const fn email_verified_at(&self) -> Option<Timestamp> {
        self.user.email_verified_at
    }

    /// Returns the roles of the user, as they are at the time of the request.
    #[must_use]
    pub const fn roles(&self) -> &Roles {
        &self.user.roles
    }

    /// Returns `true` if an operator has granted the role with this name to the user.
    ///
    /// ```
    /// # use accounts::SignedIn;
    /// fn may_delete_posts(user: &SignedIn) -> bool {
    ///     user.has_role("admin") || user.has_role("moderator")
    /// }
    /// ```
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.user.roles.contains(role)
    }

    /// Returns the session that the request belongs to.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Returns when the user signed in to this session.
    #[must_use]
    pub const fn authenticated_at(&self) -> Timestamp {
        self.session.authenticated_at()
    }

    /// Returns the methods with which the user signed in to this session.
    #[must_use]
    pub const fn amr(&self) -> Amr {
        self.session.amr
    }

    /// Returns `true` if the user signed in at most [10 minutes](Session::FRESH_FOR) ago. An app
    /// should require this for actions that an attacker with a stolen session must not be able to
    /// take. Turning the second factor on ends all other sessions, so a fresh sign-in used all
    /// factors, or its session is the one that turned the second factor on.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.session.is_fresh(now)
    }

    /// Returns `true` if the second factor of the user is on.
    #[must_use]
    pub const fn has_second_factor(&self) -> bool {
        self.user.second_factor_at.is_some()
    }

    /// Returns `true` if the user must turn the second factor on before anything else
    /// ([`SecondFactorPolicy::Required`]).
    #[must_use]
    pub const fn needs_enrolment(&self) -> bool {
        matches!(self.policy, SecondFactorPolicy::Required) && !self.has_second_factor()
    }

    /// Returns `true` if the user has to sign in again before a change that also requires the
    /// password.
    pub(crate) fn needs_step_up(&self, now: Timestamp) -> bool {
        self.has_second_factor() && !self.is_fresh(now)
    }

    pub(crate) fn acting(&self, caller: &Caller) -> ActingSession {
        ActingSession { session: self.session, client: caller.client.clone() }
    }
}

impl Accounts {
    /// Authenticates a request by its access token.
    ///
    /// The session is looked up every time. On every server, a token is rejected as soon as its
    /// session has ended (OWASP ASVS 5.0, 7.4.1) or its signing key is retired.
    ///
    /// # Errors
    ///
    /// [`AuthenticateError`].
    pub async fn authenticate(&self, token: &str) -> Result<SignedIn, AuthenticateError> {
        let now = self.clock.now();
        let mut verification = self.keys.verify(token, now);
        if matches!(verification, TokenVerification::UnknownKey) {
            // Another server may have added the key.
            self.keys.refresh_for_unknown_kid().await?;
            verification = self.keys.verify(token, now);
        }
        let TokenVerification::Valid(claims, verified_with) = verification else {
            return Err(AuthenticateError::InvalidToken);
        };
        let Some(active) = self.store.session(claims.session, now).await? else {
            return Err(AuthenticateError::InvalidToken);
        };
        let ActiveSession { session, user, key_set_version } = active;
        if user.id != claims.user {
            return Err(AuthenticateError::InvalidToken);
        }
        if verified_with != key_set_version {
            // A key was added or retired after this server read its keys: the token may be signed
            // with a retired key.
            let _ = self.keys.with_version(key_set_version).await?;
            if !matches!(self.keys.verify(token, now), TokenVerification::Valid(..)) {
                return Err(AuthenticateError::InvalidToken);
            }
        }
        Ok(SignedIn::new(user, session, &self.config))
    }
}
