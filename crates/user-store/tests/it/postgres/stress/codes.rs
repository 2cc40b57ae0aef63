//! Codes and reset tokens from mails.

use auth_core::{
    Amr, ClientInfo, Email, EmailSignInToken, OneTimeCode, OpenSession, RefreshToken, ResetToken,
    Session, SessionPolicy, SystemRandom, UserId,
};
use user_store::{
    ActingSession, CodeStore as _, NewEmailChange, NewResetToken, NewSession, NewSignInCode,
    OpenSessionWithCodeOutcome, PasswordReset, StoreError,
};

use super::{Client, EMAILS, HASH, LATER, NOW, new_code, new_mail, notice};

impl Client {
    /// Requests a code or a reset token, and uses it, unless another client does something else
    /// with the account in between.
    pub(super) async fn code_step(&mut self, account: usize) -> Result<(), StoreError> {
        let email = Email::parse(EMAILS[account]).unwrap();
        match self.below(4) {
            0 => self.reset_password(&email).await,
            1 => self.sign_in_with_code(account, &email).await,
            step => {
                let Some((session, _)) = self.any_session(account) else { return Ok(()) };
                if step == 2 {
                    self.verify_email(session).await
                } else {
                    self.change_email(account, session).await
                }
            }
        }
    }

    async fn reset_password(&mut self, email: &Email) -> Result<(), StoreError> {
        let token = ResetToken::generate(&SystemRandom);
        let hash = token.hash();
        let client = ClientInfo::default();
        let new = NewResetToken { token, expires_at: LATER, mail: new_mail(), client };
        let _ = self.store.send_reset_token(email.key(), &new, NOW).await?;
        let _ = self.store.reset_target(&hash, NOW).await?;
        if self.below(2) == 0 {
            let password = HASH.parse().unwrap();
            let client = ClientInfo::default();
            let reset = PasswordReset { token: hash, password, client, notice: notice() };
            let _ = self.store.reset_password(&reset, NOW).await?;
        }
        Ok(())
    }

    async fn sign_in_with_code(&mut self, account: usize, email: &Email) -> Result<(), StoreError> {
        let token = EmailSignInToken::generate(&SystemRandom);
        let code = OneTimeCode::generate(&SystemRandom);
        let new = NewSignInCode {
            hash: code.hash_for_browser(&token),
            code,
            browser: token.hash(),
            remember: false,
            expires_at: LATER,
            mail: new_mail(),
            client: ClientInfo::default(),
        };
        let _ = self.store.send_sign_in_code(email.key(), &new, NOW).await?;
        let pending = self.store.pending_sign_in(&new.browser, &new.hash, NOW).await?;
        let user_id = pending.and_then(|pending| pending.user);
        let user_id = user_id.unwrap_or_else(|| UserId::generate(NOW, &SystemRandom));
        let policy = &SessionPolicy::default();
        let open = OpenSession { user_id, remember: false, amr: Amr::PASSWORD, policy };
        let session = Session::open(open, NOW, &SystemRandom);
        let refresh = RefreshToken::generate(&SystemRandom);
        let opened = NewSession::new(session, ClientInfo::default(), &refresh);
        let hash = match self.below(3) {
            0 => OneTimeCode::generate(&SystemRandom).hash_for_browser(&token),
            _ => new.hash,
        };
        let outcome = self.store.open_session_with_code(&new.browser, &hash, &opened).await?;
        if matches!(outcome, OpenSessionWithCodeOutcome::Opened { .. }) {
            self.accounts[account].sessions.lock().unwrap().push((session, refresh));
        }
        Ok(())
    }

    async fn verify_email(&mut self, session: Session) -> Result<(), StoreError> {
        let acting = ActingSession { session, client: ClientInfo::default() };
        let code = OneTimeCode::generate(&SystemRandom);
        let new = new_code(session.user_id, &code);
        let _ = self.store.send_verification_code(&acting, &new, NOW).await?;
        let hash = match self.below(3) {
            0 => OneTimeCode::generate(&SystemRandom).hash_for_user(session.user_id),
            _ => new.hash,
        };
        let _ = self.store.verify_email(&acting, &hash, NOW).await?;
        Ok(())
    }

    async fn change_email(&mut self, account: usize, session: Session) -> Result<(), StoreError> {
        let Some(proof) = self.reauthenticate(account, session).await? else { return Ok(()) };
        let code = new_code(session.user_id, &OneTimeCode::generate(&SystemRandom));
        let hash = code.hash;
        let number = usize::try_from(self.below(3)).unwrap();
        let email = match self.below(2) {
            0 => EMAILS[number].to_owned(),
            _ => format!("new.{}", EMAILS[number]),
        };
        let change =
            NewEmailChange { email: Email::parse(&email).unwrap(), code, notice: new_mail().id };
        let _ = self.store.send_email_change_code(&proof, &change, NOW).await?;
        let acting = ActingSession { session, client: ClientInfo::default() };
        let _ = self.store.change_email(&acting, &hash, notice(), NOW).await?;
        Ok(())
    }
}
