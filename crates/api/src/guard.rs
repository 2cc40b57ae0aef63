//! Guarded routes, whose handlers run for authenticated users only.

use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};

use accounts::SignedIn;
use accounts::http::{
    ApiError, EmailRequirement, Freshness, Requirements, authenticate, check_json,
};
use serde::de::DeserializeOwned;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::reject::Reject;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use crate::body::UnreadBody;
use crate::context::Api;
use crate::problem::error_response;
use crate::unauthenticated::Unauthenticated;

/// Extracts the user, or the error response to an unauthenticated request.
pub(crate) type UserFilter = BoxedFilter<(Result<SignedIn, Unauthenticated>,)>;

/// The requirements on the users of a route, built by [`Auth::guard`](crate::Auth::guard). A user who does not meet
/// them gets a 403, and the handler does not run.
///
/// ```
/// # use api::{Auth, SignedIn};
/// # use warp::Filter as _;
/// # use warp::filters::BoxedFilter;
/// # use warp::reply::Response;
/// # fn payout(auth: &Auth) -> BoxedFilter<(Response,)> {
/// #[derive(serde::Deserialize)]
/// struct Payout {
///     cents: u64,
/// }
///
/// let route = warp::path!("payout").and(warp::post());
/// auth.guard().verified().fresh().json(1024).route(route, async |user: SignedIn, it: Payout| {
///     format!("{} cents are on their way to {}", it.cents, user.email())
/// })
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a guard does nothing until `route` is called"]
pub struct Guard {
    api: Arc<Api>,
    requirements: Requirements,
}

/// A [`Guard`] with a filter that runs after authentication, built by [`Guard::with`] or
/// [`Guard::json`].
#[derive(Clone)]
#[must_use = "a guard does nothing until `route` is called"]
pub struct GuardWith<Rest> {
    guard: Guard,
    rest: Rest,
}

impl Guard {
    pub(crate) const fn new(api: Arc<Api>) -> Self {
        Self { api, requirements: Requirements::DEFAULT }
    }

    /// Requires a verified email address. Other users get 403, `email_unverified`.
    ///
    /// Without [mail](accounts::Builder::mail), users cannot verify their email addresses: only an
    /// operator or the app can, with `latchkey users verify-email` or
    /// [`Operator::verify_email`](accounts::Operator::verify_email).
    pub const fn verified(mut self) -> Self {
        self.requirements.email = EmailRequirement::Verified;
        self
    }

    /// Requires a log-in within the last 10 minutes. Other users get 403, `step_up_required`: the
    /// client logs in again, and repeats the request with the new token.
    ///
    /// Use this for actions that an attacker with a stolen session must not be able to take, such
    /// as a payment. If the second factor of the user is on, a recent log-in is one with all
    /// factors.
    pub const fn fresh(mut self) -> Self {
        self.requirements.freshness = Freshness::Required;
        self
    }

    /// Adds a filter that runs after authentication, for example to read the body. It extracts one
    /// value, which is the last argument of the handler.
    ///
    /// ```
    /// # use api::{Auth, SignedIn};
    /// # use warp::Filter as _;
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn note(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// let route = warp::path!("notes").and(warp::post());
    /// let body = warp::body::content_length_limit(16 * 1024).and(warp::body::bytes());
    /// auth.guard().with(body).route(route, async |user: SignedIn, note: bytes::Bytes| {
    ///     format!("{} bytes, by {}", note.len(), user.email())
    /// })
    /// # }
    /// ```
    ///
    /// If the filter rejects a request, the returned route rejects the request too, and the app
    /// must handle the rejection. [`json`](Self::json) needs no such handling.
    pub fn with<Rest>(self, rest: Rest) -> GuardWith<Rest> {
        GuardWith { guard: self, rest }
    }

    /// Reads a JSON object of up to `limit` bytes as the last argument of the handler, after
    /// authentication. Nothing of the body is read for a request without a valid token.
    ///
    /// Like the routes under `/api`, the route responds with a problem (RFC 9457) to another
    /// content type than `application/json` (415), to a larger body (413), to a body that is not
    /// JSON (400, `malformed_json`), and to one that does not have the shape of `T` (400,
    /// `invalid_request`; the detail says what is wrong).
    pub fn json<T>(self, limit: usize) -> GuardWith<BoxedFilter<(T,)>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let body = warp::header::headers_cloned().and(warp::body::stream());
        let body = body.and_then(move |headers: HeaderMap, stream| {
            let body = UnreadBody::new(stream);
            async move {
                let parsed = read_json(&headers, body, limit).await;
                parsed.map_err(|error| ResponseRejection::reject(error_response(error)))
            }
        });
        self.with(body.boxed())
    }

    /// Returns a route whose handler runs only for the users that the guard accepts. See
    /// [`Auth::guarded`](crate::Auth::guarded).
    pub fn route<R, H, F>(&self, route: R, handler: H) -> BoxedFilter<(Response,)>
    where
        R: Filter<Error = Rejection>,
        H: GuardedHandler<R, R::Extract, F>,
    {
        handler.guard(route, self.user())
    }
}

