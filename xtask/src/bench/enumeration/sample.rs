//! The kinds of log-in that are compared, and their response times.

use anyhow::{Result, bail};
use serde_json::json;

use crate::bench::client::{Client, Response};

/// A kind of rejected log-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No account has the email address.
    Unknown,
    /// The account exists, and the password is wrong.
    Wrong,
    /// A wrong password for a second account. It must not differ from [`Kind::Wrong`].
    WrongAgain,
    /// The account is disabled.
    Disabled,
    /// A wrong password whose check takes 2 % more work. It must differ from all other kinds.
    Slower,
}

pub(super) const KINDS: [Kind; 5] =
    [Kind::Unknown, Kind::Wrong, Kind::WrongAgain, Kind::Disabled, Kind::Slower];

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown account",
            Self::Wrong => "wrong password",
            Self::WrongAgain => "another account",
            Self::Disabled => "disabled account",
            Self::Slower => "2 % more work",
        }
    }

    /// Returns the email address of a log-in. All addresses have the same length, so that all
    /// request bodies do too. The address of an unknown account differs in each round.
    pub(super) fn email(self, round: usize) -> String {
        let name = match self {
            Self::Unknown => return format!("n{round:06}@example.com"),
            Self::Wrong => "account",
            Self::WrongAgain => "another",
            Self::Disabled => "disable",
            Self::Slower => "slowest",
        };
        format!("{name}@example.com")
    }
}

/// The log-ins of one kind.
pub(super) struct Sample {
    pub(super) kind: Kind,
    /// The response, which is the same for all log-ins of this kind.
    pub(super) response: Option<Response>,
    /// The response times in milliseconds.
    pub(super) times: Vec<f64>,
}

impl Sample {
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, response: None, times: Vec::new() }
    }

    /// Sends a log-in. Returns the response time in milliseconds.
    pub(super) fn send(&mut self, client: &mut Client, round: usize) -> Result<f64> {
        let body = json!({"email": self.kind.email(round), "password": "not the password at all"});
        let (response, time) = client.post("/api/token", &body.to_string())?;
        let first = self.response.get_or_insert_with(|| response.clone());
        if *first != response {
            bail!("{}: two responses differ: {first:?} and {response:?}", self.kind.name());
        }
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_emails_have_the_same_length() {
        for kind in KINDS {
            assert_eq!(kind.email(1_234).len(), "account@example.com".len());
        }
    }
}
