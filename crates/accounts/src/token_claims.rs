//! The custom claims of access tokens.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{CustomClaims, UserId};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;
use user_store::{Store, User};

use crate::error_chain::error_chain;
use crate::service_error::ServiceError;

/// An error of any type, as a [hook](crate::Builder::token_claims) of the app returns it.
pub type HookError = Box<dyn Error + Send + Sync>;

type Claims = Pin<Box<dyn Future<Output = Result<CustomClaims, HookError>> + Send>>;

/// The time after which a hook has failed.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Computes the custom claims of access tokens with the hook of the app, if there is one.
#[derive(Clone, Default)]
pub(crate) struct TokenClaims(Option<Arc<dyn Fn(User) -> Claims + Send + Sync>>);

impl TokenClaims {
    pub(crate) fn new(hook: impl Fn(User) -> Claims + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    /// Returns `true` if there is a hook.
    pub(crate) const fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the custom claims for a user. Without a hook, reads nothing from the store.
    pub(crate) async fn for_user(
        &self,
        store: &dyn Store,
        user: UserId,
    ) -> Result<CustomClaims, ServiceError> {
        let Some(hook) = &self.0 else { return Ok(CustomClaims::default()) };
        // No session is opened or refreshed for an account that does not exist.
        let Some(account) = store.user(user).await? else { return Ok(CustomClaims::default()) };
        let hook = Arc::clone(hook);
        // In a task, so that a panic is an error of the hook.
        let call = async move { hook(account).await }.in_current_span();
        let call = AbortOnDropHandle::new(tokio::spawn(call));
        let error = match tokio::time::timeout(TIMEOUT, call).await {
            Ok(Ok(Ok(claims))) => return Ok(claims),
            Ok(Ok(Err(error))) => error_chain(&*error),
            Ok(Err(panic)) => error_chain(&panic),
            Err(_) => "it took longer than 5 s".to_owned(),
        };
        tracing::error!(
            %user, error,
            "no token was issued, because the hook `token_claims` of the app failed: fix the hook, \
             or make it return `CustomClaims::default()`"
        );
        Err(ServiceError::TokenClaims)
    }
}

impl fmt::Debug for TokenClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenClaims({})", if self.is_set() { "set" } else { "not set" })
    }
}
