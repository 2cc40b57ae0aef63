//! What the browser stores: the access token, in `sessionStorage`, which is this tab's alone; and
//! in `localStorage` the id of the session that the browser should stay signed in to. The refresh
//! cookie is hidden from scripts.
//!
//! A browser may refuse all storage. That is never a panic: what cannot be read is absent.
//! (`gloo-storage` panics there, and stores JSON where the token is raw text.)

use web_sys::Storage;

const TOKEN: &str = "access_token";
const REMEMBER: &str = "remember";

/// The browser does not let this site store anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StorageRefused;

pub(crate) fn token() -> Option<String> {
    tab_storage()?.get_item(TOKEN).ok()?
}

pub(crate) fn set_token(token: &str) -> Result<(), StorageRefused> {
    let storage = tab_storage().ok_or(StorageRefused)?;
    storage.set_item(TOKEN, token).map_err(|_| StorageRefused)
}

pub(crate) fn remove_token() {
    if let Some(storage) = tab_storage() {
        // The only failure is refused storage, which holds no token.
        let _ = storage.remove_item(TOKEN);
    }
}

/// Removes everything that this tab has stored.
pub(crate) fn clear_tab() {
    if let Some(storage) = tab_storage() {
        let _ = storage.clear();
    }
}

/// Returns the session that a tab without a token may get one for, with the cookie.
pub(crate) fn remembered() -> Option<String> {
    browser_storage()?.get_item(REMEMBER).ok()?
}

/// Stores the session that the browser should stay signed in to, or that there is none. Where
/// that fails, new tabs start signed out.
pub(crate) fn set_remembered(session: Option<&str>) {
    let Some(storage) = browser_storage() else { return };
    let _ = match session {
        Some(session) => storage.set_item(REMEMBER, session),
        None => storage.remove_item(REMEMBER),
    };
}

/// Forgets that the browser should stay signed in to `session`, or to any if it is unknown. A
/// session that another user has begun since stays remembered.
pub(crate) fn forget(session: Option<&str>) {
    if session.is_none() || remembered().as_deref() == session {
        set_remembered(None);
    }
}

fn tab_storage() -> Option<Storage> {
    web_sys::window()?.session_storage().ok()?
}

fn browser_storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}
