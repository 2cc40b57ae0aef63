use std::sync::Arc;

use auth_core::{Clock, DecoyKey, JwkSet, MailId, Origin, Random, RelyingParty, Timestamp, UserId};
use tokio_util::sync::DropGuard;
use user_store::{Metadata, Store, StoreError};

use crate::before_sign_up::BeforeSignUp;
use crate::config::Config;
use crate::followers::Follower;
use crate::mail::{MailMode, Mailer, NoticeMode};
use crate::passwords::PasswordService;
use crate::signal::Signal;
use crate::tasks::BackgroundTasks;
use crate::throttle::Throttle;
use crate::token_claims::TokenClaims;
use crate::tokens::{KeyRing, TokenIssuer};

/// The accounts of one service.
///
/// Each use case is a method. Several servers can share a store, on one machine or on several.
pub struct Accounts {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) throttle: Throttle,
    pub(crate) passwords: PasswordService,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) tokens: TokenIssuer,
    /// Assigns a decoy to each email address.
    pub(crate) decoy_key: DecoyKey,
    pub(crate) tasks: BackgroundTasks,
    /// Sent when data has been deleted.
    pub(crate) erase_requests: Signal,
    /// The handlers of the app for events.
    pub(crate) followers: Vec<Arc<Follower>>,
    /// The check of the app before a sign-up.
    pub(crate) before_sign_up: Option<BeforeSignUp>,
    pub(crate) token_claims: TokenClaims,
    /// `None` if mail is off.
    pub(crate) mailer: Option<Arc<Mailer>>,
    /// Sent when a mail has been added to the outbox.
    pub(crate) mail_requests: Signal,
    /// Notices can be on while mail is off: another service on the store then sends them.
    pub(crate) notices: NoticeMode,
    /// `None` if browsers do not support passkeys for the host of the origin.
    pub(crate) relying_party: Option<RelyingParty>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// Ends the followers when the service is dropped.
    pub(crate) _stop: DropGuard,
}

impl Accounts {
    /// Returns the configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the public origin of the service. It is the issuer and the audience of its access
    /// tokens.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.config.origin
    }

    /// Returns whether the service sends mails.
    #[must_use]
    pub const fn mail(&self) -> MailMode {
        match self.mailer {
            Some(_) => MailMode::On,
            None => MailMode::Off,
        }
    }

    /// Returns the id of the notice of a change, if notices are on.
    pub(crate) fn new_notice(&self, now: Timestamp) -> Option<MailId> {
        match self.notices {
            NoticeMode::On => Some(MailId::generate(now, &*self.random)),
            NoticeMode::Off => None,
        }
    }

    /// Returns the memory that verifying the most expensive hash in use takes, in bytes; see
    /// [`Config::hash_memory`]. An import updates it immediately.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn max_hash_memory(&self) -> Result<u64, StoreError> {
        self.store.max_hash_memory().await
    }

    /// Returns the current time according to the clock of the service.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the public keys that verify this service's access tokens, newest first. They include
    /// keys that are published but do not sign yet. Caches may keep the set for
    /// [`JwkSet::MAX_AGE`].
    ///
    /// The keys are read from the store. If the store fails, the keys of the last successful read
    /// are returned.
    pub async fn jwks(&self) -> JwkSet {
        self.keys.newest().await.tokens().jwks().clone()
    }

    /// Returns the metadata of a user, or `None` if the account does not exist. Change it with
    /// [`Operator::set_metadata`](crate::Operator::set_metadata).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn metadata(&self, user: UserId) -> Result<Option<Metadata>, StoreError> {
        self.store.metadata(user).await
    }

    /// Returns the number of passwords that are queued for hashing.
    #[must_use]
    pub fn queued_passwords(&self) -> usize {
        self.passwords.queued()
    }

    /// Checks that the store works.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    /// Waits until all changes are complete, including those whose callers have disconnected. Also
    /// waits for attempts to send mails, which can take up to
    /// [`ATTEMPT_TIMEOUT`](crate::ATTEMPT_TIMEOUT): a caller that does not want to wait that long
    /// can drop the future. Mails that are still unsent, such as those of the last second, are sent
    /// after the next start. A handler of events that is running is awaited too, and the events
    /// that it has not handled yet are left to other servers or to the next start.
    ///
    /// A server should call this after it has stopped serving requests, so that every change is
    /// logged before it exits.
    pub async fn drain(&self) {
        self.tasks.drain().await;
    }
}
