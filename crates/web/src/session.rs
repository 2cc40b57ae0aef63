//! Whether somebody is signed in.
//!
//! The token in `sessionStorage` is a claim, and only the server's answer makes it a
//! session. What the application believes changes in one reducer, [`State`]; components
//! read it, and act on it, through [`use_session`].
//!
//! A token lives for minutes. What needs one goes through `SessionHandle::authorized`, which
//! gets a new one with the cookie where the server refuses the old, and tells nobody.

mod authorized;
mod claims;
mod deadline;
mod handle;
mod inquiry;
mod leaving;
mod memory;
mod provider;
mod renewal;
mod single_flight;
mod state;

pub use handle::SessionHandle;
pub use provider::use_session;
pub(crate) use provider::use_session_of_tab;
pub(crate) use renewal::in_turn;
pub use state::{Action, Session, State};
