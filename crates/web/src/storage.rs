//! Stores the choice to stay signed in while the user waits for a mail with a code, and the page of
//! the app that the log-in page has left for, and empties the storage of the tab.
//!
//! A browser may deny access to its storage. A value that cannot be read then counts as absent.

use js_sys::Date;
use web_sys::Storage;
use yew_session::Remember;

const CODE_REMEMBER: &str = "code_remember";
const LEFT_FOR: &str = "left_for";

/// Stores that the log-in page leaves for this page of the app. Returns `false` if it has done so
/// less than 30 seconds ago, or if it cannot be stored: the app has then sent the user back.
pub(crate) fn set_left_for(page: &str) -> bool {
    let Some(storage) = tab_storage() else { return false };
    // Whole seconds: code that formats and parses floating-point numbers would be 10 kB.
    let now = seconds();
    let last = storage.get_item(LEFT_FOR).ok().flatten();
    let last = last.as_deref().and_then(|last| last.split_once(' '));
    let is_recent = last.is_some_and(|(time, before)| {
        before == page && time.parse().is_ok_and(|time: u32| now.abs_diff(time) < 30)
    });
    !is_recent && storage.set_item(LEFT_FOR, &format!("{now} {page}")).is_ok()
}

/// Removes everything that this tab has stored, also for the pages of the app.
pub(crate) fn clear_tab() {
    if let Some(storage) = tab_storage() {
        // This fails only if access is denied, and then nothing is stored.
        let _ = storage.clear();
    }
}

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

/// Returns the Unix time.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the Unix time fits until 2106"
)]
fn seconds() -> u32 {
    (Date::now() / 1000.0) as u32
}

fn tab_storage() -> Option<Storage> {
    web_sys::window()?.session_storage().ok()?
}

fn browser_storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}
