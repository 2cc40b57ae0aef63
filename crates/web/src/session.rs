//! The session of this tab.
//!
//! A token in `sessionStorage` does not prove that there is a session: only the server can confirm
//! that. All changes to the state go through one reducer, [`State`]. Components read and change the
//! state through [`use_session`].
//!
//! An access token is valid for minutes. Every request that needs one goes through
//! `SessionHandle::authorized`, which uses the cookie to refresh a token that is about to expire or
//! that the server has rejected. A request that needs a recent log-in goes through
//! `SessionHandle::authorized_fresh`, which also asks the user to log in again, or through
//! `SessionHandle::authorized_in_session` if it is only valid in the current session.
//!
//! An open page also checks its session without a request of the user, when the session may have
//! ended.

mod fresh;
mod handle;
mod provider;
mod sign_out;
mod state;
mod step_up;
mod timers;
mod tokens;
mod watch;

pub(crate) use fresh::InSession;
pub use handle::{SessionEndReason, SessionHandle};
pub(crate) use provider::SessionProvider;
pub use provider::use_session;
pub use sign_out::SignOutOutcome;
pub use state::{Action, Session, State, User};
pub(crate) use tokens::with_cookie_lock;
