//! Latchkey in the browser.
//!
//! | module | is |
//! |---|---|
//! | [`route`] | the addresses, and which page each of them shows |
//! | [`session`] | whether somebody is signed in: one reducer, one provider, one hook |
//! | [`api`] | every request to the server, and every way it can fail |
//! | `frame`, `guard` | what is around every page, and what is in front of some |
//! | `json` | what the server's answers are read with |
//! | [`pages`] | fetch and decide |
//! | [`components`] | take properties and callbacks, and know neither server nor history |
//! | [`messages`] | every sentence about something that went wrong |
//! | [`words`] | what machines say of each other, in words for a person |
//! | [`browser`] | the document |
//! | [`history`], [`navigation`] | the addresses that a tab visits, and the moves between them |
//! | `storage`, `download` | what the browser keeps, for us and for its user |
//! | `locks`, `tabs` | what the tabs of a browser agree on |
//!
//! Everything but effects and callbacks renders without a browser, so the tests look at
//! pages natively.

pub mod api;
mod app;
pub mod browser;
pub mod components;
mod download;
mod frame;
mod guard;
pub mod history;
mod json;
mod locks;
pub mod messages;
pub mod navigation;
pub mod pages;
pub mod route;
pub mod session;
mod storage;
mod tabs;
pub mod words;

pub use app::{App, AppProps};
pub use session::Session;
