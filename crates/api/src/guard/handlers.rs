//! Calls the handlers of guarded routes, with the values that the routes extract.

use std::fmt;
use std::future::ready;
use std::sync::{Mutex, PoisonError};

use accounts::SignedIn;
use warp::filters::BoxedFilter;
use warp::reject::Reject;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use super::{Checked, Finish};

/// A handler for [`Guard::route`](super::Guard::route) or
/// [`Guard::optional`](super::Guard::optional): an async function of the user and of the values that
/// the route extracts. There can be up to three values.
///
/// A handler that uses state of the app, such as a database pool, clones it for each request:
/// `move |user: SignedIn| { let pool = pool.clone(); async move { … } }`. An async closure that
/// captures the state is not accepted, because its future borrows from the closure.
pub trait GuardedHandler<User, Route, Values, Future>: Sized {
    /// Returns the route with its guard.
    #[doc(hidden)]
    fn guard(self, route: Route, user: BoxedFilter<(Checked<User>,)>) -> BoxedFilter<(Response,)>;
}

/// A handler for [`GuardWith::route`](super::GuardWith::route): an async function like a
/// [`GuardedHandler`], with one more value as its last argument.
pub trait GuardedHandlerWith<Route, Values, Rest, Future>: Sized {
    /// Returns the route with its guard.
    #[doc(hidden)]
    fn guard_with(
        self,
        route: Route,
        user: BoxedFilter<(Checked<SignedIn>,)>,
        rest: Rest,
    ) -> BoxedFilter<(Response,)>;
}

macro_rules! guarded_handlers {
    ($(($($value:ident: $Value:ident),*))+) => {$(
        impl<User, Handler, Route, $($Value,)* Output>
            GuardedHandler<User, Route, ($($Value,)*), Output> for Handler
        where
            User: Send + 'static,
            Handler: Fn(User, $($Value),*) -> Output + Clone + Send + Sync + 'static,
            Route: Filter<Extract = ($($Value,)*), Error = Rejection>,
            Route: Clone + Send + Sync + 'static,
            $($Value: Send + 'static,)*
            Output: Future<Output: Reply> + Send + 'static,
        {
            fn guard(
                self,
                route: Route,
                user: BoxedFilter<(Checked<User>,)>,
            ) -> BoxedFilter<(Response,)> {
                let call = move |$($value: $Value,)* checked: Checked<User>| {
                    let handler = self.clone();
                    async move {
                        let response = match checked.user {
                            Ok(user) => handler(user, $($value),*).await.into_response(),
                            Err(response) => response,
                        };
                        checked.finish.apply(response).await
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
                user: BoxedFilter<(Checked<SignedIn>,)>,
                rest: Rest,
            ) -> BoxedFilter<(Response,)> {
                let check = |$($value: $Value,)* checked: Checked<SignedIn>| async move {
                    let Checked { user, finish } = checked;
                    match user {
                        Ok(user) => Ok((user, finish, $($value),*)),
                        Err(response) => {
                            Err(ResponseRejection::reject(finish.apply(response).await))
                        }
                    }
                };
                // A response of the filter itself also needs the headers of `finish`.
                let rest = rest.map(Ok::<Last, Response>).or_else(|rejection| {
                    ready(ResponseRejection::recover(rejection).map(|response| (Err(response),)))
                });
                let call = move |
                    user: SignedIn,
                    finish: Finish,
                    $($value: $Value,)*
                    last: Result<Last, Response>
                | {
                    let handler = self.clone();
                    async move {
                        let response = match last {
                            Ok(last) => handler(user, $($value,)* last).await.into_response(),
                            Err(response) => response,
                        };
                        finish.apply(response).await
                    }
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

/// A rejection that skips the rest of a guarded route. It never leaves the filter that
/// [`GuardedHandlerWith::guard_with`] returns.
pub(super) struct ResponseRejection(Mutex<Option<Response>>);

impl Reject for ResponseRejection {}

impl ResponseRejection {
    pub(super) fn reject(response: Response) -> Rejection {
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
