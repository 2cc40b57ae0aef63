//! Guarded routes, whose handlers run for authenticated users only.

use std::fmt;
use std::future::ready;
use std::sync::{Mutex, PoisonError};

use accounts::SignedIn;
use warp::filters::BoxedFilter;
use warp::reject::Reject;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use crate::unauthenticated::Unauthenticated;

/// Extracts the user, or the error response to an unauthenticated request.
pub(crate) type UserFilter = BoxedFilter<(Result<SignedIn, Unauthenticated>,)>;

/// A handler for [`Auth::guarded`](crate::Auth::guarded): an async function of the user and of the
/// values that the route extracts. There can be up to three values.
pub trait GuardedHandler<Route, Values, Future>: Sized {
    /// Returns the route with its guard.
    #[doc(hidden)]
    fn guard(self, route: Route, user: UserFilter) -> BoxedFilter<(Response,)>;
}

/// A handler for [`Auth::guarded_with`](crate::Auth::guarded_with): an async function like a
/// [`GuardedHandler`], with one more value as its last argument.
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
                        Err(error) => Err(UnauthenticatedRejection::reject(error)),
                    })
                };
                let call = move |user: SignedIn, $($value: $Value,)* last: Last| {
                    let response = self(user, $($value,)* last);
                    async move { response.await.into_response() }
                };
                let guarded = route.and(user).and_then(check).untuple_one().and(rest).then(call);
                guarded.recover(|rejection| ready(UnauthenticatedRejection::recover(rejection))).unify().boxed()
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

/// A rejection that skips the rest of a guarded route. It never leaves the filter that
/// [`GuardedHandlerWith::guard_with`] returns.
struct UnauthenticatedRejection(Mutex<Option<Unauthenticated>>);

impl Reject for UnauthenticatedRejection {}

impl UnauthenticatedRejection {
    fn reject(error: Unauthenticated) -> Rejection {
        warp::reject::custom(Self(Mutex::new(Some(error))))
    }

    fn recover(rejection: Rejection) -> Result<Response, Rejection> {
        let Some(Self(error)) = rejection.find() else { return Err(rejection) };
        match error.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Ok(error.into_response()),
            None => Ok(crate::problem::internal_error()),
        }
    }
}

impl fmt::Debug for UnauthenticatedRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnauthenticatedRejection")
    }
}
