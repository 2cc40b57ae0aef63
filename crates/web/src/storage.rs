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
    storage()?.get_item(KEY).ok()?.filter(|token| can_be_sent(token))
}

/// Whether a header can carry it, as it can every token that the server ever issued. What
/// somebody else put there is no token.
fn can_be_sent(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_header_can_carry_is_no_token() {
        assert!(can_be_sent("eyJhbGciOiJFZERTQSJ9.e30.c2ln-_"));
        for text in ["", "tok\u{2603}en", "a\nb", "a b", "\u{7f}"] {
            assert!(!can_be_sent(text), "{text:?}");
        }
    }
}
