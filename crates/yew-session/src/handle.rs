use std::cell::{Cell, RefCell};
use std::rc::Rc;

use api_types::{Me, TokenResponse};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::browser;
use crate::call::Call;
use crate::calls;
use crate::error::ApiError;
use crate::first_step::FirstStep;
use crate::http::{Request, Success};
use crate::latest_request::LatestRequest;
use crate::sign_out::{PendingSignOut, SignOutOutcome};
use crate::single_flight::SingleFlight;
use crate::state::{Action, Session, State, User};
use crate::step_up::{Confirmed, StepUp};
use crate::storage::{self, Remember, StorageDenied};
use crate::tabs::Tabs;
use crate::timers::Timers;
use crate::tokens::{Claims, Deadline, RefreshError, refresh_for};

/// The state of the session, and the operations on it.
///
/// The default handle is used outside of a [`SessionProvider`](crate::SessionProvider). Its state
/// is always signed out.
#[derive(Clone, Default)]
pub struct SessionHandle {
    pub(crate) state: State,
    pub(crate) dispatcher: Option<UseReducerDispatcher<State>>,
    pub(crate) memory: Rc<Memory>,
}

/// The reason why a session ended, other than a sign-out in this tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEndReason {
    /// The session has expired or has been ended elsewhere.
    Ended,
    /// Another user has signed in from another tab.
    OtherUser,
}

/// Data of the session that is not part of the state. Changing it does not cause a render.
#[derive(Default)]
pub(crate) struct Memory {
    /// The latest request that checks the session.
    check: LatestRequest,
    /// The refresh of the token, which returns the new one.
    refresh: SingleFlight<Result<String, ApiError>>,
    /// `true` if this tab has asked the server for a session that has not ended since.
    pub(crate) may_be_signed_in: Cell<bool>,
    /// `true` if this tab may use the cookie although the browser does not remember a session. This
    /// ends when a session begins or ends in this tab, or when the cookie has no session.
    tries_cookie: Cell<bool>,
    /// `true` if the user has signed out and the server has not answered yet.
    is_ending: Cell<bool>,
    end_reason: Cell<Option<SessionEndReason>>,
    /// The id of the session that the browser remembered when this tab's session ended. The session
    /// may be another user's, so this tab must not use it.
    declined: RefCell<Option<String>>,
    /// The other tabs of this browser.
    pub(crate) tabs: Tabs,
    deadline: Cell<Option<Deadline>>,
    generation: Cell<Generation>,
    /// The timers of the next checks.
    pub(crate) timers: Timers,
    /// The requests that wait until the user has logged in again.
    pub(crate) step_up: StepUp,
    pub(crate) first_step: RefCell<Option<FirstStep>>,
}

/// The sequence number of a session in this tab. A request from an earlier session must not change
/// a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Generation(u32);

impl Memory {
    pub(crate) fn new(tries_cookie: bool) -> Self {
        Self { tries_cookie: Cell::new(tries_cookie), ..Self::default() }
    }

    /// Begins a new generation: the answers to pending requests are ignored from now on.
    fn begin_generation(&self) {
        self.generation.set(Generation(self.generation.get().0.wrapping_add(1)));
        self.may_be_signed_in.set(false);
        self.tries_cookie.set(false);
        self.check.cancel();
        self.refresh.close();
        self.deadline.take();
        self.timers.stop();
        self.step_up.finish(Confirmed::No);
    }

    /// Returns whether the token was issued before the page was loaded, so that its deadline is not
    /// known.
    pub(crate) fn has_old_token(&self) -> bool {
        self.deadline.get().is_none()
    }

    /// Returns whether the token is known to be expired or about to expire. After a page load, its
    /// lifetime is unknown.
    pub(crate) fn is_past_deadline(&self, now_ms: f64) -> bool {
        self.deadline.get().is_some_and(|deadline| deadline.has_passed(now_ms))
    }
}

/// Compares everything except `memory`, which is not rendered.
impl PartialEq for SessionHandle {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state && self.dispatcher == other.dispatcher
    }
}

