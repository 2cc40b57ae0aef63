use gloo_events::EventListener;
use wasm_bindgen::JsCast as _;
use web_sys::PageTransitionEvent;
use yew::prelude::*;

use super::handle::SessionHandle;
use super::memory::Memory;
use super::state::{Action, Session, State};

/// Keeps the one session of the application, of which `initial` is known before the server is
/// asked.
#[hook]
pub(crate) fn use_session_of_tab(initial: &Session) -> SessionHandle {
    let state = use_reducer(|| State { session: initial.clone(), confirmations: 0 });
    let memory = use_memo((), |()| Memory::default());
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
    session
}

/// The session of the application.
#[hook]
pub fn use_session() -> SessionHandle {
    use_context().unwrap_or_default()
}

/// A page that is left may be kept as it is and shown again, long after its session is
/// over. So it forgets the user before it goes, and asks again when it comes back. A page that
/// somebody is at is not disturbed for what another tab says.
fn listen(session: &SessionHandle) -> Vec<EventListener> {
    let Some(window) = web_sys::window() else { return Vec::new() };
    let (leaving, returning, hearing) = (session.clone(), session.clone(), session.clone());
    let mut listeners = vec![
        EventListener::new(&window, "pagehide", move |_| {
            leaving.memory.inquiry.cancel();
            leaving.dispatch(Action::Hide);
        }),
        EventListener::new(&window, "pageshow", move |event| {
            let event = event.dyn_ref::<PageTransitionEvent>();
            if event.is_some_and(PageTransitionEvent::persisted) {
                returning.ask();
            }
        }),
    ];
    listeners.extend(session.memory.tabs.on_sign_out(move || hearing.verify()));
    listeners
}
