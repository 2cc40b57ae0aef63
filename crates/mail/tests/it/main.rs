//! Tests of the transports.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod aiosmtpd;
mod config;
mod folder;
mod format;
mod smtp;
mod support;
mod tls;
