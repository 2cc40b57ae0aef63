//! Mail servers that fail on purpose, for tests.
//!
//! [`SmtpServer`] understands SMTP, with `STARTTLS`, TLS from the start and `AUTH`. It keeps the
//! mails that it accepts, and has [faults](Fault). [`Authority`] signs certificates.
//!
//! Functions panic if a server or a certificate cannot be created.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a server that cannot be created fails the test"
)]

mod authority;
mod fault;
mod server;
mod session;
mod state;

pub use authority::{Authority, Certificate, CertificateKind};
pub use fault::{Action, Command, Fault};
pub use server::{Encryption, ServerConfig, SmtpServer};
pub use state::ReceivedMail;
