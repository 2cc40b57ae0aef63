//! End-to-end tests of the release binary in a real browser.
//!
//! `cargo xtask ci e2e` sets the server (`E2E_SERVER`), the browser (`E2E_CHROMIUM`) and its driver
//! (`E2E_CHROMEDRIVER`). Without them, the tests use the server that cargo has built, and the
//! programs on the path.

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
mod refresh;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "part of it serves the tests without a browser")]
mod server;
mod settings;
mod sign_up;
mod tabs;
mod time;
mod visitor;
