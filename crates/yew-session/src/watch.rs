//! Checks of an open page's session.
//!
//! A page must not show private data after its session has ended. It asks the server when the user
//! comes back to it, shortly before its token expires, and when the session must have expired.
//!
//! A check with a valid token does not extend the session, so an open page does not keep the
//! session alive. A check with an expired token refreshes it, which would extend the session. So
//! the last check is made only after the session must have expired. Other tabs may extend it in the
//! meantime. They then announce its new end. When the user comes back to the page, a check may also
//! refresh the token.

use js_sys::Date;
use wasm_bindgen_futures::spawn_local;

use crate::calls;
use crate::error::ApiError;
use crate::handle::SessionHandle;
use crate::state::User;
use crate::timers::{self, MIN_INTERVAL_MS, delay_of_event};
use crate::tokens::Claims;
use crate::{browser, storage};

/// The time between a check of the session and the deadline of the token that it uses.
const TOKEN_MARGIN_MS: f64 = 2_000.0;

/// The time between the expected end of the session and a check. By then, it has ended on the
/// server.
const END_MARGIN_MS: f64 = 2_000.0;

/// The time between checks after the expected end, while the server cannot be reached.
const RETRY_MS: f64 = 60_000.0;

impl SessionHandle {
    /// Asks the server for the user of the session. The answer also says when the session expires.
    pub(crate) async fn ask_user(&self) -> Result<User, ApiError> {
        let timers = &self.memory.timers;
        timers.last_check.set(Some(browser::now()));
        timers.is_checking.set(true);
        let generation = self.generation();
        let answer = self.authorized(calls::me()).await;
        timers.is_checking.set(false);
        let me = answer?;
        if self.generation() == generation {
            self.expect_end(me.session_expires_in);
            if let Some(claims) = current_claims() {
                self.memory.tabs.announce_end(&claims.sid, me.session_expires_in);
                if self.memory.has_old_token() {
                    self.expect_token_expiry(claims.estimate_remaining(Date::now()));
                }
            }
        }
        Ok(me.into())
    }

    /// Checks whether the session is still active. If it is, or if the server cannot be reached,
    /// the page and any text typed into it stay as they are, except that the page shows the user's
    /// current data. The user may have deleted the token together with the other data of the site,
    /// and then the session has ended in this tab.
    pub fn verify(&self) {
        self.memory.timers.after_event.take();
        if self.memory.may_be_signed_in.get() {
            let session = self.clone();
            spawn_local(async move {
                if let Ok(user) = session.ask_user().await {
                    session.update(user);
                }
            });
        }
    }

    /// Checks the session like [`verify`](Self::verify), but not more often than
    /// [`MIN_INTERVAL_MS`].
    pub(crate) fn verify_soon(&self) {
        let timers = &self.memory.timers;
        let delay = delay_of_event(timers.last_check.get(), browser::now());
        let is_waiting = timers.after_event.borrow().is_some();
        if !is_waiting && self.memory.may_be_signed_in.get() {
            let session = self.clone();
            timers.after_event.replace(timers::start(delay, move || session.verify()));
        }
    }

    /// Checks the session shortly before its token expires, unless that is less than
    /// [`MIN_INTERVAL_MS`] away.
    pub(crate) fn expect_token_expiry(&self, remaining_ms: f64) {
        let delay = remaining_ms - TOKEN_MARGIN_MS;
        let session = self.clone();
        let check = move || {
            // After a sleep of the device, the timer is late.
            if !session.memory.is_past_deadline(browser::now()) {
                session.verify();
            }
        };
        let timer = if delay > MIN_INTERVAL_MS { timers::start(delay, check) } else { None };
        self.memory.timers.before_token_expires.replace(timer);
    }

    /// Asks the server for the new end of the session after a refresh has extended it. If a check
    /// has caused the refresh, its answer contains the new end.
    pub(crate) fn extended(&self) {
        if !self.memory.timers.is_checking.get() {
            self.verify_soon();
        }
    }

    /// Checks the session after it must have expired. If the server cannot be reached then, the
    /// page is replaced, because it may show private data of an ended session.
    pub(crate) fn expect_end(&self, expires_in: u64) {
        self.check_end_after(expires_in as f64 * 1_000.0 + END_MARGIN_MS);
    }

    /// Updates the expected end after another tab has announced it.
    pub(crate) fn end_announced(&self, session: &str, expires_in: u64) {
        if current_claims().is_some_and(|claims| claims.sid == session) {
            self.expect_end(expires_in);
        }
    }

    fn verify_at_end(&self) {
        let session = self.clone();
        spawn_local(async move {
            let generation = session.generation();
            if let Err(error) = session.ask_user().await
                && session.generation() == generation
            {
                session.expire(error);
            }
        });
    }

    fn check_end_after(&self, delay_ms: f64) {
        let session = self.clone();
        let check = move || {
            // The next answer replaces this timer, or the end of the session stops it.
            session.check_end_after(RETRY_MS);
            session.verify_at_end();
        };
        self.memory.timers.after_end.replace(timers::start(delay_ms, check));
    }
}

fn current_claims() -> Option<Claims> {
    storage::token().as_deref().and_then(Claims::read)
}
