use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use accounts::http::{ApiError, EmailRequirement, Enrolment, Freshness, Requirements};
use accounts::{Role, SignedIn};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;

use crate::rejection::{Page, Rejection};
use crate::request::RequestAuth;
use crate::shared::Shared;

/// The user who sends a request. A handler with this parameter runs for authenticated users only.
///
/// All other requests get a [`Rejection`]: a browser that opens a page or sends a form is
/// redirected to the log-in page. The app needs [`Auth::layer`](crate::Auth::layer).
///
/// If the app [requires second factors](accounts::Builder::require_second_factor), a user who has
/// not turned one on is rejected with 403, `second_factor_enrolment_required`; see
/// [`UserBeforeEnrolment`].
///
/// With `Option<User>`, the handler also runs for visitors, whose requests have neither an access
/// token nor a valid session. A request is still rejected if its access token is not valid, if the
/// user has to turn a second factor on, if a page of another origin sent it and it may change
/// something, or if the store fails.
///
/// ```
/// # use axum_accounts::{Rejection, User};
/// async fn payout(user: User) -> Result<String, Rejection> {
///     user.require_verified()?;
///     user.require_fresh()?;
///     Ok(format!("on its way to {}", user.email()))
/// }
/// ```
#[derive(Clone)]
pub struct User {
    signed_in: SignedIn,
    shared: Arc<Shared>,
    page: Option<Arc<Page>>,
}

/// A user who may not have turned on the second factor that the app requires. Use this for the pages
/// on which users do so. With `Option<UserBeforeEnrolment>`, a public page also serves visitors and
/// these users.
#[derive(Debug, Clone)]
pub struct UserBeforeEnrolment(pub User);

impl User {
    /// Requires a log-in within the last 10 minutes. Otherwise, the user has to log in again.
    ///
    /// Use this for actions that an attacker with a stolen session must not be able to take, such
    /// as a payment. If the second factor of the user is on, a recent log-in is one with all
    /// factors.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] with the code `step_up_required`.
    pub fn require_fresh(&self) -> Result<(), Rejection> {
        self.require(Requirements { freshness: Freshness::Required, ..EXEMPT })
    }

    /// Requires a verified email address.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] with the code `email_unverified`.
    pub fn require_verified(&self) -> Result<(), Rejection> {
        self.require(Requirements { email: EmailRequirement::Verified, ..EXEMPT })
    }

    /// Requires a role. A handler that accepts several roles asks for them with
    /// [`SignedIn::has_role`].
    ///
    /// # Errors
    ///
    /// A [`Rejection`] with the code `role_required`.
    pub fn require_role(&self, role: &Role) -> Result<(), Rejection> {
        if self.has_role(role.as_str()) {
            Ok(())
        } else {
            Err(Rejection::new(ApiError::RoleRequired(role.clone()), self.page.clone()))
        }
    }

    /// Returns the proof of authentication, for the methods of
    /// [`Accounts`](accounts::Accounts).
    #[must_use]
    pub fn into_signed_in(self) -> SignedIn {
        self.signed_in
    }

    fn require(&self, requirements: Requirements) -> Result<(), Rejection> {
        let checked = requirements.check(&self.signed_in, &self.shared.accounts);
        checked.map_err(|error| Rejection::new(error, self.page.clone()))
    }

    /// Does the same as [`extract`](Self::extract), but returns `None` for visitors.
    async fn extract_optional(
        parts: &Parts,
        requirements: Requirements,
    ) -> Result<Option<Self>, Rejection> {
        match Self::extract(parts, requirements).await {
            Ok(user) => Ok(Some(user)),
            Err(rejection) if rejection.is_visitor() => Ok(None),
            Err(rejection) => Err(rejection),
        }
    }

    async fn extract(parts: &Parts, requirements: Requirements) -> Result<Self, Rejection> {
        let Some(auth) = parts.extensions.get::<RequestAuth>() else {
            tracing::error!(
                path = parts.uri.path(),
                "a handler asks for the user, but the app has no layer for it: add `.layer(auth.layer())` after the routes"
            );
            return Err(Rejection::new(ApiError::Misconfigured(NO_LAYER), None));
        };
        let shared = Arc::clone(auth.shared());
        let page = Page::new(parts, &shared);
        match auth.authenticate(parts).await.user.clone() {
            Ok(signed_in) => {
                let user = Self { signed_in, shared, page };
                user.require(requirements)?;
                Ok(user)
            }
            Err(error) => Err(Rejection::new(error, page)),
        }
    }
}

const NO_LAYER: &str = "A handler of the app asks for the user, but the app has no layer for it. Add `.layer(auth.layer())` after the routes.";

const EXEMPT: Requirements = Requirements { enrolment: Enrolment::Exempt, ..Requirements::DEFAULT };

impl Deref for User {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Self::extract(parts, Requirements::DEFAULT).await
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for User {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        Self::extract_optional(parts, Requirements::DEFAULT).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UserBeforeEnrolment {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        User::extract(parts, EXEMPT).await.map(Self)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for UserBeforeEnrolment {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        Ok(User::extract_optional(parts, EXEMPT).await?.map(Self))
    }
}

impl Deref for UserBeforeEnrolment {
    type Target = User;

    fn deref(&self) -> &User {
        &self.0
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("User").field(&self.signed_in.id()).finish()
    }
}
