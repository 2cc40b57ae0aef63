//! What the browser keeps: the access token, in `sessionStorage`, where it lives as long as
//! the tab and no other tab has it; and in `localStorage` that this browser was asked to
//! keep its user signed in. The cookie that does so is hidden from scripts, hence the sign.
//!
//! A browser that is told to keep nothing refuses all storage. That is never a panic: what
//! cannot be read is not there.

use web_sys::Storage;

const TOKEN: &str = "access_token";
const REMEMBER: &str = "remember";
const YES: &str = "1";

/// The browser does not let this site keep anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StorageRefused;

pub(crate) fn token() -> Option<String> {
    of_tab()?.get_item(TOKEN).ok()?.filter(|token| can_be_sent(token))
}

/// Whether a header can carry it, as it can every token that the server ever issued. What
/// somebody else put there is no token.
fn can_be_sent(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
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

/// Whether a tab without a token may ask for one with the cookie.
pub(crate) fn is_remembered() -> bool {
    let sign = of_browser().and_then(|storage| storage.get_item(REMEMBER).ok()?);
    sign.as_deref() == Some(YES)
}

/// Where it fails, new tabs start signed out: a log-in more, and nothing worse.
pub(crate) fn set_remembered(remembered: bool) {
    let Some(storage) = of_browser() else { return };
    let _ =
        if remembered { storage.set_item(REMEMBER, YES) } else { storage.remove_item(REMEMBER) };
}

/// Removes everything of the session, and whatever else the tab has.
pub(crate) fn clear() {
    if let Some(storage) = of_tab() {
        let _ = storage.clear();
    }
    set_remembered(false);
}

fn of_tab() -> Option<Storage> {
    web_sys::window()?.session_storage().ok()?
}

fn of_browser() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
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
