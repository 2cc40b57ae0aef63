use std::cell::Cell;
use std::rc::Rc;

use gloo_events::EventListener;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::spawn_local;
use web_sys::PageTransitionEvent;
use yew::prelude::*;

use super::inquiry::Inquiry;
use super::state::{Action, Session, State};
use crate::navigation::{self, Arrival, Notice};
use crate::storage::{self, StorageRefused};
use crate::{api, api::ApiError};

/// What the application knows about the session, and what it can do about it.
///
/// The default knows nothing and does nothing: outside of a [`SessionProvider`] nobody is
/// signed in.
#[derive(Clone, PartialEq, Default)]
pub struct SessionHandle {
    state: State,
    dispatcher: Option<UseReducerDispatcher<State>>,
    inquiry: Rc<Inquiry>,
    ending: Rc<Cell<bool>>,
    refused: Rc<Cell<bool>>,
}

/// Properties of [`SessionProvider`].
#[derive(Properties, PartialEq)]
pub struct SessionProviderProps {
    /// What is known before the server is asked.
    pub initial: Session,
    /// Who may ask with [`use_session`].
    pub children: Html,
}

/// Keeps the one session of the application.
#[component]
pub fn SessionProvider(props: &SessionProviderProps) -> Html {
    let state = use_reducer(|| State { session: props.initial.clone(), confirmations: 0 });
    let inquiry = use_memo((), |()| Inquiry::default());
    let ending = use_memo((), |()| Cell::new(false));
    let refused = use_memo((), |()| Cell::new(false));
    let session = SessionHandle {
        state: (*state).clone(),
        dispatcher: Some(state.dispatcher()),
        inquiry,
        ending,
        refused,
    };
    use_effect_with((), {
        let session = session.clone();
        move |()| {
            session.check();
            let listeners = session.listen();
            move || drop(listeners)
        }
    });
    html! {
        <ContextProvider<SessionHandle> context={session}>
            {props.children.clone()}
        </ContextProvider<SessionHandle>>
    }
}

/// The session of the application.
#[hook]
pub fn use_session() -> SessionHandle {
    use_context().unwrap_or_default()
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

    /// Whether the session that was here is over without its user having ended it. It is
    /// told once.
    #[must_use]
    pub fn take_refusal(&self) -> bool {
        self.refused.take()
    }

    /// Asks the server what the token is worth, unless it is being asked already.
    pub fn check(&self) {
        if !self.inquiry.is_open() {
            self.ask();
        }
    }

    /// Asks the server what the token is worth; an answer still under way no longer counts.
    pub fn ask(&self) {
        // Who has asked for the end is not asked after any more, wherever they go meanwhile.
        if self.ending.get() {
            return;
        }
        let number = self.inquiry.start();
        let Some(token) = storage::token() else {
            self.inquiry.finish(number);
            self.dispatch(Action::SignOut);
            return;
        };
        self.dispatch(Action::Ask);
        let session = self.clone();
        spawn_local(async move {
            let answer = api::me(&token).await;
            if session.inquiry.finish(number) {
                session.learn(answer);
            }
        });
    }

    /// Signs in with a token that was just issued.
    pub(crate) fn begin(&self, token: &str) -> Result<(), StorageRefused> {
        storage::keep_token(token)?;
        self.refused.set(false);
        self.ask();
        Ok(())
    }

    /// Ends the session here at once and on the server as soon as it answers, and then
    /// shows the log-in page.
    pub fn end(&self) {
        // Of two clicks in one frame, the second would find no token to end.
        if self.ending.replace(true) {
            return;
        }
        self.inquiry.cancel();
        let token = storage::token();
        storage::clear();
        self.dispatch(Action::End);
        let session = self.clone();
        spawn_local(async move {
            let over = match token {
                Some(token) => is_over(api::log_out(&token).await),
                None => true,
            };
            let notice = (!over).then_some(Notice::LogOutUncertain);
            // The page first: a private one would answer the end with a detour of its own.
            navigation::replace_with_login(Arrival { notice, ..Arrival::default() });
            session.dispatch(Action::SignOut);
            session.ending.set(false);
        });
    }

    fn learn(&self, answer: Result<api_types::User, ApiError>) {
        match answer {
            Ok(user) => self.dispatch(Action::Confirm(user)),
            Err(error) if error.is_refused_token() => {
                storage::remove_token();
                self.refused.set(true);
                self.dispatch(Action::SignOut);
            }
            Err(error) => self.dispatch(Action::Fail(error)),
        }
    }

    fn dispatch(&self, action: Action) {
        if let Some(dispatcher) = &self.dispatcher {
            dispatcher.dispatch(action);
        }
    }

    /// A page that is left may be kept as it is and shown again, long after its session is
    /// over. So it forgets the user before it goes, and asks again when it comes back.
    fn listen(&self) -> Vec<EventListener> {
        let Some(window) = web_sys::window() else { return Vec::new() };
        let (leaving, returning) = (self.clone(), self.clone());
        vec![
            EventListener::new(&window, "pagehide", move |_| {
                leaving.inquiry.cancel();
                leaving.dispatch(Action::Hide);
            }),
            EventListener::new(&window, "pageshow", move |event| {
                let event = event.dyn_ref::<PageTransitionEvent>();
                if event.is_some_and(PageTransitionEvent::persisted) {
                    returning.ask();
                }
            }),
        ]
    }
}

/// Whether the server has no session any more: it said so, or does not know the token.
fn is_over(answer: Result<(), ApiError>) -> bool {
    answer.map_or_else(|error| error.is_refused_token(), |()| true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Refusal;

    fn refused(status: u16) -> Result<(), ApiError> {
        Err(ApiError::Refused(Refusal { status, ..Refusal::default() }))
    }

    #[test]
    fn a_log_out_is_certain_when_the_server_says_so_or_knows_no_such_session() {
        assert!(is_over(Ok(())));
        assert!(is_over(refused(401)));
        assert!(!is_over(refused(500)));
        assert!(!is_over(refused(503)));
        assert!(!is_over(Err(ApiError::Unreachable)));
    }
}
