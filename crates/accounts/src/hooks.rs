use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use auth_core::{SessionId, UserId};
use user_store::User;

/// What has happened to an account, for the app to know of: see
/// [`Builder::on_event`](crate::Builder::on_event).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountEvent {
    /// Somebody has signed up, or an operator has made an account.
    #[non_exhaustive]
    SignedUp {
        /// The new account.
        user: User,
    },
    /// Somebody has logged in.
    #[non_exhaustive]
    SignedIn {
        /// Who.
        user: UserId,
        /// The session that was opened.
        session: SessionId,
    },
    /// The password was changed, by its user or by an operator.
    #[non_exhaustive]
    PasswordChanged {
        /// Whose.
        user: UserId,
    },
    /// The account was deleted, by its user or by an operator.
    #[non_exhaustive]
    Deleted {
        /// Whose it was.
        user: UserId,
    },
}

pub(crate) type Hook = Arc<dyn Fn(&AccountEvent) + Send + Sync>;

/// What the app wants to have called.
#[derive(Clone, Default)]
pub(crate) struct Hooks(Vec<Hook>);

impl Hooks {
    pub(crate) fn add(&mut self, hook: Hook) {
        self.0.push(hook);
    }

    /// Tells all of them. What has happened is not undone by one that panics, and neither is
    /// the answer to whoever made it happen.
    pub(crate) fn tell(&self, event: &AccountEvent) {
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
