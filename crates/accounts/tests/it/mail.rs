//! Mails, and the changes that they allow.

mod app;
mod change;
mod every_mail;
mod factors;
mod invitations;
mod notices;
mod outbox;
mod reset;
mod sign_in;
mod text;
mod throttle;
mod verification;
mod worker;
