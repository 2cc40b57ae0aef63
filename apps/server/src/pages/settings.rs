use accounts::{Accounts, MailMode};
use api_types::PageAvailability;
use auth_core::PasswordPolicy;

/// The settings that the server fills into the page.
#[derive(Clone, Copy)]
pub(crate) struct PageSettings {
    pub(super) password_policy: PasswordPolicy,
    /// `true` if visitors can create accounts.
    pub(super) sign_up: bool,
    pub(super) mail: MailMode,
    /// `true` if users can log in with a code from a mail.
    pub(super) email_sign_in: bool,
}

impl PageSettings {
    pub(crate) fn of(accounts: &Accounts) -> Self {
        let config = accounts.config();
        Self {
            password_policy: config.password_policy,
            sign_up: config.sign_up,
            mail: accounts.mail(),
            email_sign_in: config.email_sign_in,
        }
    }

    /// Returns whether the server has pages with this availability.
    pub(super) fn has(self, availability: PageAvailability) -> bool {
        match availability {
            PageAvailability::Always => true,
            PageAvailability::Mail => self.mail == MailMode::On,
            PageAvailability::EmailSignIn => self.email_sign_in,
        }
    }

    /// Returns each placeholder in the page with its value.
    pub(super) fn values(self) -> [(&'static str, String); 4] {
        let switch = |is_on| if is_on { "on" } else { "off" }.to_owned();
        [
            ("{{password_min_length}}", self.password_policy.min_length().to_string()),
            ("{{sign_up}}", switch(self.sign_up)),
            ("{{mail}}", switch(self.mail == MailMode::On)),
            ("{{email_log_in}}", switch(self.email_sign_in)),
        ]
    }
}
