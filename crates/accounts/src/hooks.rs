use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use auth_core::{Email, SessionId, UserId};
use user_store::User;

/// An account event that the app can react to. See
/// [`Builder::on_event`](crate::Builder::on_event).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountEvent {
    /// A user signed up, or an operator created an account.
    #[non_exhaustive]
    SignedUp {
        /// The new account.
        user: User,
    },
    /// A user signed in.
    #[non_exhaustive]
    SignedIn {
        /// The user.
        user: UserId,
        /// The session that was opened.
        session: SessionId,
    },
    /// The email address was verified, by the user or by an operator.
    #[non_exhaustive]
    EmailVerified {
        /// The user.
        user: UserId,
    },
    /// The user changed the email address. The new one is verified.
    #[non_exhaustive]
    EmailChanged {
        /// The account after the change.
        user: User,
        /// The email address before the change.
        previous: Email,
    },
    /// The password was changed, by the user or by an operator, or reset with a token from a mail.
    /// A reset also verifies the email address.
    #[non_exhaustive]
    PasswordChanged {
        /// The user.
        user: UserId,
    },
    /// The second factor was turned on or off, an app was replaced, or a passkey was added or
    /// removed, by the user; or an operator reset the second factor.
    #[non_exhaustive]
    SecondFactorChanged {
        /// The user.
        user: UserId,
    },
    /// The account was deleted, by the user or by an operator.
    #[non_exhaustive]
    Deleted {
        /// The user whose account it was.
        user: UserId,
    },
}

pub(crate) type Hook = Arc<dyn Fn(&AccountEvent) + Send + Sync>;

/// The hooks of the app.
#[derive(Clone, Default)]
pub(crate) struct Hooks(Vec<Hook>);

impl Hooks {
    pub(crate) fn add(&mut self, hook: Hook) {
        self.0.push(hook);
    }

    /// Calls all hooks. If one panics, the others still run and the request does not fail.
    pub(crate) fn notify(&self, event: &AccountEvent) {
        for hook in &self.0 {
            if catch_unwind(AssertUnwindSafe(|| hook(event))).is_err() {
                tracing::error!("a hook panicked");
            }
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hooks({})", self.0.len())
    }
}
