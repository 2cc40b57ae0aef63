//! Messages between the tabs of this browser. A message only makes the receiving tab ask the
//! server about its session.

use std::cell::OnceCell;

use gloo_events::EventListener;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

const CHANNEL: &str = "latchkey";
const SIGNED_OUT: &str = "signed-out";

/// The other tabs. A tab does not receive its own messages.
#[derive(Default)]
pub(crate) struct Tabs {
    /// `None` if the browser has no `BroadcastChannel`.
    channel: OnceCell<Option<BroadcastChannel>>,
}

impl Tabs {
    /// Tells the other tabs that a session has ended.
    pub(crate) fn announce_sign_out(&self) {
        if let Some(channel) = self.channel() {
            // This fails only for a closed channel, and the channel is never closed.
            let _ = channel.post_message(&JsValue::from_str(SIGNED_OUT));
        }
    }

    /// Calls `callback` for each sign-out in another tab, until the listener is dropped.
    pub(crate) fn on_sign_out(&self, callback: impl Fn() + 'static) -> Option<EventListener> {
        let listener = EventListener::new(self.channel()?, "message", move |event| {
            let message =
                event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
            if message.as_deref() == Some(SIGNED_OUT) {
                callback();
            }
        });
        Some(listener)
    }

    fn channel(&self) -> Option<&BroadcastChannel> {
        self.channel.get_or_init(|| BroadcastChannel::new(CHANNEL).ok()).as_ref()
    }
}
