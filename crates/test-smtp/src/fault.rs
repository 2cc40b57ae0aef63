use std::time::Duration;

/// A fault of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The command at which the fault occurs.
    pub command: Command,
    /// The behaviour instead of the normal reply.
    pub action: Action,
}

/// Something that a server replies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// A new connection. The reply is the greeting.
    Connect,
    /// `EHLO`.
    Ehlo,
    /// `STARTTLS`.
    StartTls,
    /// `AUTH`.
    Auth,
    /// `MAIL`.
    Mail,
    /// `RCPT`.
    Rcpt,
    /// `DATA`.
    Data,
    /// A mail, which ends with a dot. The server has accepted it, even if the reply is lost.
    Content,
    /// `QUIT`.
    Quit,
}

/// The behaviour of a server instead of its normal reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It sends this reply, which is one or more lines without the last line break. If the reply is
    /// positive, the command takes effect.
    Reply(&'static str),
    /// It replies normally after this time.
    Delay(Duration),
    /// It does not reply, and keeps the connection open.
    Silence,
    /// It closes the connection.
    Close,
}
