//! Reads and writes the browser's storage.
//!
//! The access token is in `sessionStorage`, which belongs to this tab alone. If the user chose to
//! stay signed in, the id of the session is in `localStorage`. After the end of a session,
//! `localStorage` contains the time, without a name or an id. Scripts cannot read the refresh cookie.
//!
//! A browser may deny access to its storage. A value that cannot be read then counts as absent.
//! (The crate `gloo-storage` is not used, because it panics instead. It also stores values as JSON,
//! but the token is stored as it is.)

use js_sys::Date;
use web_sys::Storage;

const TOKEN: &str = "access_token";
const REMEMBER: &str = "remember";
const SIGNED_OUT: &str = "signed_out";

/// The user's choice to stay signed in after closing the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remember {
    /// The session outlives the browser, and new tabs are signed in.
    Yes,
    /// The session ends with the browser at the latest, and new tabs are signed out.
    No,
}

impl From<bool> for Remember {
    fn from(remember: bool) -> Self {
        if remember { Self::Yes } else { Self::No }
    }
}

/// An error from storing a value: the browser denies access to its storage. Its message is a
/// sentence for users, in English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Your browser does not allow this site to store data. Allow it in the settings of the browser."
)]
pub struct StorageDenied;

pub(crate) fn token() -> Option<String> {
    tab_storage()?.get_item(TOKEN).ok()?
}

pub(crate) fn set_token(token: &str) -> Result<(), StorageDenied> {
    let storage = tab_storage().ok_or(StorageDenied)?;
    storage.set_item(TOKEN, token).map_err(|_| StorageDenied)
}

pub(crate) fn remove_token() {
    if let Some(storage) = tab_storage() {
        // This fails only if access is denied, and then no token is stored.
        let _ = storage.remove_item(TOKEN);
    }
}

/// Returns the id of the session in which the user chose to stay signed in. A tab without a token
/// may use the cookie to get one for this session.
pub(crate) fn remembered() -> Option<String> {
    browser_storage()?.get_item(REMEMBER).ok()?
}

/// Stores the id of the session in which the user chose to stay signed in. `None` removes the
/// stored id. If storing fails, new tabs start signed out.
pub(crate) fn set_remembered(session: Option<&str>) {
    let Some(storage) = browser_storage() else { return };
    let _ = match session {
        Some(session) => storage.set_item(REMEMBER, session),
        None => storage.remove_item(REMEMBER),
    };
}

/// Stores that the session of a tab has ended now, until the next sign-in. All tabs share this time,
/// and it outlives the page. If storing fails, the log-in page suggests passkeys at once, and a
/// rendered page that is being loaded does not notice a sign-out.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the time is a whole number of milliseconds since 1970"
)]
pub(crate) fn set_signed_out() {
    if let Some(storage) = browser_storage() {
        let _ = storage.set_item(SIGNED_OUT, &(Date::now() as u64).to_string());
    }
}

/// Removes the time that [`set_signed_out`] has stored.
pub(crate) fn clear_signed_out() {
    if let Some(storage) = browser_storage() {
        let _ = storage.remove_item(SIGNED_OUT);
    }
}

/// Returns whether the session of a tab has ended since the last sign-in with this browser. A page
/// should then not suggest passkeys at once: a browser that needs no further consent would sign the
/// user in again.
#[must_use]
pub fn has_session_ended() -> bool {
    browser_storage().and_then(|storage| storage.get_item(SIGNED_OUT).ok()?).is_some()
}

/// Removes the remembered session if its id is `session`, or if `session` is `None`. Otherwise, the
/// remembered session is a newer one, perhaps of another user, and stays remembered.
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
