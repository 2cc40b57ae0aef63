//! The kinds of request that are compared, and their response times.

use anyhow::{Result, bail};
use serde_json::json;

use super::scenario::{Endpoint, Status};
use crate::bench::client::{Client, Response};

/// The requests of one kind.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) name: &'static str,
    pub(super) endpoint: Endpoint,
    pub(super) emails: Emails,
    pub(super) password: String,
    /// The cookie that all requests carry.
    pub(super) cookie: Option<String>,
    /// The reason why the kind must differ from all others, if it must.
    pub(super) control: Option<Control>,
    /// The response, which is the same for all requests of this kind.
    pub(super) response: Option<Response>,
    /// The response times in milliseconds.
    pub(super) times: Vec<f64>,
}

/// The email addresses of a kind. All have the same length, so that all request bodies do too.
#[derive(Debug, Clone)]
pub(super) enum Emails {
    /// These addresses, in turn.
    Fixed(Vec<String>),
    /// A new address in each round, without an account.
    Fresh,
}

/// The reason why a kind must differ from all others. It shows that the run can detect a
/// difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// The hash has more iterations.
    MoreWork,
    /// All accounts have an imported hash.
    OtherShare,
    /// The request body is longer.
    LongerRequest,
    /// Each response time is multiplied by [`MORE_TIME`].
    MoreTime,
}

/// The number of spaces that are added to a longer request.
const PADDING: usize = 12_000;

/// The factor of longer response times.
const MORE_TIME: f64 = 1.1;

impl Emails {
    /// Returns the address with a name of seven letters.
    pub(super) fn one(name: &str) -> Self {
        Self::Fixed(vec![format!("{name}@example.com")])
    }

    pub(super) const fn fresh() -> Self {
        Self::Fresh
    }

    /// Returns the first `count` addresses.
    pub(super) fn first(self, count: usize) -> Self {
        Self::Fixed((0..count).map(|round| self.get(round)).collect())
    }

    /// Returns the address for a round.
    fn get(&self, round: usize) -> String {
        match self {
            Self::Fixed(emails) => emails[round % emails.len()].clone(),
            Self::Fresh => format!("n{round:06}@example.com"),
        }
    }

    /// Returns the number of addresses, unless each round has its own.
    pub(super) const fn count(&self) -> Option<usize> {
        match self {
            Self::Fixed(emails) => Some(emails.len()),
            Self::Fresh => None,
        }
    }
}

impl Sample {
    pub(super) fn new(name: &'static str, emails: Emails) -> Self {
        Self {
            name,
            endpoint: Endpoint::LogIn,
            emails,
            password: "not the password at all!!".to_owned(),
            cookie: None,
            control: None,
            response: None,
            times: Vec::new(),
        }
    }

    pub(super) fn control(self, control: Control) -> Self {
        Self { control: Some(control), ..self }
    }

    /// Returns the request body. That of a log-in contains this password.
    pub(super) fn body_with(&self, round: usize, password: &str) -> String {
        let email = self.emails.get(round);
        let body = match self.endpoint {
            Endpoint::LogIn => json!({"email": email, "password": password}),
            Endpoint::PasswordReset | Endpoint::LogInCode => json!({"email": email}),
        };
        match self.control {
            Some(Control::LongerRequest) => format!("{body}{}", " ".repeat(PADDING)),
            _ => body.to_string(),
        }
    }

    /// Sends a request, which must get a response with this status. Returns the response time in
    /// milliseconds.
    pub(super) fn send(
        &mut self,
        client: &mut Client,
        round: usize,
        status: Status,
    ) -> Result<f64> {
        let body = self.body_with(round, &self.password);
        let mut headers = format!("x-forwarded-for: {}\r\n", self.ip(round));
        if let Some(cookie) = &self.cookie {
            headers.push_str(&format!("cookie: {cookie}\r\n"));
        }
        let (response, time) = client.post_with(self.endpoint.path(), &headers, &body)?;
        if response.status() != status.code() {
            bail!("expected status {}, got {response:?}", status.code());
        }
        let response = response.comparable();
        let first = self.response.get_or_insert_with(|| response.clone());
        if *first != response {
            bail!("two responses differ: {first:?} and {response:?}");
        }
        match self.control {
            Some(Control::MoreTime) => Ok(time * MORE_TIME),
            _ => Ok(time),
        }
    }

    /// Returns the IP address that a proxy would report. Each email address has its own.
    fn ip(&self, round: usize) -> String {
        let email = self.emails.get(round);
        let hash = email.bytes().fold(0_u32, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(byte)) & 0x00ff_ffff
        });
        let [_, a, b, c] = hash.to_be_bytes();
        // All addresses have the same length as text.
        format!("10.{}.{}.{}", 100 + a % 100, 100 + b % 100, 100 + c % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::super::accounts;
    use super::*;

    #[test]
    fn all_requests_have_the_same_length() {
        let names = ["unknown", "account", "another", "disable", "slowest", "mallory"];
        let kinds = names.map(Emails::one);
        let lists = [Emails::fresh(), accounts::all(), accounts::imported()];
        for emails in kinds.into_iter().chain(lists) {
            let sample = Sample::new("", emails);
            for round in [0, 1, 1_234] {
                assert_eq!(sample.emails.get(round).len(), "account@example.com".len());
                assert_eq!(sample.ip(round).len(), "10.100.100.100".len());
            }
        }
    }

    #[test]
    fn only_log_ins_contain_a_password() {
        let mut sample = Sample::new("", Emails::one("account"));
        assert!(sample.body_with(0, "secret").contains("secret"));
        for endpoint in [Endpoint::PasswordReset, Endpoint::LogInCode] {
            sample.endpoint = endpoint;
            assert_eq!(sample.body_with(0, "secret"), r#"{"email":"account@example.com"}"#);
        }
    }
}
