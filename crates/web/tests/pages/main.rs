//! Pages and components, rendered natively: what a browser would be given to show.

#![cfg(not(target_family = "wasm"))]

mod activity;
mod forms;
mod frame;
mod html;
mod private;
mod public;
mod sessions;
mod settings;
