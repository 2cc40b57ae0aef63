//! Stores the choice to stay signed in while the user waits for a mail with a code.
//!
//! A browser may deny access to its storage. A value that cannot be read then counts as absent.

use web_sys::Storage;
use yew_session::Remember;

const CODE_REMEMBER: &str = "code_remember";

/// Stores the choice that was sent with the request for a code to log in. The code may be entered
/// in another tab, or after a reload.
pub(crate) fn set_code_remember(remember: Remember) {
    let Some(storage) = browser_storage() else { return };
    let _ = match remember {
        Remember::Yes => storage.set_item(CODE_REMEMBER, "yes"),
        Remember::No => storage.remove_item(CODE_REMEMBER),
    };
}

/// Returns and removes the choice that [`set_code_remember`] has stored.
pub(crate) fn take_code_remember() -> Remember {
    let stored = browser_storage().and_then(|storage| storage.get_item(CODE_REMEMBER).ok()?);
    set_code_remember(Remember::No);
    if stored.is_some() { Remember::Yes } else { Remember::No }
}

fn browser_storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}
