use auth_core::{EmailKey, KnownBrowser, UserId};
use user_store::DeviceVersion;

/// The browser from which a password was sent, and the account that can know it.
pub(crate) struct Browser {
    pub(crate) email: EmailKey,
    pub(crate) user: UserId,
    /// The current version of the account's known browsers.
    pub(crate) device_version: DeviceVersion,
    /// Present if the account knows the browser.
    pub(crate) known: Option<KnownBrowser>,
}
