//! Latchkey's single-page application.
//!
//! | module | content |
//! |---|---|
//! | `app` | the application: router, session, frame, and which page each route shows |
//! | `guards` | show a page only to signed-in or only to signed-out users |
//! | `frame` | the header, navigation and footer around every page |
//! | [`pages`] | one component per route; they send requests and handle the responses |
//! | [`components`] | the parts of pages; they send no requests and do not use the session |
//! | [`messages`] | the error messages for form fields and failed requests |
//! | [`api`] | requests to the server |
//! | [`routes`] | the routes, and the state that a navigation passes to a page |
//! | [`mod@format`] | devices, IP addresses, times, audit events, secrets and recovery codes as text |
//! | [`browser`], `storage`, `download`, `webauthn` | wrappers of browser APIs |
//! | `mail` | for which purposes the server sends mails |
//! | `sign_up` | whether visitors can create accounts |
//! | `site` | the app that the pages belong to: its name, its logo and its own pages |
//!
//! The session of this tab is in the crate `yew-session`.
//!
//! A module uses only modules below it in this table. Only effects and callbacks need a browser,
//! so the tests render pages natively.

pub mod api;
mod app;
pub mod browser;
pub mod components;
mod download;
pub mod format;
mod frame;
mod guards;
mod mail;
pub mod messages;
pub mod pages;
pub mod routes;
mod sign_up;
mod site;
mod storage;
mod webauthn;

pub use app::{App, AppProps};
pub use mail::Mail;
pub use sign_up::SignUp;
pub use site::{Site, set_site};
pub use webauthn::Passkeys;
