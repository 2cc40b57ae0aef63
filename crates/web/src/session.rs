//! Whether somebody is signed in.
//!
//! The token in `sessionStorage` is a claim, and only the server's answer makes it a
//! session. What the application believes changes in one reducer, [`State`]; components
//! read it, and act on it, through [`use_session`].

mod inquiry;
mod provider;
mod state;

pub use provider::{SessionHandle, SessionProvider, SessionProviderProps, use_session};
pub use state::{Action, Session, State};
