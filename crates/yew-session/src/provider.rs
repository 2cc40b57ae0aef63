use gloo_events::EventListener;
use wasm_bindgen::JsCast as _;
use web_sys::{EventTarget, PageTransitionEvent};
use yew::prelude::*;

use crate::browser;
use crate::handle::{Memory, SessionHandle};
use crate::state::{Session, State};
use crate::tabs::Message;

/// Properties of [`SessionProvider`].
#[derive(Properties, PartialEq)]
pub struct SessionProviderProps {
    /// The initial state, before the server's first response.
    #[prop_or_else(Session::at_start)]
    pub initial: Session,
    /// `true` if the refresh cookie is the session of the whole browser, for example because pages
    /// that are rendered on the server use it. A tab without a token then asks the server once
    /// whether the cookie has a session, before it counts as signed out. Pass
    /// [`Session::Loading`] as the initial state.
    #[prop_or_default]
    pub shared_cookie: bool,
    /// The components that use the session.
    pub children: Html,
}

/// Provides the session of this tab to its children.
#[component]
pub fn SessionProvider(props: &SessionProviderProps) -> Html {
    let state = use_reducer(|| State { session: props.initial.clone(), ..State::default() });
    let memory = use_memo((), |()| Memory::new(props.shared_cookie));
    let session =
        SessionHandle { state: (*state).clone(), dispatcher: Some(state.dispatcher()), memory };
    use_effect_with((), {
        let session = session.clone();
        move |()| {
            session.check();
            let listeners = listen(&session);
            move || drop(listeners)
        }
    });
    html! {
        <ContextProvider<SessionHandle> context={session}>
            {props.children.clone()}
        </ContextProvider<SessionHandle>>
    }
}

/// Returns the session of this tab.
#[hook]
pub fn use_session() -> SessionHandle {
    use_context().unwrap_or_default()
}

/// Listens for the events after which the session must be checked.
///
/// The browser may keep a page in the back-forward cache and show it long after its session has
/// ended. So the page forgets the user when it is left, and asks the server when it is shown again.
/// If another tab signs out, or the user comes back to the page, the page stays as it is until the
/// server has confirmed that the session has ended.
fn listen(session: &SessionHandle) -> Vec<EventListener> {
    let Some(window) = web_sys::window() else { return Vec::new() };
    let hidden = session.clone();
    let pagehide = EventListener::new(&window, "pagehide", move |_| hidden.hide());
    let restored = session.clone();
    let pageshow = EventListener::new(&window, "pageshow", move |event| {
        let event = event.dyn_ref::<PageTransitionEvent>();
        if event.is_some_and(PageTransitionEvent::persisted) {
            restored.reload_user();
        }
    });
    let mut listeners = vec![pagehide, pageshow];
    let mut verify_on = |target: &EventTarget, event: &'static str| {
        let session = session.clone();
        listeners.push(EventListener::new(target, event, move |_| {
            if browser::is_visible() {
                session.verify_soon();
            }
        }));
    };
    verify_on(&window, "focus");
    verify_on(&window, "online");
    if let Some(document) = window.document() {
        verify_on(&document, "visibilitychange");
    }
    let verified = session.clone();
    listeners.extend(session.memory.tabs.listen(move |message| match message {
        Message::SignedOut | Message::UserChanged => verified.verify(),
        Message::End { session, expires_in } => verified.end_announced(&session, expires_in),
    }));
    listeners
}
