use auth_core::{EmailKey, KnownBrowser, UserId};
use user_store::DeviceVersion;

/// A browser that has sent a password, and the account that may know it.
pub(crate) struct Browser {
    pub(crate) email: EmailKey,
    pub(crate) user: UserId,
    /// The current version of the account's known browsers.
    pub(crate) device_version: DeviceVersion,
    /// Present if the account knows the browser.
    pub(crate) known: Option<KnownBrowser>,
}

impl Browser {
    /// Forgets the browser unless the account knew it until a change that has incremented the
    /// device version once.
    pub(crate) fn known_before_change(mut self) -> Self {
        let (user, current) = (self.user, self.device_version);
        self.known
            .take_if(|known| known.user != user || DeviceVersion(known.version).next() != current);
        self
    }
}
