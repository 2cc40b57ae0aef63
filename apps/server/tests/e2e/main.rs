//! End-to-end tests of the release binary in a real browser.
//!
//! `cargo xtask ci e2e` sets the paths of the server (`E2E_SERVER`), the browser (`E2E_CHROMIUM`),
//! its headless shell if there is one (`E2E_HEADLESS_SHELL`), its driver (`E2E_CHROMEDRIVER`), the
//! script of axe-core (`E2E_AXE`) and the built example of `yew-session` (`E2E_YEW`). Without these
//! variables, the tests use the server that cargo has built, and the browser and driver in `PATH`,
//! and those that need axe-core or the example fail.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue should panic")]

mod accessibility;
mod authenticator;
mod axe;
mod browser;
mod browser_client;
mod cors;
mod deletion;
mod double_click;
mod download;
mod embedded;
mod enrolment;
#[path = "../../../../crates/accounts/tests/support/example.rs"]
#[expect(dead_code, reason = "other test binaries use the rest of it")]
mod example;
mod factors;
mod failure;
mod frame;
mod guessing;
mod log_in;
mod log_out;
mod mail;
mod one_browser;
#[path = "../support/operator.rs"]
#[expect(dead_code, reason = "other test binaries use the rest of it")]
mod operator;
mod outage;
mod passkeys;
mod policy;
mod private;
mod refresh;
mod screenshots;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "other test binaries use the rest of it")]
mod server;
mod session_end;
mod settings;
mod sign_up;
mod step_up;
mod tabs;
mod time;
mod translation;
mod two_step;
mod visitor;
mod yew_front_end;
