/// The sign-up setting of the server: whether visitors can create accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignUp {
    /// They can.
    #[default]
    On,
    /// Only an administrator can. The pages do not offer it.
    Off,
}

impl SignUp {
    /// Returns the setting that the server has written into the page. Without it, returns
    /// [`On`](Self::On): the server checks each sign-up again.
    #[must_use]
    pub fn from_meta(content: Option<&str>) -> Self {
        match content {
            Some("off") => Self::Off,
            _ => Self::On,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_off_turns_sign_up_off() {
        assert_eq!(SignUp::from_meta(Some("off")), SignUp::Off);
        for content in [Some("on"), Some("{{sign_up}}"), None] {
            assert_eq!(SignUp::from_meta(content), SignUp::On);
        }
    }
}
