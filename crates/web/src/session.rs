//! Who is signed in.
//!
//! The token in `sessionStorage` is a claim. Only the server's answer makes it a session. What
//! the application believes changes in one reducer, [`State`]; components read it and act on it
//! through [`use_session`].
//!
//! An access token lives for minutes. Every request that needs one goes through
//! `SessionHandle::authorized`, which refreshes it with the cookie where the server rejects it.

mod handle;
mod provider;
mod sign_out;
mod state;
mod tokens;

pub(crate) use handle::Remember;
pub use handle::{SessionEndReason, SessionHandle};
pub(crate) use provider::SessionProvider;
pub use provider::use_session;
pub use sign_out::SignOutOutcome;
pub use state::{Action, Session, State};
pub(crate) use tokens::with_cookie_lock;
