//! Signs in and starts the session.

use api_types::{SecondFactorRequest, SecondFactorRequired, TokenRequest, TokenResponse};
use serde::Serialize;
use wasm_bindgen_futures::spawn_local;

use crate::call::Call;
use crate::calls;
use crate::error::ApiError;
use crate::first_step::FirstStep;
use crate::handle::SessionHandle;
use crate::storage::{Remember, StorageDenied};

/// An error from signing in. Its message is a sentence for users, in English.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The first step has succeeded, and the account requires a second factor. Continue with
    /// [`SessionHandle::complete_sign_in`].
    #[error("Your account requires a second step.")]
    SecondFactorRequired(SecondFactorRequired),
    /// The request failed.
    #[error(transparent)]
    Api(ApiError),
    /// The browser denies access to its storage.
    #[error(transparent)]
    StorageDenied(#[from] StorageDenied),
}

impl From<ApiError> for SignInError {
    fn from(error: ApiError) -> Self {
        match error.second_factor() {
            Some(required) => Self::SecondFactorRequired(required.clone()),
            None => Self::Api(error),
        }
    }
}

impl SessionHandle {
    /// Signs in with a password.
    ///
    /// # Errors
    ///
    /// Returns a [`SignInError`] if the request fails, if a second factor is required, or if the
    /// browser denies access to its storage.
    pub async fn sign_in(&self, credentials: &TokenRequest) -> Result<(), SignInError> {
        let remember = credentials.remember.into();
        let outcome = self.sign_in_with(calls::sign_in(credentials), remember).await;
        if let Err(SignInError::SecondFactorRequired(SecondFactorRequired { ticket, .. })) =
            &outcome
        {
            let ticket = ticket.clone();
            self.memory.first_step.replace(Some(FirstStep { ticket, remember }));
        }
        outcome
    }

    /// Completes a sign-in that [`sign_in`](Self::sign_in) has begun, with a second factor. A wrong
    /// one does not use up the ticket.
    ///
    /// # Errors
    ///
    /// Returns a [`SignInError`] if the request fails or the browser denies access to its storage.
    pub async fn complete_sign_in<C: Serialize>(
        &self,
        second: &SecondFactorRequest<C>,
    ) -> Result<(), SignInError> {
        let remember = FirstStep::remember(&self.memory.first_step.borrow(), &second.ticket);
        self.sign_in_with(calls::sign_in_with_second_factor(second), remember).await?;
        self.memory.first_step.take();
        Ok(())
    }

    async fn sign_in_with(
        &self,
        call: Call<TokenResponse>,
        remember: Remember,
    ) -> Result<(), SignInError> {
        let answer = call.send().await?;
        Ok(self.start(answer, remember)?)
    }

    /// Starts a session with a token that was just issued. If the token cannot be stored, the
    /// session cannot be used, and is ended on the server.
    ///
    /// # Errors
    ///
    /// Returns [`StorageDenied`] if the browser denies access to its storage.
    pub fn start(&self, answer: TokenResponse, remember: Remember) -> Result<(), StorageDenied> {
        let started = self.try_start(&answer, remember);
        if started.is_err() {
            spawn_local(async move { drop(calls::sign_out(&answer.access_token).await) });
        }
        started
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_the_second_step_of_a_sign_in() {
        let body = r#"{"status":401,"code":"second_factor_required","ticket":"T","expires_in":600,
            "factors":["totp"]}"#;
        let error = SignInError::from(ApiError::rejected(401, None, body));
        assert!(matches!(&error, SignInError::SecondFactorRequired(it) if it.ticket == "T"));
        assert!(!format!("{error:?}").contains("\"T\""), "the ticket is secret");
        let wrong = ApiError::rejected(401, None, r#"{"code":"invalid_credentials"}"#);
        assert_eq!(SignInError::from(wrong.clone()), SignInError::Api(wrong));
    }
}
