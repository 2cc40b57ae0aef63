use std::sync::Arc;
use std::time::Duration;

use auth_core::{Amr, CustomClaims, EmailKey, EmailSignInToken, OneTimeCode, RefreshToken, UserId};
use user_store::{NewSignInCode, OpenSessionWithCodeOutcome, SendOutcome};

use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::mail::{SIGN_IN_LIFETIME, new_mail};
use crate::mail_request::RequestMailError;
use crate::new_session::{SessionRequest, session_opened};
use crate::second_factor::{FirstStep, SignInOutcome};
use crate::service_error::ServiceError;
use crate::throttle::AttemptOutcome;

/// The arguments of [`Accounts::request_sign_in_code`].
#[derive(Clone, Copy)]
pub struct RequestSignInCode<'a> {
    /// The email address.
    pub email: &'a str,
    /// `true` if the session should survive closing the browser. See
    /// [`SessionPolicy::remembered`](auth_core::SessionPolicy::remembered).
    pub remember: bool,
    /// The sender of the request.
    pub caller: &'a Caller,
}

/// A code for signing in that was requested.
#[derive(Debug, Clone)]
pub struct SignInCodeRequested {
    /// The token of the browser, without which the code is useless. Send it only in a cookie.
    pub token: EmailSignInToken,
    /// The time until the code expires.
    pub expires_in: Duration,
}

/// The arguments of [`Accounts::sign_in_with_code`].
#[derive(Clone, Copy)]
pub struct SignInWithCode<'a> {
    /// The token of the browser that requested the code, if it presents one.
    pub token: Option<&'a EmailSignInToken>,
    /// The code, as it was typed.
    pub code: &'a str,
    /// The sender of the request.
    pub caller: &'a Caller,
    /// A refresh token of the session that the new session replaces. The old session is ended if it
    /// belongs to the same user (OWASP ASVS 5.0, 7.2.4).
    pub replaces: Option<&'a RefreshToken>,
}

