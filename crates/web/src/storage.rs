//! What the browser keeps: the access token, in `sessionStorage`, where it lives as long as
//! the tab and no other tab has it; and in `localStorage` the name of the session that this
//! browser was asked to stay signed in to. (The cookie that does so is hidden from scripts.)
//!
//! A browser that is told to keep nothing refuses all storage. That is never a panic: what
//! cannot be read is not there.

use web_sys::Storage;

const TOKEN: &str = "access_token";
const REMEMBER: &str = "remember";

/// The browser does not let this site keep anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StorageRefused;

pub(crate) fn token() -> Option<String> {
    of_tab()?.get_item(TOKEN).ok()?
}

pub(crate) fn keep_token(token: &str) -> Result<(), StorageRefused> {
    let storage = of_tab().ok_or(StorageRefused)?;
    storage.set_item(TOKEN, token).map_err(|_| StorageRefused)
}

pub(crate) fn remove_token() {
    if let Some(storage) = of_tab() {
        // The only failure is a storage that is refused, and that holds no token.
        let _ = storage.remove_item(TOKEN);
    }
}

/// Where it fails, new tabs start signed out: a log-in more, and nothing worse.
pub(crate) fn set_remembered(session: Option<&str>) {
    let Some(storage) = of_browser() else { return };
    let _ = match session {
        Some(session) => storage.set_item(REMEMBER, session),
        None => storage.remove_item(REMEMBER),
    };
}

/// Removes whatever the tab has.
pub(crate) fn clear_tab() {
    if let Some(storage) = of_tab() {
        let _ = storage.clear();
    }
}

/// Forgets that the browser was to stay signed in to `session`, or to whichever it was. Another
/// one, that somebody else has begun since, is left alone.
pub(crate) fn forget(session: Option<&str>) {
    if session.is_none() || remembered().as_deref() == session {
        set_remembered(None);
    }
}

/// The session that a tab without a token may ask for one of, with the cookie.
pub(crate) fn remembered() -> Option<String> {
    of_browser()?.get_item(REMEMBER).ok()?
}

fn of_tab() -> Option<Storage> {
    web_sys::window()?.session_storage().ok()?
}

fn of_browser() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}
