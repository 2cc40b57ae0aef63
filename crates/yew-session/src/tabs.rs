//! Messages between the tabs of this browser. They contain nothing secret.

use std::cell::OnceCell;

use gloo_events::EventListener;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

const CHANNEL: &str = "latchkey";
const SIGNED_IN: &str = "signed-in";
const SIGNED_OUT: &str = "signed-out";
const USER_CHANGED: &str = "user-changed";

/// A message from another tab.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A session has ended. The receiver should ask the server whether it was its own.
    SignedOut,
    /// The data of a user have changed. The receiver should ask the server for its own user.
    UserChanged,
    /// The server has said when a session expires.
    End {
        /// The id of the session.
        session: String,
        /// The number of seconds until the session expires.
        expires_in: u64,
    },
}

/// The other tabs. A tab does not receive its own messages.
#[derive(Default)]
pub(crate) struct Tabs {
    /// `None` if the browser has no `BroadcastChannel`.
    channel: OnceCell<Option<BroadcastChannel>>,
}

impl Tabs {
    /// Tells the other tabs that the cookie has a new session, perhaps of another user. Pages that
    /// were rendered on the server listen to this. Tabs with a token do not use the new session.
    pub(crate) fn announce_sign_in(&self) {
        self.send(SIGNED_IN);
    }

    /// Tells the other tabs that a session has ended.
    pub(crate) fn announce_sign_out(&self) {
        self.send(SIGNED_OUT);
    }

    /// Tells the other tabs that the data of a user have changed.
    pub(crate) fn announce_user_change(&self) {
        self.send(USER_CHANGED);
    }

    /// Tells the other tabs when a session expires.
    pub(crate) fn announce_end(&self, session: &str, expires_in: u64) {
        self.send(&format!("{session} {expires_in}"));
    }

    /// Calls `callback` for each message from another tab, until the listener is dropped.
    pub(crate) fn listen(&self, callback: impl Fn(Message) + 'static) -> Option<EventListener> {
        let listener = EventListener::new(self.channel()?, "message", move |event| {
            let text = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
            if let Some(message) = text.as_deref().and_then(Message::parse) {
                callback(message);
            }
        });
        Some(listener)
    }

    fn send(&self, text: &str) {
        if let Some(channel) = self.channel() {
            // This fails only for a closed channel, and the channel is never closed.
            let _ = channel.post_message(&JsValue::from_str(text));
        }
    }

    fn channel(&self) -> Option<&BroadcastChannel> {
        self.channel.get_or_init(|| BroadcastChannel::new(CHANNEL).ok()).as_ref()
    }
}

impl Message {
    /// Reads a message. Returns `None` for one from another version of this program.
    fn parse(text: &str) -> Option<Self> {
        match text {
            SIGNED_OUT => return Some(Self::SignedOut),
            USER_CHANGED => return Some(Self::UserChanged),
            _ => {}
        }
        let (session, expires_in) = text.split_once(' ')?;
        Some(Self::End { session: session.to_owned(), expires_in: expires_in.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_parsed() {
        assert_eq!(Message::parse("signed-out"), Some(Message::SignedOut));
        assert_eq!(Message::parse("user-changed"), Some(Message::UserChanged));
        let end = Message::End { session: "018f".to_owned(), expires_in: 1_800 };
        assert_eq!(Message::parse("018f 1800"), Some(end));
        for text in ["", "signed-in", "018f", "018f soon", "018f -1"] {
            assert_eq!(Message::parse(text), None, "{text}");
        }
    }
}
