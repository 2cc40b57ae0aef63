//! The session of a Yew app that uses Latchkey's HTTP API.
//!
//! [`SessionProvider`] keeps the session of this tab, and components read and change it with
//! [`use_session`]. The crate renders nothing and never navigates.
//!
//! ```no_run
//! use yew::prelude::*;
//! use yew_session::{Session, SessionProvider, use_session};
//!
//! #[component]
//! fn App() -> Html {
//!     html! { <SessionProvider><Greeting /></SessionProvider> }
//! }
//!
//! #[component]
//! fn Greeting() -> Html {
//!     let session = use_session();
//!     match session.session() {
//!         Session::SignedIn(user) => html! { <p>{format!("hello {}", user.email)}</p> },
//!         Session::SignedOut => html! { <p>{"Log in to continue."}</p> },
//!         _ => html! { <p>{"One moment…"}</p> },
//!     }
//! }
//! ```
//!
//! A token in `sessionStorage` does not prove that there is a session: only the server can confirm
//! that. All changes to the state go through one reducer.
//!
//! An access token is valid for minutes. Every request that needs one goes through
//! [`SessionHandle::authorized`], which uses the cookie to refresh a token that is about to expire
//! or that the server has rejected. A request that needs a recent log-in goes through
//! [`SessionHandle::authorized_fresh`], which also lets the user log in again, or through
//! [`SessionHandle::authorized_in_session`] if it is only valid in the current session.
//!
//! An open page also checks its session without a request of the user, when the session may have
//! ended. The tabs of a browser share one cookie, and take turns with a Web Lock. They tell each
//! other about the end of a session with a `BroadcastChannel`. Latchkey's ES module for the
//! browser uses the same storage, lock and channel.
//!
//! All requests are sent to the origin of the page. Except in effects and callbacks, nothing needs
//! a browser, so components can be rendered natively if the `initial` state is passed to
//! [`SessionProvider`].

mod browser;
mod call;
pub mod calls;
mod error;
mod first_step;
mod fresh;
mod handle;
mod http;
mod latest_request;
mod locks;
mod next;
mod provider;
mod sign_in;
mod sign_out;
mod single_flight;
mod state;
mod step_up;
mod storage;
mod tabs;
mod timers;
mod tokens;
mod watch;

pub use api_types;
pub use call::Call;
pub use error::{ApiError, Rejection};
pub use fresh::InSession;
pub use handle::{SessionEndReason, SessionHandle};
pub use http::{Request, Success};
pub use next::safe_next;
pub use provider::{SessionProvider, SessionProviderProps, use_session};
pub use sign_in::SignInError;
pub use sign_out::SignOutOutcome;
pub use state::{Session, User};
pub use storage::{Remember, StorageDenied, has_session_ended};
