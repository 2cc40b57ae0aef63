//! The scenarios: which responses are compared, and under which circumstances.

use anyhow::{Context as _, Result, bail};

use super::accounts::{self, PASSWORD};
use super::sample::{Control, Emails, Sample};
use crate::bench::client::Client;
use crate::server::{Installation, Server};

/// A comparison with its own server.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) endpoint: Endpoint,
    /// The status of all responses.
    pub(super) status: Status,
    pub(super) cookie: Cookie,
    pub(super) hashes: Hashes,
    /// The number of connections that send requests at the same time.
    pub(super) connections: usize,
}

/// The endpoint of a `POST` request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    LogIn,
    /// A mail with a token that resets the password.
    PasswordReset,
    /// A mail with a code for logging in.
    LogInCode,
}

/// The status of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// 200: the password is correct.
    Accepted,
    /// 202: a mail is sent if there is an account.
    MailRequested,
    /// 401: the email address or the password is wrong.
    Rejected,
    /// 429: the throttle rejects the attempt.
    Throttled,
}

/// The device cookie that all requests carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    None,
    /// A valid cookie of the attacker's own account.
    OfAnotherAccount,
}

/// The password hashes in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hashes {
    /// Only hashes in Latchkey's own format.
    Own,
    /// Three quarters of the accounts were imported with hashes that take longer.
    Imported,
}

const BASE: Scenario = Scenario {
    name: "",
    endpoint: Endpoint::LogIn,
    status: Status::Rejected,
    cookie: Cookie::None,
    hashes: Hashes::Own,
    connections: 1,
};

pub(super) const SCENARIOS: [Scenario; 14] = [
    Scenario { name: "401", ..BASE },
    Scenario { name: "401, device cookie", cookie: Cookie::OfAnotherAccount, ..BASE },
    Scenario { name: "401, 4 connections", connections: 4, ..BASE },
    Scenario { name: "401, imported hashes", hashes: Hashes::Imported, ..BASE },
    Scenario {
        name: "401, imported hashes, device cookie",
        hashes: Hashes::Imported,
        cookie: Cookie::OfAnotherAccount,
        ..BASE
    },
    Scenario { name: "429", status: Status::Throttled, ..BASE },
    Scenario {
        name: "429, device cookie",
        status: Status::Throttled,
        cookie: Cookie::OfAnotherAccount,
        ..BASE
    },
    Scenario { name: "429, 4 connections", status: Status::Throttled, connections: 4, ..BASE },
    Scenario {
        name: "429, imported hashes",
        status: Status::Throttled,
        hashes: Hashes::Imported,
        ..BASE
    },
    Scenario {
        name: "429, imported hashes, device cookie",
        status: Status::Throttled,
        hashes: Hashes::Imported,
        cookie: Cookie::OfAnotherAccount,
        ..BASE
    },
    Scenario { name: "200", status: Status::Accepted, ..BASE },
    Scenario {
        name: "200, device cookie",
        status: Status::Accepted,
        cookie: Cookie::OfAnotherAccount,
        ..BASE
    },
    Scenario {
        name: "202, password reset",
        endpoint: Endpoint::PasswordReset,
        status: Status::MailRequested,
        ..BASE
    },
    Scenario {
        name: "202, log-in code",
        endpoint: Endpoint::LogInCode,
        status: Status::MailRequested,
        ..BASE
    },
];

/// The number of email addresses of each kind that are locked out. A lockout takes ten failures.
const LOCKED_OUT: usize = 8;

/// The number of failed log-ins to an account, from one IP address, after which it is locked out.
const FAILURES: usize = 10;

impl Endpoint {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::LogIn => "/api/token",
            Self::PasswordReset => "/api/password-reset",
            Self::LogInCode => "/api/token/email",
        }
    }
}

impl Status {
    /// Returns the number.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Accepted => "200",
            Self::MailRequested => "202",
            Self::Rejected => "401",
            Self::Throttled => "429",
        }
    }
}

impl Scenario {
    /// Starts the server. Attempts are limited only in the scenarios for 429, where each email
    /// address has its own IP address, which the server takes from `X-Forwarded-For`. So no limit
    /// of an IP address is reached.
    pub(super) fn start(&self, installation: &Installation, iterations: u32) -> Result<Server> {
        match self.status {
            Status::MailRequested => {
                let mails = installation.mail_dir();
                let mails = mails.to_str().context("the folder for mails is not UTF-8")?;
                let mail = ["--mail-dir", mails, "--mail-from", "latchkey@example.com"];
                let options = ["--email-log-in", "on", "--throttle", "off"];
                installation.start_with(iterations, &[mail, options].concat())
            }
            Status::Throttled => {
                let throttle = ["--throttle", "on", "--trusted-proxy", "127.0.0.1"];
                installation.start_with(iterations, &throttle)
            }
            Status::Accepted | Status::Rejected => {
                installation.start_with(iterations, &["--throttle", "off"])
            }
        }
    }

