/// The mail setting of the server: for which purposes it sends mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mail {
    /// For none. The pages do not offer what needs a mail.
    #[default]
    Off,
    /// To verify or change an email address, and to reset a password.
    On,
    /// Also to sign in with a code.
    WithSignIn,
}

impl Mail {
    /// Returns the setting that the server has written into the page: the values of `mail` and
    /// `email-log-in`. Without them, returns [`Off`](Self::Off).
    #[must_use]
    pub fn from_meta(mail: Option<&str>, email_log_in: Option<&str>) -> Self {
        match (mail, email_log_in) {
            (Some("on"), Some("on")) => Self::WithSignIn,
            (Some("on"), _) => Self::On,
            _ => Self::Off,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_on_turns_mail_on() {
        assert_eq!(Mail::from_meta(Some("on"), Some("on")), Mail::WithSignIn);
        for email_log_in in [Some("off"), Some("{{email_log_in}}"), None] {
            assert_eq!(Mail::from_meta(Some("on"), email_log_in), Mail::On);
        }
        for mail in [Some("off"), Some("{{mail}}"), None] {
            assert_eq!(Mail::from_meta(mail, Some("on")), Mail::Off);
        }
    }
}
