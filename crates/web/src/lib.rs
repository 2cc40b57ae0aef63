//! Latchkey in the browser.
//!
//! | module | is |
//! |---|---|
//! | [`route`] | the addresses, and which page each of them shows |
//! | [`session`] | whether somebody is signed in: one reducer, one provider, one hook |
//! | [`api`] | every request to the server, and every way it can fail |
//! | `frame`, `guard` | what is around every page, and what is in front of some |
//! | [`pages`] | fetch and decide |
//! | [`components`] | take properties and callbacks, and know neither server nor history |
//! | [`messages`] | every sentence about something that went wrong |
//! | [`browser`], [`navigation`] | the document, and its history |
//! | `storage`, `locks`, `tabs` | what the browser keeps, and what its tabs have in common |
//!
//! Everything but effects and callbacks renders without a browser, so the tests look at
//! pages natively.

pub mod api;
mod app;
pub mod browser;
pub mod components;
mod frame;
mod guard;
mod locks;
pub mod messages;
pub mod navigation;
pub mod pages;
pub mod route;
pub mod session;
mod storage;
mod tabs;

pub use app::{App, AppProps};
pub use session::Session;