    /// Returns the number of iterations that the control's hash has in addition to those of the
    /// others: 2 %, or 20 % for 200, because the commits of an accepted log-in make its time vary.
    pub(super) const fn more_iterations(&self, iterations: u32) -> u32 {
        match self.status {
            Status::Accepted => iterations / 5,
            // The requests for mails hash no password.
            Status::Rejected | Status::Throttled | Status::MailRequested => iterations / 50,
        }
    }

    /// Returns the kinds of request, without times.
    pub(super) fn samples(&self, server: &Server) -> Result<Vec<Sample>> {
        let mut samples = match (self.status, self.hashes) {
            (Status::Accepted, _) => vec![
                Sample::new("account", Emails::one("account")),
                Sample::new("another account", Emails::one("another")),
                Sample::new("20 % more work", Emails::one("slowest")).control(Control::MoreWork),
            ],
            (Status::Rejected, Hashes::Own) => vec![
                Sample::new("unknown account", Emails::fresh()),
                Sample::new("wrong password", Emails::one("account")),
                Sample::new("another account", Emails::one("another")),
                Sample::new("disabled account", Emails::one("disable")),
                Sample::new("2 % more work", Emails::one("slowest")).control(Control::MoreWork),
            ],
            (Status::Rejected, Hashes::Imported) => vec![
                Sample::new("unknown account", Emails::fresh()),
                Sample::new("any account", accounts::all()),
                // Of the unknown accounts, a quarter takes less time.
                Sample::new("imported account", accounts::imported()).control(Control::OtherShare),
            ],
            (Status::MailRequested, _) => vec![
                // Requested again and again, like the others. Only the newest code is stored.
                Sample::new("unknown account", Emails::one("unknown")),
                Sample::new("known account", Emails::one("account")),
                Sample::new("another account", Emails::one("another")),
                Sample::new("unverified account", Emails::one("mallory")),
                Sample::new("disabled account", Emails::one("disable")),
                Sample::new("10 % more time", Emails::one("slowest")).control(Control::MoreTime),
            ],
            (Status::Throttled, hashes) => {
                let known = match hashes {
                    Hashes::Own => Emails::one("account"),
                    Hashes::Imported => accounts::imported().first(LOCKED_OUT),
                };
                vec![
                    Sample::new("unknown account", Emails::fresh().first(LOCKED_OUT)),
                    Sample::new("known account", known),
                    Sample::new("another account", Emails::one("another")),
                    Sample::new("disabled account", Emails::one("disable")),
                    Sample::new("a longer request", Emails::one("slowest"))
                        .control(Control::LongerRequest),
                ]
            }
        };
        for sample in &mut samples {
            sample.endpoint = self.endpoint;
        }
        if self.cookie == Cookie::OfAnotherAccount {
            let cookie = device_cookie(server)?;
            for sample in &mut samples {
                sample.cookie = Some(cookie.clone());
            }
        }
        if self.status == Status::Accepted {
            for sample in &mut samples {
                PASSWORD.clone_into(&mut sample.password);
            }
        }
        if self.status == Status::Throttled {
            lock_out(&samples, server)?;
        }
        Ok(samples)
    }
}

/// Logs in to the attacker's own account, and returns the device cookie.
fn device_cookie(server: &Server) -> Result<String> {
    let mut client = Client::connect(&server.address)?;
    let mallory = Sample::new("the attacker's account", Emails::one("mallory"));
    let (response, _) = client.post("/api/token", &mallory.body_with(0, PASSWORD))?;
    let set = response.head.iter().filter_map(|line| line.strip_prefix("set-cookie: "));
    let pair = set.filter_map(|cookie| cookie.split(';').next());
    let cookie = pair.into_iter().find(|pair| pair.starts_with("latchkey_device="));
    cookie.map(ToOwned::to_owned).context("the attacker's log-in set no device cookie")
}

/// Fails to log in with each email address until it is locked out.
fn lock_out(samples: &[Sample], server: &Server) -> Result<()> {
    let mut client = Client::connect(&server.address)?;
    for sample in samples {
        for round in 0..sample.emails.count().unwrap_or(0) {
            for _ in 0..FAILURES {
                let _ = sample.clone().send(&mut client, round, Status::Rejected)?;
            }
            let mut last = sample.clone();
            if last.send(&mut client, round, Status::Throttled).is_err() {
                bail!("{} is not locked out after {FAILURES} failures", sample.name);
            }
        }
    }
    Ok(())
}
