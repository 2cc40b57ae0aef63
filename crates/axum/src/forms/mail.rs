//! The forms that need mail: to reset the password, and to verify the email address.

use accounts::SignedIn;
use accounts::http::{ApiError, SetCookie};
use axum::http::request::Parts;
use axum::response::Response;

use super::{Forms, Success};
use crate::form::{Form, Notice};
use crate::form_page::{FormKind, FormPage};

impl<R: Fn(&FormPage) -> Response> Forms<R> {
    /// Sends a code that resets the password. The response does not depend on whether there is an
    /// account.
    pub(super) async fn request_reset(
        &self,
        form: &Form,
        parts: &Parts,
    ) -> Result<Success, ApiError> {
        let caller = self.caller(parts);
        self.shared.accounts.request_password_reset(&form.email, &caller).await?;
        Ok(Success::form(FormKind::ResetPassword, form, Some(Notice::CodeSent)))
    }

    pub(super) async fn reset_password(
        &self,
        form: &Form,
        parts: &Parts,
    ) -> Result<Success, ApiError> {
        let accounts = &self.shared.accounts;
        let (code, caller) = (form.code.trim(), self.caller(parts));
        let reset = accounts.reset_password(code, &form.password, &caller).await?;
        let mut cookies = self.clear_ended_session(parts).await;
        cookies.extend(reset.device.iter().map(|device| self.shared.cookies.set_device(device)));
        let log_in = Success::form(FormKind::LogIn, form, Some(Notice::PasswordReset));
        Ok(Success { cookies, ..log_in })
    }

    /// Returns the header that deletes the session cookie, unless it is that of another user, who
    /// is still signed in.
    async fn clear_ended_session(&self, parts: &Parts) -> Vec<SetCookie> {
        let Some(token) = self.session_cookie(parts) else { return Vec::new() };
        match self.shared.accounts.session_for_token(&token).await {
            Ok(Some(_)) => Vec::new(),
            Ok(None) => vec![self.shared.cookies.clear_refresh()],
            // The password has been reset, so the request succeeds despite this error. The next one
            // with the cookie clears it.
            Err(error) => {
                ApiError::from(error).log();
                Vec::new()
            }
        }
    }

    pub(super) fn show_verification(
        &self,
        user: &SignedIn,
        form: Form,
        notice: Option<Notice>,
    ) -> Response {
        if user.email_verified_at().is_some() {
            return self.succeed(self.next(&form));
        }
        self.page(
            FormKind::VerifyEmail,
            Form { email: user.email().to_owned(), ..form },
            notice,
            None,
        )
    }

    /// Verifies the email address of the user, or sends another code.
    pub(super) async fn verify_email(
        &self,
        user: &SignedIn,
        form: Form,
        parts: &Parts,
    ) -> Response {
        let (accounts, caller) = (&self.shared.accounts, self.caller(parts));
        let outcome = if form.send {
            let sent = accounts.send_verification_code(user, &caller).await;
            let notice = Some(Notice::CodeSent);
            sent.map(|_| Success::form(FormKind::VerifyEmail, &form, notice))
                .map_err(ApiError::from)
        } else {
            let verified = accounts.verify_email(user, &form.code, &caller).await;
            verified.map(|_| self.next(&form)).map_err(ApiError::from)
        };
        match outcome {
            Ok(success) => self.succeed(success),
            Err(ApiError::AlreadyVerified) => self.succeed(self.next(&form)),
            // The session has ended.
            Err(error) if error.asks_for_log_in() => self.reject(&error, parts),
            Err(error) => {
                let form = Form { email: user.email().to_owned(), ..form };
                self.page(FormKind::VerifyEmail, form, None, Some(error))
            }
        }
    }
}
