//! The check of the app before a sign-up.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{ClientInfo, Email};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::service_error::ServiceError;

/// A sign-up that the app can refuse. See
/// [`Builder::before_sign_up`](crate::Builder::before_sign_up).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUpRequest {
    /// The email address. It may already have an account. To check its domain, use the
    /// [key](Email::key), because `as_str` has the spelling that was typed, such as `@Example.com`.
    pub email: Email,
    /// `true` if the request has an invitation. Whether it is valid is checked afterwards: without a
    /// valid one, the request creates no account.
    pub invited: bool,
    /// The client that sent the request.
    pub client: ClientInfo,
}

/// The reason why the app does not accept a sign-up.
#[derive(Debug)]
pub struct SignUpRefusal(Reason);

#[derive(Debug)]
enum Reason {
    /// A message for the user.
    Refused(String),
    Failed(BoxError),
}

type BoxError = Box<dyn Error + Send + Sync>;

impl SignUpRefusal {
    /// Refuses the sign-up. The user sees `message`, such as "Sign up with your work e-mail
    /// address."
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(Reason::Refused(message.into()))
    }

    /// Reports that the app could not decide, for example because its database is down. The error
    /// is logged. The user sees only that something went wrong, and can try again.
    #[must_use]
    pub fn failed(error: impl Into<BoxError>) -> Self {
        Self(Reason::Failed(error.into()))
    }
}

/// The maximum time that the check can take.
const TIMEOUT: Duration = Duration::from_secs(5);

type CheckFuture = Pin<Box<dyn Future<Output = Result<(), SignUpRefusal>> + Send>>;

/// The check of the app.
#[derive(Clone)]
pub(crate) struct BeforeSignUp(Arc<dyn Fn(SignUpRequest) -> CheckFuture + Send + Sync>);

/// The outcome of a check.
#[must_use]
pub(crate) enum CheckOutcome {
    Accepted,
    /// The sign-up is refused, with this message.
    Refused(String),
}

impl BeforeSignUp {
    pub(crate) fn new<H, F>(check: H) -> Self
    where
        H: Fn(SignUpRequest) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), SignUpRefusal>> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(check(request))))
    }

    /// Runs the check for a limited time.
    pub(crate) async fn check(&self, request: SignUpRequest) -> Result<CheckOutcome, ServiceError> {
        let check = Arc::clone(&self.0);
        let work = async move { check(request).await }.in_current_span();
        let check = AbortOnDropHandle::new(tokio::spawn(work));
        match timeout(TIMEOUT, check).await {
            Ok(Ok(Ok(()))) => Ok(CheckOutcome::Accepted),
            Ok(Ok(Err(SignUpRefusal(Reason::Refused(message))))) => {
                Ok(CheckOutcome::Refused(message))
            }
            Ok(Ok(Err(SignUpRefusal(Reason::Failed(error))))) => {
                Err(ServiceError::BeforeSignUp(error))
            }
            Ok(Err(panic)) => Err(ServiceError::BeforeSignUp(panic.into())),
            Err(elapsed) => Err(ServiceError::BeforeSignUp(elapsed.into())),
        }
    }
}

impl fmt::Debug for BeforeSignUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BeforeSignUp(..)")
    }
}
