//! Requests that need a recent log-in. If the last log-in was too long ago, the request waits until
//! the user has logged in again, and is then sent once more.

use api_types::{ErrorCode, TokenResponse};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use wasm_bindgen_futures::spawn_local;
use yew::Callback;

use crate::call::Call;
use crate::calls;
use crate::error::ApiError;
use crate::handle::{SessionEndReason, SessionHandle};
use crate::http::{Request, Success};
use crate::step_up::Confirmed;
use crate::storage::{self, Remember};
use crate::tokens::Claims;

/// The outcome of a call that is only valid in one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InSession<T> {
    /// The server's answer.
    Answer(T),
    /// The user had to log in again, which has replaced the session.
    Replaced,
}

impl SessionHandle {
    /// Calls the server with the access token like [`authorized`](Self::authorized). If the server
    /// requires a recent log-in, asks the user to log in again and then calls once more. If the
    /// user cancels, or if there is no [callback](Self::set_step_up) that asks the user, returns
    /// the server's error.
    ///
    /// # Errors
    ///
    /// Returns an [`ApiError`] if the request fails.
    pub async fn authorized_fresh<T>(&self, call: Call<T>) -> Result<T, ApiError> {
        call.read(&self.send_fresh(&call.request).await?)
    }

    /// Calls the server like [`authorized_fresh`](Self::authorized_fresh), but does not call again
    /// after the user has logged in again. For calls that are only valid in the session in which
    /// they were prepared: the log-in replaces the session.
    ///
    /// # Errors
    ///
    /// Returns an [`ApiError`] if the request fails.
    pub async fn authorized_in_session<T>(&self, call: Call<T>) -> Result<InSession<T>, ApiError> {
        match self.send_once(&call.request).await? {
            InSession::Answer(success) => Ok(InSession::Answer(call.read(&success)?)),
            InSession::Replaced => Ok(InSession::Replaced),
        }
    }

    fn send_fresh<'a>(
        &'a self,
        request: &'a Request,
    ) -> LocalBoxFuture<'a, Result<Success, ApiError>> {
        async {
            match self.send_once(request).await? {
                InSession::Answer(success) => Ok(success),
                InSession::Replaced => self.send(request).await,
            }
        }
        .boxed_local()
    }

    /// Sends a request. If the server requires a recent log-in, asks the user to log in again.
    async fn send_once(&self, request: &Request) -> Result<InSession<Success>, ApiError> {
        let answer = self.send(request).await;
        let is_required =
            matches!(&answer, Err(error) if error.has_code(ErrorCode::StepUpRequired));
        if is_required && self.memory.step_up.confirm().await == Confirmed::Yes {
            return Ok(InSession::Replaced);
        }
        answer.map(InSession::Answer)
    }

    /// Sets the callback that opens the dialog in which the user logs in again. The dialog calls
    /// [`stepped_up`](Self::stepped_up) or [`cancel_step_up`](Self::cancel_step_up).
    pub fn set_step_up(&self, opener: Option<Callback<()>>) {
        self.memory.step_up.opener.replace(opener);
    }

    /// Fails all requests that are waiting for a log-in.
    pub fn cancel_step_up(&self) {
        self.memory.step_up.finish(Confirmed::No);
    }

    /// Returns the choice to stay signed in that the user made for this session.
    #[must_use]
    pub fn remember(&self) -> Remember {
        let session = storage::token().as_deref().and_then(Claims::read).map(|claims| claims.sid);
        if session.is_some() && session == storage::remembered() {
            Remember::Yes
        } else {
            Remember::No
        }
    }

    /// Continues with the token of a new log-in of the user with the id `user`, which has replaced
    /// the session of this browser. The page does not change. Other tabs get tokens of the new
    /// session with the cookie.
    pub fn stepped_up(&self, user: &str, answer: TokenResponse) {
        let remember = self.remember();
        let claims = Claims::read(&answer.access_token);
        let Some(claims) = claims.filter(|claims| claims.sub == user) else {
            // The waiting requests must not be sent as another user.
            spawn_local(async move { drop(calls::sign_out(&answer.access_token).await) });
            self.end_locally(SessionEndReason::OtherUser);
            return;
        };
        // If the token cannot be stored, the next request gets another one with the cookie.
        let _ = self.store(&answer);
        storage::set_remembered((remember == Remember::Yes).then_some(&*claims.sid));
        self.memory.step_up.finish(Confirmed::Yes);
        self.verify();
    }
}
