//! What a person does in a real browser, against the program as it is released.
//!
//! `cargo xtask ci e2e` names the program (`E2E_SERVER`), the browser (`E2E_CHROMIUM`) and
//! its driver (`E2E_CHROMEDRIVER`); without them, what is built and what is on the path is
//! used.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where, and stops")]

mod browser;
mod double_click;
mod download;
mod frame;
mod guessing;
mod log_in;
mod log_out;
mod one_browser;
mod outage;
mod policy;
mod private;
mod renewal;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "part of it serves the tests without a browser")]
mod server;
mod settings;
mod sign_up;
mod tabs;
mod time;
mod visitor;
