//! Tests of the layer, the extractors and the forms, as an app uses them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod app;
mod errors;
mod forms;
mod mail;
mod second_factor;
mod sessions;
mod user;