impl SessionHandle {
    /// Returns the state of the session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.state.session
    }

    /// Returns how many times the server has confirmed a session.
    #[must_use]
    pub const fn confirmations(&self) -> u32 {
        self.state.confirmations
    }

    /// Returns whether the server has confirmed the session, and it has not had to expire since. It
    /// may have been ended elsewhere.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.state.is_active
    }

    /// Returns whether there is a session, or a token whose session is not confirmed yet.
    #[must_use]
    pub fn may_be_signed_in(&self) -> bool {
        *self.session() != Session::SignedOut
    }

    /// Returns the reason for the end of the session, if the user did not sign out in this tab. A
    /// second call returns `None`.
    #[must_use]
    pub fn take_end_reason(&self) -> Option<SessionEndReason> {
        self.memory.end_reason.take()
    }

    /// Checks the session with the server if this tab is signed out but the user may have signed in
    /// from another tab.
    pub fn check_if_signed_out(&self) {
        if *self.session() == Session::SignedOut && self.may_have_session() {
            self.reload_user();
        }
    }

    /// Checks the session with the server, unless a check is already pending.
    pub fn check(&self) {
        if !self.memory.check.is_pending() {
            self.reload_user();
        }
    }

    /// Checks the session with the server. The answer to an earlier request is ignored.
    pub fn reload_user(&self) {
        // After sign-out has begun, the session is not checked.
        if self.memory.is_ending.get() {
            return;
        }
        if !self.may_have_session() {
            self.memory.check.cancel();
            self.memory.timers.stop();
            self.memory.may_be_signed_in.set(false);
            self.dispatch(Action::SignOut);
            return;
        }
        self.memory.may_be_signed_in.set(true);
        let number = self.memory.check.start();
        self.dispatch(Action::Ask);
        let session = self.clone();
        spawn_local(async move {
            let answer = session.ask_user().await;
            if session.memory.check.finish(number) {
                session.apply_answer(answer);
            }
        });
    }

    fn apply_answer(&self, answer: Result<User, ApiError>) {
        match answer {
            Ok(user) => self.dispatch(Action::Confirm(user)),
            Err(error) => self.dispatch(Action::Fail(error)),
        }
    }

    /// Updates what the page shows about the user.
    pub(crate) fn update(&self, user: User) {
        self.dispatch(Action::Update(user));
    }

    /// Updates what this tab and the other ones show about the user, after a change of the account.
    pub fn user_changed(&self, me: Me) {
        self.update(me.into());
        self.memory.tabs.announce_user_change();
    }

    /// Lets this tab and the other ones check their sessions after a password reset, which ends all
    /// sessions of its account.
    pub async fn password_reset(&self) {
        if self.may_be_signed_in() {
            // If the session has ended, this signs out. The log-in page says why.
            drop(self.authorized(calls::me()).await);
            self.memory.end_reason.take();
        }
        self.memory.tabs.announce_sign_out();
    }

    /// Removes the user from the state after the session must have expired, if the server cannot
    /// confirm that it is still active.
    pub(crate) fn expire(&self, error: ApiError) {
        self.dispatch(Action::Expire(error));
    }

    /// Removes the user from the state when the page is hidden, because the browser may show it
    /// again later from the back-forward cache.
    pub(crate) fn hide(&self) {
        self.memory.check.cancel();
        self.dispatch(Action::Hide);
    }

    /// Starts a session with a token that was just issued.
    pub(crate) fn try_start(
        &self,
        answer: &TokenResponse,
        remember: Remember,
    ) -> Result<(), StorageDenied> {
        self.memory.begin_generation();
        self.store(answer)?;
        let session = match remember {
            Remember::Yes => Claims::read(&answer.access_token).map(|claims| claims.sid),
            Remember::No => None,
        };
        storage::set_remembered(session.as_deref());
        storage::clear_signed_out();
        self.memory.end_reason.take();
        self.memory.declined.take();
        self.memory.tabs.announce_sign_in();
        self.reload_user();
        Ok(())
    }

    /// Ends the session in the browser at once, and then on the server. After the server has
    /// answered or the request has failed, `leave` is called to navigate away from the page.
    pub fn sign_out(&self, leave: impl FnOnce(SignOutOutcome) + 'static) {
        // Ignore the second of two clicks in one frame.
        if self.memory.is_ending.replace(true) {
            return;
        }
        let tries_cookie = self.memory.tries_cookie.get();
        self.memory.begin_generation();
        let pending = PendingSignOut::begin(tries_cookie);
        self.decline_remembered();
        self.dispatch(Action::End);
        let session = self.clone();
        spawn_local(async move {
            let outcome = pending.finish().await;
            session.finish_sign_out(|| leave(outcome));
        });
    }

    /// Ends the session in the browser after the user's account has been deleted. `leave` navigates
    /// away from the page.
    pub fn account_deleted(&self, leave: impl FnOnce()) {
        self.memory.begin_generation();
        // The server has ended the session already.
        drop(PendingSignOut::begin(false));
        self.decline_remembered();
        self.dispatch(Action::End);
        self.finish_sign_out(leave);
    }

    fn finish_sign_out(&self, leave: impl FnOnce()) {
        // Leave first: a private page would redirect to the log-in page as soon as the state is
        // signed out.
        leave();
        self.dispatch(Action::SignOut);
        self.memory.is_ending.set(false);
        // The other tabs then check the session at once, so it must already have ended.
        self.memory.tabs.announce_sign_out();
    }

    /// Calls the server with the access token. If the server rejects the token, refreshes it and
    /// calls again.
    ///
    /// A refresh does not cause a render. If the session has ended, the state changes to
    /// [`Session::SignedOut`]. After a network failure or an error of the server, it stays as it is.
    ///
    /// # Errors
    ///
    /// Returns an [`ApiError`] if the request or the refresh fails.
    pub async fn authorized<T>(&self, call: Call<T>) -> Result<T, ApiError> {
        call.read(&self.send(&call.request).await?)
    }

    pub(crate) fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> LocalBoxFuture<'a, Result<Success, ApiError>> {
        self.send_unboxed(request).boxed_local()
    }

    async fn send_unboxed(&self, request: &Request) -> Result<Success, ApiError> {
        // After sign-out has begun, the session is not used any more.
        if self.memory.is_ending.get() {
            return Err(ApiError::no_token());
        }
        let generation = self.memory.generation.get();
        let token = self.usable_token().await?;
        let answer = calls::send_as(&token, request).await;
        if !is_rejected(&answer) || self.memory.generation.get() != generation {
            return answer;
        }
        let answer = calls::send_as(&self.refreshed(Some(token)).await?, request).await;
        if is_rejected(&answer) && self.memory.generation.get() == generation {
            self.end_locally(SessionEndReason::Ended);
        }
        answer
    }

    /// Returns a token that is not about to expire.
    async fn usable_token(&self) -> Result<String, ApiError> {
        match storage::token() {
            Some(token) if self.memory.is_past_deadline(browser::now()) => {
                self.refreshed(Some(token)).await
            }
            Some(token) => Ok(token),
            None if self.may_use_cookie() => self.refreshed(None).await,
            None => {
                self.end_locally(SessionEndReason::Ended);
                Err(ApiError::no_token())
            }
        }
    }

    /// Returns the token that replaces `old`.
    async fn refreshed(&self, old: Option<String>) -> Result<String, ApiError> {
        match storage::token() {
            // Another request has refreshed it already.
            Some(token) if Some(&token) != old.as_ref() => Ok(token),
            _ => self.memory.refresh.join(|| self.clone().refresh()).await,
        }
    }

    async fn refresh(self) -> Result<String, ApiError> {
        let generation = self.memory.generation.get();
        let token = storage::token();
        let had_no_session = token.is_none() && storage::remembered().is_none();
        let owner = token.and_then(|token| Claims::read(&token));
        let outcome = refresh_for(owner.map(|claims| claims.sub)).await;
        // A sign-out or sign-in during the refresh has ended the session that was refreshed.
        if self.memory.generation.get() != generation {
            return Err(ApiError::no_token());
        }
        match outcome {
            Ok(answer) => {
                // A token that cannot be stored can be used once. The next request needs another one.
                if self.store(&answer).is_ok() {
                    // The cookie may belong to another user later.
                    self.memory.tries_cookie.set(false);
                }
                self.extended();
                Ok(answer.access_token)
            }
            Err(RefreshError::Failed(error)) => Err(error),
            // This tab did not know of a session, so none has ended.
            Err(RefreshError::SessionEnded(error)) if had_no_session => {
                self.memory.begin_generation();
                self.dispatch(Action::SignOut);
                Err(error)
            }
            Err(RefreshError::SessionEnded(error)) => {
                storage::set_remembered(None);
                self.end_locally(SessionEndReason::Ended);
                Err(error)
            }
            // The cookie's session belongs to another user, so it continues in the other tabs.
            Err(RefreshError::OtherUser) => {
                self.end_locally(SessionEndReason::OtherUser);
                Err(ApiError::no_token())
            }
        }
    }

    /// Stores a token that has just arrived.
    pub(crate) fn store(&self, answer: &TokenResponse) -> Result<(), StorageDenied> {
        storage::set_token(&answer.access_token)?;
        let now = browser::now();
        let deadline = Deadline::new(answer, now);
        self.memory.deadline.set(Some(deadline));
        self.expect_token_expiry(deadline.remaining(now));
        Ok(())
    }

    /// Ends the session in this tab, without a request to the server.
    pub(crate) fn end_locally(&self, reason: SessionEndReason) {
        self.memory.begin_generation();
        storage::remove_token();
        self.decline_remembered();
        self.memory.end_reason.set(Some(reason));
        self.dispatch(Action::SignOut);
    }

    /// Returns whether this tab has a token, or may get one with the cookie.
    fn may_have_session(&self) -> bool {
        storage::token().is_some() || self.may_use_cookie()
    }

    /// Returns whether the browser remembers a session that this tab may use, or may have one for
    /// the whole browser.
    fn may_use_cookie(&self) -> bool {
        let remembered = storage::remembered();
        let is_remembered = remembered.is_some() && remembered != *self.memory.declined.borrow();
        is_remembered || self.memory.tries_cookie.get()
    }

    /// Keeps this tab from using the remembered session, which may be another user's, after its own
    /// session has ended. The log-in page of this browser then does not suggest passkeys at once.
    fn decline_remembered(&self) {
        storage::set_signed_out();
        self.memory.declined.replace(storage::remembered());
    }

    pub(crate) fn generation(&self) -> Generation {
        self.memory.generation.get()
    }

    fn dispatch(&self, action: Action) {
        if let Some(dispatcher) = &self.dispatcher {
            dispatcher.dispatch(action);
        }
    }
}

const fn is_rejected(answer: &Result<Success, ApiError>) -> bool {
    matches!(answer, Err(error) if error.is_rejected_token())
}

#[cfg(test)]
mod tests {
    use api_types::TokenType;

    use super::*;

    #[test]
    fn a_new_generation_ignores_the_deadline_and_the_request_of_the_one_before() {
        let memory = Memory::default();
        let (generation, number) = (memory.generation.get(), memory.check.start());
        let access_token = "token".to_owned();
        let answer = TokenResponse { access_token, token_type: TokenType::Bearer, expires_in: 1 };
        memory.deadline.set(Some(Deadline::new(&answer, 0.0)));
        memory.tries_cookie.set(true);
        assert!(memory.is_past_deadline(1_000.0));

        memory.begin_generation();
        assert_ne!(memory.generation.get(), generation);
        assert!(!memory.is_past_deadline(1_000.0));
        assert!(!memory.tries_cookie.get());
        assert!(!memory.check.finish(number));
    }
}
