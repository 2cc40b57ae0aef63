//! Messages between the tabs of this browser. A message is only a reason to ask the server: what
//! it says would have to be checked there anyway.

use std::cell::OnceCell;

use gloo_events::EventListener;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

const CHANNEL: &str = "latchkey";
const SIGNED_OUT: &str = "signed-out";

/// The other tabs. A tab does not receive its own messages.
#[derive(Default)]
pub(crate) struct Tabs {
    /// None where the browser has no such channel.
    channel: OnceCell<Option<BroadcastChannel>>,
}

impl Tabs {
    /// Tells the other tabs that a session has ended.
    pub(crate) fn announce_sign_out(&self) {
        if let Some(channel) = self.channel() {
            // The only failure is a closed channel, and nothing closes it.
            let _ = channel.post_message(&JsValue::from_str(SIGNED_OUT));
        }
    }

    /// Calls `act` at each sign-out in another tab, until the listener is dropped.
    pub(crate) fn on_sign_out(&self, act: impl Fn() + 'static) -> Option<EventListener> {
        let listener = EventListener::new(self.channel()?, "message", move |event| {
            let message =
                event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
            if message.as_deref() == Some(SIGNED_OUT) {
                act();
            }
        });
        Some(listener)
    }

    fn channel(&self) -> Option<&BroadcastChannel> {
        self.channel.get_or_init(|| BroadcastChannel::new(CHANNEL).ok()).as_ref()
    }
}
