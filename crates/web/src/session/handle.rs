use std::rc::Rc;

use api_types::{TokenResponse, User};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::claims::Claims;
use super::leaving::Leaving;
use super::memory::Memory;
use super::state::{Action, Session, State};
use crate::api::{self, ApiError};
use crate::navigation::{self, Arrival, Notice};
use crate::storage::{self, StorageRefused};

/// What the application knows about the session, and what it can do about it.
///
/// The default knows nothing and does nothing: outside of a
/// [`App`](crate::App) nobody is signed in.
#[derive(Clone, Default)]
pub struct SessionHandle {
    pub(super) state: State,
    pub(super) dispatcher: Option<UseReducerDispatcher<State>>,
    pub(super) memory: Rc<Memory>,
}

/// What is remembered beside the state is nothing to render.
impl PartialEq for SessionHandle {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state && self.dispatcher == other.dispatcher
    }
}

impl SessionHandle {
    /// What is known.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.state.session
    }

    /// How many times the server has confirmed the session.
    #[must_use]
    pub const fn confirmations(&self) -> u32 {
        self.state.confirmations
    }

    /// Whether there is something to log out of: a session, or a token that may be one.
    #[must_use]
    pub fn may_be_signed_in(&self) -> bool {
        *self.session() != Session::SignedOut
    }

    /// Why the session that was here is over, if its user has not ended it. It is told once.
    #[must_use]
    pub fn take_loss(&self) -> Option<Notice> {
        self.memory.loss.take()
    }

    /// Whether there is a token, or a cookie to get one with for this tab.
    pub(super) fn has_claim(&self) -> bool {
        storage::token().is_some() || self.may_use_cookie()
    }

    pub(super) fn may_use_cookie(&self) -> bool {
        let remembered = storage::remembered();
        remembered.is_some() && remembered != *self.memory.declined.borrow()
    }

    /// Asks the server whose session it is, if there is one that was not here before.
    pub fn look_again(&self) {
        if *self.session() == Session::SignedOut && self.has_claim() {
            self.ask();
        }
    }

    /// Asks the server whose session it is, unless it is being asked already.
    pub fn check(&self) {
        if !self.memory.inquiry.is_open() {
            self.ask();
        }
    }

    /// Asks the server whose session it is; an answer still under way no longer counts.
    pub fn ask(&self) {
        // Who has asked for the end is not asked after any more, wherever they go meanwhile.
        if self.memory.ending.get() {
            return;
        }
        if !self.has_claim() {
            self.memory.inquiry.cancel();
            self.dispatch(Action::SignOut);
            return;
        }
        let number = self.memory.inquiry.start();
        self.dispatch(Action::Ask);
        let session = self.clone();
        spawn_local(async move {
            let answer = session.authorized(api::me).await;
            if session.memory.inquiry.finish(number) {
                session.learn(answer);
            }
        });
    }

    fn learn(&self, answer: Result<User, ApiError>) {
        match answer {
            Ok(user) => self.dispatch(Action::Confirm(user)),
            Err(error) => self.dispatch(Action::Fail(error)),
        }
    }

    /// Finds out whether the session is still alive. What the page shows, and what is typed
    /// there, stays as it is unless it is not.
    pub(super) fn verify(&self) {
        if storage::token().is_some() {
            let session = self.clone();
            spawn_local(async move { drop(session.authorized(api::me).await) });
        }
    }

    /// Signs in with a token that was just issued.
    pub(crate) fn begin(
        &self,
        answer: &TokenResponse,
        remember: bool,
    ) -> Result<(), StorageRefused> {
        self.memory.begin_era();
        self.keep(answer)?;
        let claims = Claims::of(&answer.access_token);
        let remembered = claims.map(|claims| claims.sid).filter(|_| remember);
        storage::set_remembered(remembered.as_deref());
        self.memory.loss.take();
        self.memory.declined.take();
        self.ask();
        Ok(())
    }

    /// Ends the session here at once and on the server as soon as it answers, and then
    /// shows the log-in page.
    pub fn end(&self) {
        // Of two clicks in one frame, the second would find no token to end.
        if self.memory.ending.replace(true) {
            return;
        }
        let leaving = Leaving::now();
        self.memory.begin_era();
        leaving.clear_storage();
        self.decline_others();
        self.dispatch(Action::End);
        let session = self.clone();
        spawn_local(async move {
            let notice = (!leaving.end().await).then_some(Notice::LogOutUncertain);
            session.close(|| {
                navigation::replace_with_login(Arrival { notice, ..Arrival::default() });
            });
        });
    }

    /// Forgets a session that has ended with its account, and shows the front page.
    pub(crate) fn end_with_account(&self) {
        self.memory.begin_era();
        Leaving::now().clear_storage();
        self.decline_others();
        self.dispatch(Action::End);
        self.close(navigation::replace_with_farewell);
    }

    /// Leaves the page that was shown at the end of a session.
    fn close(&self, leave: impl FnOnce()) {
        // The page first: a private one would answer the end with a detour of its own.
        leave();
        self.dispatch(Action::SignOut);
        self.memory.ending.set(false);
        // Not earlier, or they would find the session alive.
        self.memory.tabs.tell_of_sign_out();
    }

    /// Keeps this tab from becoming somebody else's.
    pub(super) fn decline_others(&self) {
        self.memory.declined.replace(storage::remembered());
    }

    pub(super) fn dispatch(&self, action: Action) {
        if let Some(dispatcher) = &self.dispatcher {
            dispatcher.dispatch(action);
        }
    }
}
