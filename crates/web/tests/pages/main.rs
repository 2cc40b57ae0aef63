//! Tests of pages and components, rendered natively.

#![cfg(not(target_family = "wasm"))]

mod activity;
mod app;
mod factors;
mod forms;
mod frame;
mod html;
mod mail;
mod private;
mod public;
mod qr_code;
mod sessions;
mod settings;
