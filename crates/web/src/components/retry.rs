use gloo_events::EventListener;
use yew::prelude::*;

/// Calls `retry`, if there is one, when the browser is online again.
#[hook]
pub fn use_retry_when_online(retry: Option<Callback<()>>) {
    use_effect_with(retry, |retry| {
        let listener = retry
            .clone()
            .zip(web_sys::window())
            .map(|(retry, window)| EventListener::new(&window, "online", move |_| retry.emit(())));
        move || drop(listener)
    });
}
