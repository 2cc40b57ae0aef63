use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::fault::{Action, Command, Fault};

/// A mail that a server has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The parameter of `MAIL`, such as `FROM:<no-reply@example.com>`.
    pub from: String,
    /// The parameter of `RCPT`, such as `TO:<ada@example.com>`.
    pub to: String,
    /// The headers and the text. Lines end with CRLF.
    pub content: String,
}

/// The state that the sessions of a server share.
pub(crate) struct State {
    pub(crate) login: Option<(&'static str, &'static str)>,
    pub(crate) mechanisms: &'static str,
    pub(crate) start_tls: Option<TlsAcceptor>,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) fault: Mutex<Option<Fault>>,
    pub(crate) faults: watch::Sender<usize>,
    pub(crate) commands: Mutex<Vec<String>>,
    pub(crate) mails: Mutex<Vec<ReceivedMail>>,
}

impl State {
    /// Returns what the server does instead of its normal reply.
    pub(crate) fn fault(&self, command: Command) -> Option<Action> {
        let fault = (*lock(&self.fault)).filter(|fault| fault.command == command)?;
        self.faults.send_modify(|count| *count += 1);
        Some(fault.action)
    }

    pub(crate) fn add_command(&self, command: String) {
        lock(&self.commands).push(command);
    }

    pub(crate) fn add_mail(&self, mail: ReceivedMail) {
        lock(&self.mails).push(mail);
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("fault", &self.fault).finish_non_exhaustive()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
