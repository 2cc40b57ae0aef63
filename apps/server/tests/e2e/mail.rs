//! Mails with codes and links, and the pages that use them.

mod change_email;
mod email_log_in;
pub(crate) mod mailbox;
mod off;
mod reset;
mod scanner;
mod second_factor;
mod verify;
