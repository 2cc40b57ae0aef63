use api_types::TokenResponse;

use super::claims::Claims;
use super::deadline::Deadline;
use super::handle::SessionHandle;
use super::renewal::{NotRenewed, renew_for};
use super::state::Action;
use crate::api::ApiError;
use crate::browser;
use crate::navigation::Notice;
use crate::storage::{self, StorageRefused};

impl SessionHandle {
    /// Does something with the access token, and once more with a new one if the server
    /// refuses it. Whatever needs the token passes here.
    ///
    /// Nothing is rendered on the way, unless the session turns out to be over: then a
    /// private page gives way to the log-in page by itself.
    pub(crate) async fn authorized<T>(
        &self,
        call: impl AsyncFn(&str) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        // Who has asked for the end wants nothing more of this session.
        if self.memory.ending.get() {
            return Err(ApiError::no_token());
        }
        let era = self.memory.era();
        let token = self.token().await?;
        let answer = call(&token).await;
        if !is_refused(&answer) || self.memory.era() != era {
            return answer;
        }
        let answer = call(&self.renewed(Some(token)).await?).await;
        if is_refused(&answer) && self.memory.era() == era {
            self.lose(Notice::SessionOver);
        }
        answer
    }

    /// A token that is worth a try.
    async fn token(&self) -> Result<String, ApiError> {
        match storage::token() {
            Some(token) if self.memory.is_past_deadline(browser::now()) => {
                self.renewed(Some(token)).await
            }
            Some(token) => Ok(token),
            None if self.may_use_cookie() => self.renewed(None).await,
            None => {
                self.lose(Notice::SessionOver);
                Err(ApiError::no_token())
            }
        }
    }

    /// The token that takes the place of `old`.
    async fn renewed(&self, old: Option<String>) -> Result<String, ApiError> {
        match storage::token() {
            // Somebody was faster.
            Some(token) if Some(&token) != old.as_ref() => Ok(token),
            _ => self.memory.renewal.join(|| self.clone().renew()).await,
        }
    }

    async fn renew(self) -> Result<String, ApiError> {
        let era = self.memory.era();
        let owner = storage::token().and_then(|token| Claims::of(&token));
        let outcome = renew_for(owner.map(|claims| claims.sub)).await;
        // A log-out or a log-in that came in between has the last word.
        if self.memory.era() != era {
            return Err(ApiError::no_token());
        }
        match outcome {
            Ok(answer) => {
                // A storage that refuses it all of a sudden does not make it a worse token.
                let _ = self.keep(&answer);
                Ok(answer.access_token)
            }
            Err(NotRenewed::Failed(error)) => Err(error),
            Err(NotRenewed::Over(error)) => {
                storage::set_remembered(None);
                self.lose(Notice::SessionOver);
                Err(error)
            }
            // The others go on with their session, and it is not ours to end.
            Err(NotRenewed::Foreign) => {
                self.lose(Notice::SomebodyElse);
                Err(ApiError::no_token())
            }
        }
    }

    /// Keeps a token that has just come.
    pub(super) fn keep(&self, answer: &TokenResponse) -> Result<(), StorageRefused> {
        storage::keep_token(&answer.access_token)?;
        self.memory.set_deadline(Deadline::of(answer, browser::now()));
        Ok(())
    }

    /// The session is over, and this tab has only just learnt of it.
    fn lose(&self, why: Notice) {
        self.memory.begin_era();
        storage::remove_token();
        self.decline_others();
        self.memory.loss.set(Some(why));
        self.dispatch(Action::SignOut);
    }
}

const fn is_refused<T>(answer: &Result<T, ApiError>) -> bool {
    matches!(answer, Err(error) if error.is_refused_token())
}
