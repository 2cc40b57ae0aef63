//! The access token in `sessionStorage`: it lives as long as the tab, and no other tab has it.
//!
//! A browser that is told to keep nothing refuses all storage. That is never a panic: what
//! cannot be read is not there.

use web_sys::Storage;

const KEY: &str = "access_token";

/// The browser does not let this site keep anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StorageRefused;

pub(crate) fn token() -> Option<String> {
    let token = storage()?.get_item(KEY).ok()??;
    (!token.is_empty()).then_some(token)
}

pub(crate) fn keep_token(token: &str) -> Result<(), StorageRefused> {
    let storage = storage().ok_or(StorageRefused)?;
    storage.set_item(KEY, token).map_err(|_| StorageRefused)
}

pub(crate) fn remove_token() {
    if let Some(storage) = storage() {
        // The only failure is a storage that is refused, and that holds no token.
        let _ = storage.remove_item(KEY);
    }
}

/// Removes everything, whoever put it there.
pub(crate) fn clear() {
    if let Some(storage) = storage() {
        let _ = storage.clear();
    }
}

fn storage() -> Option<Storage> {
    web_sys::window()?.session_storage().ok()?
}