impl Guard {
    /// Returns the filter that authenticates requests. It never rejects.
    pub(crate) fn user(&self) -> UserFilter {
        let Self { api, requirements } = self.clone();
        warp::header::headers_cloned()
            .then(move |headers| {
                let api = Arc::clone(&api);
                async move {
                    let user = authenticate(&headers, &api.accounts, requirements).await;
                    user.map_err(Unauthenticated::new)
                }
            })
            .boxed()
    }
}

impl<Rest> GuardWith<Rest> {
    /// Returns a route whose handler runs only for the users that the guard accepts. See
    /// [`Auth::guarded`](crate::Auth::guarded).
    pub fn route<R, H, F>(self, route: R, handler: H) -> BoxedFilter<(Response,)>
    where
        R: Filter<Error = Rejection>,
        H: GuardedHandlerWith<R, R::Extract, Rest, F>,
    {
        handler.guard_with(route, self.guard.user(), self.rest)
    }
}

async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: UnreadBody,
    limit: usize,
) -> Result<T, ApiError> {
    check_json(headers)?;
    body.read_up_to(limit, headers).await?.parse_for_app()
}

/// A handler for [`Guard::route`]: an async function of the user and of the values that the route
/// extracts. There can be up to three values.
pub trait GuardedHandler<Route, Values, Future>: Sized {
    /// Returns the route with its guard.
    #[doc(hidden)]
    fn guard(self, route: Route, user: UserFilter) -> BoxedFilter<(Response,)>;
}

/// A handler for [`GuardWith::route`]: an async function like a [`GuardedHandler`], with one more
/// value as its last argument.
pub trait GuardedHandlerWith<Route, Values, Rest, Future>: Sized {
    /// Returns the route with its guard.
    #[doc(hidden)]
    fn guard_with(self, route: Route, user: UserFilter, rest: Rest) -> BoxedFilter<(Response,)>;
}

macro_rules! guarded_handlers {
    ($(($($value:ident: $Value:ident),*))+) => {$(
        impl<Handler, Route, $($Value,)* Output> GuardedHandler<Route, ($($Value,)*), Output>
            for Handler
        where
            Handler: Fn(SignedIn, $($Value),*) -> Output + Clone + Send + Sync + 'static,
            Route: Filter<Extract = ($($Value,)*), Error = Rejection>,
            Route: Clone + Send + Sync + 'static,
            $($Value: Send + 'static,)*
            Output: Future<Output: Reply> + Send + 'static,
        {
            fn guard(self, route: Route, user: UserFilter) -> BoxedFilter<(Response,)> {
                let call = move |$($value: $Value,)* user: Result<SignedIn, Unauthenticated>| {
                    let handler = self.clone();
                    async move {
                        match user {
                            Ok(user) => handler(user, $($value),*).await.into_response(),
                            Err(error) => error.into_response(),
                        }
                    }
                };
                route.and(user).then(call).boxed()
            }
        }

        impl<Handler, Route, $($Value,)* Rest, Last, Output>
            GuardedHandlerWith<Route, ($($Value,)*), Rest, (Last, Output)> for Handler
        where
            Handler: Fn(SignedIn, $($Value,)* Last) -> Output + Clone + Send + Sync + 'static,
            Route: Filter<Extract = ($($Value,)*), Error = Rejection>,
            Route: Clone + Send + Sync + 'static,
            $($Value: Send + 'static,)*
            Rest: Filter<Extract = (Last,), Error = Rejection> + Clone + Send + Sync + 'static,
            Last: Send + 'static,
            Output: Future<Output: Reply> + Send + 'static,
        {
            fn guard_with(
                self,
                route: Route,
                user: UserFilter,
                rest: Rest,
            ) -> BoxedFilter<(Response,)> {
                let check = |$($value: $Value,)* user: Result<SignedIn, Unauthenticated>| {
                    ready(match user {
                        Ok(user) => Ok((user, $($value),*)),
                        Err(error) => Err(ResponseRejection::reject(error.into_response())),
                    })
                };
                let call = move |user: SignedIn, $($value: $Value,)* last: Last| {
                    let response = self(user, $($value,)* last);
                    async move { response.await.into_response() }
                };
                let guarded = route.and(user).and_then(check).untuple_one().and(rest).then(call);
                guarded.recover(|rejection| ready(ResponseRejection::recover(rejection))).unify().boxed()
            }
        }
    )+};
}

guarded_handlers! {
    ()
    (a: A)
    (a: A, b: B)
    (a: A, b: B, c: C)
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("requirements", &self.requirements).finish_non_exhaustive()
    }
}

impl<Rest> fmt::Debug for GuardWith<Rest> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardWith").field("guard", &self.guard).finish_non_exhaustive()
    }
}

/// A rejection that skips the rest of a guarded route. It never leaves the filter that
/// [`GuardedHandlerWith::guard_with`] returns.
struct ResponseRejection(Mutex<Option<Response>>);

impl Reject for ResponseRejection {}

impl ResponseRejection {
    fn reject(response: Response) -> Rejection {
        warp::reject::custom(Self(Mutex::new(Some(response))))
    }

    fn recover(rejection: Rejection) -> Result<Response, Rejection> {
        let Some(Self(response)) = rejection.find() else { return Err(rejection) };
        match response.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(response) => Ok(response),
            None => Ok(crate::problem::internal_error()),
        }
    }
}

impl fmt::Debug for ResponseRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseRejection")
    }
}
