//! Mails with codes and links, and the pages that use them.

mod change_email;
mod email_log_in;
mod mailbox;
mod off;
mod reset;
mod scanner;
mod verify;
