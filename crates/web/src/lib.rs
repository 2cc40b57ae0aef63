//! Latchkey's single-page application.
//!
//! | module | content |
//! |---|---|
//! | `app` | the application: router, session, frame, and which page each route shows |
//! | `guards` | what a page requires of the session |
//! | `frame` | the header, navigation and footer around every page |
//! | [`pages`] | one component per route: they fetch and decide |
//! | [`components`] | take properties and callbacks; no requests, no session |
//! | [`session`] | who is signed in: one reducer, one provider, one hook |
//! | [`messages`] | the text of every error |
//! | [`api`] | requests to the server, and how they fail |
//! | [`routes`] | the routes, and the state that travels with a navigation |
//! | [`mod@format`] | devices, IP addresses and times as text |
//! | [`browser`], `storage`, `download`, `locks`, `tabs` | the browser's own interfaces |
//! | `single_flight` | a task that concurrent callers share |
//!
//! A module uses modules below it in this table, and none above. Everything but effects and
//! callbacks renders without a browser, so the tests render pages natively.

pub mod api;
mod app;
pub mod browser;
pub mod components;
mod download;
pub mod format;
mod frame;
mod guards;
mod locks;
pub mod messages;
pub mod pages;
pub mod routes;
pub mod session;
mod single_flight;
mod storage;
mod tabs;

pub use app::{App, AppProps};