/// An error from signing in with a code.
#[derive(Debug, thiserror::Error)]
pub enum CodeSignInError {
    /// The code is wrong. The user can try again.
    #[error("the code is wrong")]
    Wrong,
    /// There is no valid code for this browser: it has expired, was used or replaced, was tried too
    /// often, or was requested by another browser.
    #[error("the code has expired")]
    Expired,
    /// Sign-in by email is turned off ([`Config::email_sign_in`](crate::Config::email_sign_in)).
    #[error("sign-in by email is turned off")]
    SignInDisabled,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Accounts {
    /// Sends a code for signing in to the account with this email address, if there is one. It
    /// replaces an earlier code. It is valid for 10 minutes, and only in the browser that has the
    /// returned token. If the email address is not verified, the mail contains no code, and says to
    /// reset the password.
    ///
    /// Neither the outcome nor the work depends on whether there is an account.
    ///
    /// # Errors
    ///
    /// [`RequestMailError`].
    pub async fn request_sign_in_code(
        &self,
        request: RequestSignInCode<'_>,
    ) -> Result<SignInCodeRequested, RequestMailError> {
        let RequestSignInCode { email, remember, caller } = request;
        if !self.config.email_sign_in {
            return Err(RequestMailError::MailDisabled);
        }
        let email = EmailKey::parse(email)?;
        let attempt = self.begin_mail_request(&email, caller).await?;
        let (now, client) = (self.clock.now(), caller.client.clone());
        let token = EmailSignInToken::generate(&*self.random);
        let code = OneTimeCode::generate(&*self.random);
        let new = NewSignInCode {
            hash: code.hash_for_browser(&token),
            code,
            browser: token.hash(),
            remember,
            expires_at: now + SIGN_IN_LIFETIME,
            mail: new_mail(&client, now, &*self.random),
            client,
        };
        let (store, mail_requests) = (Arc::clone(&self.store), self.mail_requests.clone());
        let send = async move {
            let outcome = store.send_sign_in_code(&email, &new, now).await;
            match outcome.map_err(ServiceError::from)? {
                SendOutcome::Stored => {
                    attempt.settle(AttemptOutcome::Failed).await;
                    mail_requests.notify();
                    tracing::info!("a code for signing in was requested");
                    Ok(SignInCodeRequested { token, expires_in: SIGN_IN_LIFETIME })
                }
                SendOutcome::OutboxFull => Err(ServiceError::OutboxFull.into()),
            }
        };
        self.tasks.run_to_completion(send).await
    }

    /// Opens a session with a code from a mail, and issues its first tokens. If the second factor
    /// of the account is on, opens no session and returns a ticket for
    /// [`complete_sign_in`](Self::complete_sign_in). The code can be used once. A text that cannot
    /// be a code does not count as a try.
    ///
    /// # Errors
    ///
    /// [`CodeSignInError`].
    pub async fn sign_in_with_code(
        &self,
        request: SignInWithCode<'_>,
    ) -> Result<SignInOutcome, CodeSignInError> {
        let SignInWithCode { token, code, caller, replaces } = request;
        if !self.config.email_sign_in {
            return Err(CodeSignInError::SignInDisabled);
        }
        let token = token.ok_or(CodeSignInError::Expired)?;
        let code = OneTimeCode::parse(code).map_err(|_| CodeSignInError::Wrong)?;
        let (browser, hash) = (token.hash(), code.hash_for_browser(token));
        let now = self.clock.now();
        let pending = self.store.pending_sign_in(&browser, &hash, now).await;
        let pending = pending.map_err(ServiceError::from)?.ok_or(CodeSignInError::Expired)?;
        // Without an account, the code is wrong: a session of a random id takes the same work.
        let user = pending.user.unwrap_or_else(|| UserId::generate(now, &*self.random));
        let remember = pending.remember;
        let request = SessionRequest { user, remember, amr: Amr::CODE, caller, replaces };
        // With a wrong code, no token is issued, so the hook of the app is not called: its errors
        // and its time would reveal the account.
        let (new, tokens) = if pending.is_code_right {
            self.new_session(&request, now).await?
        } else {
            self.new_session_with_claims(&request, CustomClaims::default(), now)
        };
        let store = Arc::clone(&self.store);
        let open = async move {
            let opened = store.open_session_with_code(&browser, &hash, &new).await;
            let opened = opened.map_err(ServiceError::from)?;
            match &opened {
                OpenSessionWithCodeOutcome::Opened { ended, .. } => {
                    session_opened(&new.session, ended);
                }
                OpenSessionWithCodeOutcome::SecondFactorRequired { .. } => {}
                OpenSessionWithCodeOutcome::CodeWrong => {
                    tracing::info!("sign-in failed: wrong code");
                }
                OpenSessionWithCodeOutcome::CodeExpired => {
                    tracing::info!("sign-in failed: the code has expired");
                }
            }
            Ok::<_, CodeSignInError>(opened)
        };
        match self.tasks.run_to_completion(open).await? {
            OpenSessionWithCodeOutcome::Opened { user: account, device_version, .. } => {
                let browser = self.browser(&account, device_version, caller, now).await;
                let tokens = self.issue_first_tokens(tokens, &account, &browser).await?;
                Ok(SignInOutcome::SignedIn(tokens))
            }
            OpenSessionWithCodeOutcome::SecondFactorRequired {
                user: account,
                password_version,
                device_version,
            } => {
                let user = account.id;
                let method = Amr::CODE;
                let first_step =
                    FirstStep { user, method, remember, password_version, device_version };
                match self.require_second_factor(first_step).await? {
                    Some(required) => Ok(SignInOutcome::SecondFactorRequired(required)),
                    // The second factor has just been turned off, and the code is used up.
                    None => Err(CodeSignInError::Expired),
                }
            }
            OpenSessionWithCodeOutcome::CodeWrong => Err(CodeSignInError::Wrong),
            OpenSessionWithCodeOutcome::CodeExpired => Err(CodeSignInError::Expired),
        }
    }
}
