use accounts::Config;
use auth_core::PasswordPolicy;

/// The settings that the server fills into the page.
#[derive(Clone, Copy)]
pub(crate) struct PageSettings {
    pub(super) password_policy: PasswordPolicy,
    /// `true` if visitors can create accounts.
    pub(super) sign_up: bool,
}

impl PageSettings {
    pub(crate) const fn of(config: &Config) -> Self {
        Self { password_policy: config.password_policy, sign_up: config.sign_up }
    }

    /// Returns each placeholder in the page with its value.
    pub(super) fn values(self) -> [(&'static str, String); 2] {
        let sign_up = if self.sign_up { "on" } else { "off" };
        [
            ("{{password_min_length}}", self.password_policy.min_length().to_string()),
            ("{{sign_up}}", sign_up.to_owned()),
        ]
    }
}
