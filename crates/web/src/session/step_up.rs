//! Step-up: if a request needs a recent log-in, it waits until the user has logged in again, and is
//! then sent once more.

use std::cell::RefCell;

use api_types::{ErrorCode, TokenResponse};
use futures_channel::oneshot;
use wasm_bindgen_futures::spawn_local;
use yew::Callback;

use super::handle::{SessionEndReason, SessionHandle};
use super::tokens::Claims;
use crate::api::{self, ApiError};
use crate::storage::{self, Remember};

/// The requests that wait for a log-in.
#[derive(Default)]
pub(super) struct StepUp {
    /// Opens the dialog in which the user logs in.
    opener: RefCell<Option<Callback<()>>>,
    waiting: RefCell<Vec<oneshot::Sender<Confirmed>>>,
}

/// The outcome of a step-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// The user has logged in again.
    Yes,
    /// The user has cancelled, or the session has ended.
    No,
}

impl StepUp {
    /// Opens the dialog and waits until it is closed.
    async fn confirm(&self) -> Confirmed {
        let Some(open) = self.opener.borrow().clone() else { return Confirmed::No };
        let (sender, confirmed) = oneshot::channel();
        self.waiting.borrow_mut().push(sender);
        open.emit(());
        confirmed.await.unwrap_or(Confirmed::No)
    }

    /// Lets the waiting requests continue.
    pub(super) fn finish(&self, confirmed: Confirmed) {
        for waiting in self.waiting.take() {
            // This fails if the request does not wait any more.
            let _ = waiting.send(confirmed);
        }
    }
}

impl SessionHandle {
    /// Calls the server with the access token like [`authorized`](Self::authorized). If the server
    /// requires a recent log-in, asks the user to log in again and then calls once more. If the user
    /// cancels, returns the server's error.
    pub(crate) async fn authorized_fresh<T>(
        &self,
        call: impl AsyncFn(&str) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let answer = self.authorized(&call).await;
        let is_required =
            matches!(&answer, Err(error) if error.has_code(ErrorCode::StepUpRequired));
        if is_required && self.memory.step_up.confirm().await == Confirmed::Yes {
            return self.authorized(&call).await;
        }
        answer
    }

    /// Sets the callback that opens the dialog in which the user logs in again.
    pub(crate) fn set_step_up(&self, opener: Option<Callback<()>>) {
        self.memory.step_up.opener.replace(opener);
    }

    /// Lets the requests that wait for a log-in fail.
    pub(crate) fn cancel_step_up(&self) {
        self.memory.step_up.finish(Confirmed::No);
    }

    /// Returns the choice to stay signed in that the user made for this session.
    pub(crate) fn remember(&self) -> Remember {
        let session = storage::token().as_deref().and_then(Claims::read).map(|claims| claims.sid);
        if session.is_some() && session == storage::remembered() {
            Remember::Yes
        } else {
            Remember::No
        }
    }

    /// Continues with the token of a new log-in of `user`, which has replaced the session of this
    /// browser. The page stays as it is. Other tabs get tokens of the new session with the cookie.
    pub(crate) fn stepped_up(&self, user: &str, answer: TokenResponse) {
        let remember = self.remember();
        let claims = Claims::read(&answer.access_token);
        let Some(claims) = claims.filter(|claims| claims.sub == user) else {
            // The waiting requests must not be sent as another user.
            spawn_local(async move { drop(api::sign_out(&answer.access_token).await) });
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

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use std::rc::Rc;

    use futures_util::future::join3;
    use tokio::runtime::Builder;
    use tokio::task::yield_now;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn concurrent_requests_wait_for_one_log_in() {
        for confirmed in [Confirmed::Yes, Confirmed::No] {
            let step_up = StepUp::default();
            step_up.opener.replace(Some(Callback::noop()));
            let log_in = async {
                yield_now().await;
                step_up.finish(confirmed);
            };
            let (first, second, ()) = run(join3(step_up.confirm(), step_up.confirm(), log_in));
            assert_eq!((first, second), (confirmed, confirmed));
        }
    }

    #[test]
    fn the_dialog_is_opened() {
        let step_up = Rc::new(StepUp::default());
        let opened = step_up.clone();
        let open = Callback::from(move |()| opened.finish(Confirmed::Yes));
        step_up.opener.replace(Some(open));
        assert_eq!(run(step_up.confirm()), Confirmed::Yes);
    }

    #[test]
    fn without_a_dialog_nothing_is_confirmed() {
        assert_eq!(run(StepUp::default().confirm()), Confirmed::No);
    }
}
