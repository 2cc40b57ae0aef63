use std::sync::Arc;

use accounts::http::TrustedProxies;
use accounts::{Accounts, Builder, SignedIn};
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::guard::{GuardedHandler, GuardedHandlerWith, UserFilter};
use crate::input::{Requirements, authenticate};
use crate::unauthenticated::Unauthenticated;
use crate::{endpoints, router};

/// Authentication for a warp app: the routes to sign up, sign in and sign out, and a guard for the
/// app's own routes.
///
/// The routes and the guard return their errors as responses, never as rejections. So a failed
/// request does not fall through to another route, such as one that serves a page at every path.
/// Cloning an `Auth` is cheap.
///
/// ```
/// use api::{Auth, SignedIn};
/// use warp::Filter as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.db");
/// let auth = Auth::builder().sqlite(&path).public_url("https://app.example").build().await?;
/// let private = auth.guarded(warp::path!("private"), async |user: SignedIn| {
///     format!("hello {}", user.email())
/// });
/// let app = auth.routes().or(private);
///
/// let response = warp::test::request().path("/private").reply(&app).await;
/// assert_eq!(response.status(), 401);
/// # Ok(())
/// # }
/// ```
///
/// Serve the app with `warp::serve(app).run(([127, 0, 0, 1], 3000))`, which requires warp's feature
/// `server`. warp's own server has no timeouts. On the Internet, put a proxy in front of it that
/// limits the time to receive headers and bodies, and pass the IP address of the proxy to
/// [`trust_proxies`](Self::trust_proxies).
#[derive(Clone)]
pub struct Auth {
    api: Arc<Api>,
    proxies: Arc<TrustedProxies>,
}

impl Auth {
    /// Returns a builder for an `Auth` and its accounts. It has the same options as
    /// [`Accounts::builder`].
    pub fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// Builds an `Auth` that serves existing accounts at their [origin](Accounts::origin).
    #[must_use]
    pub fn new(accounts: Arc<Accounts>) -> Self {
        let document = endpoints::openapi().to_string();
        Self { api: Arc::new(Api::new(accounts, document.into())), proxies: Arc::default() }
    }

    /// Trusts these proxies: if a request comes from one of them, the IP address of the client is
    /// read from `X-Forwarded-For`. Without this setting, all clients behind a proxy share one IP
    /// address, by which their failed sign-ins are counted.
    #[must_use]
    pub fn trust_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = Arc::new(proxies);
        self
    }

    /// Returns the routes under `/api`, the key set at `/.well-known/jwks.json`, and the health
    /// checks. Other paths, including those under `/api`, are rejected as not found, so that the
    /// app can add its own routes.
    #[must_use]
    pub fn routes(&self) -> BoxedFilter<(Response,)> {
        router::routes(endpoints::all(), &self.api, &self.proxies)
    }

    /// Returns a route whose handler runs for authenticated users only. Every other request that
    /// the route matches gets [`Unauthenticated`].
    ///
    /// The handler is an async function of the user and of the values that the route extracts:
    ///
    /// ```
    /// # use api::{Auth, SignedIn};
    /// # use warp::Filter as _;
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn note(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// auth.guarded(warp::path!("notes" / u64).and(warp::get()), async |user: SignedIn, id: u64| {
    ///     format!("note {id} of {}", user.email())
    /// })
    /// # }
    /// ```
    ///
    /// A handler that does not take the user does not compile:
    ///
    /// ```compile_fail
    /// # use api::{Auth, SignedIn};
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn note(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// auth.guarded(warp::path!("private"), async || "hello stranger")
    /// # }
    /// ```
    ///
    /// The route is matched before authentication, so it should use only the path, the method and
    /// the headers. To read a body, use [`guarded_with`](Self::guarded_with).
    ///
    /// If the app [requires second factors](Builder::require_second_factor), a user who has not
    /// turned one on gets 403, `second_factor_enrolment_required`, from this and every other guard.
    /// Otherwise, the handler can check this:
    ///
    /// ```
    /// # use api::{Auth, SignedIn};
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn admin(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// auth.guarded(warp::path!("admin"), async |user: SignedIn| {
    ///     if user.has_second_factor() { "hello" } else { "turn on two-step log-in first" }
    /// })
    /// # }
    /// ```
    pub fn guarded<R, H, F>(&self, route: R, handler: H) -> BoxedFilter<(Response,)>
    where
        R: Filter<Error = Rejection>,
        H: GuardedHandler<R, R::Extract, F>,
    {
        handler.guard(route, self.user(Requirements::DEFAULT))
    }

    /// Like [`guarded`](Self::guarded), with a second filter, `rest`, that runs after
    /// authentication, for example to read the body. `rest` extracts one value, which is the last
    /// argument of the handler.
    ///
    /// ```
    /// # use api::{Auth, SignedIn};
    /// # use warp::Filter as _;
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn note(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// let route = warp::path!("notes").and(warp::post());
    /// let body = warp::body::content_length_limit(16 * 1024).and(warp::body::json());
    /// auth.guarded_with(route, body, async |user: SignedIn, note: String| {
    ///     format!("{note}, by {}", user.email())
    /// })
    /// # }
    /// ```
    ///
    /// If `rest` rejects a request, the returned filter rejects the request too, and the app must
    /// handle the rejection.
    pub fn guarded_with<R, B, H, F>(
        &self,
        route: R,
        rest: B,
        handler: H,
    ) -> BoxedFilter<(Response,)>
    where
        R: Filter<Error = Rejection>,
        H: GuardedHandlerWith<R, R::Extract, B, F>,
    {
        handler.guard_with(route, self.user(Requirements::DEFAULT), rest)
    }

    /// Like [`guarded`](Self::guarded), for users whose email address is verified. Other users get
    /// 403, `email_unverified`.
    ///
    /// Without [mail](Builder::mail), users cannot verify their email addresses: only an operator
    /// or the app can, with `latchkey users verify-email` or
    /// [`Operator::verify_email`](accounts::Operator::verify_email).
    ///
    /// ```
    /// # use api::{Auth, SignedIn};
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn team(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// auth.guarded_verified(warp::path!("team"), async |user: SignedIn| {
    ///     format!("{} has this address for sure", user.email())
    /// })
    /// # }
    /// ```
    pub fn guarded_verified<R, H, F>(&self, route: R, handler: H) -> BoxedFilter<(Response,)>
    where
        R: Filter<Error = Rejection>,
        H: GuardedHandler<R, R::Extract, F>,
    {
        handler.guard(route, self.user(Requirements::VERIFIED))
    }

    /// Like [`guarded_with`](Self::guarded_with), for users whose email address is verified. Other
    /// users get 403, `email_unverified`.
    pub fn guarded_verified_with<R, B, H, F>(
        &self,
        route: R,
        rest: B,
        handler: H,
    ) -> BoxedFilter<(Response,)>
    where
        R: Filter<Error = Rejection>,
        H: GuardedHandlerWith<R, R::Extract, B, F>,
    {
        handler.guard_with(route, self.user(Requirements::VERIFIED), rest)
    }

    /// Like [`guarded`](Self::guarded), for users who logged in at most 10 minutes ago. Other users
    /// get 403, `step_up_required`: the client logs in again, and repeats the request with the new
    /// token.
    ///
    /// Use this for actions that an attacker with a stolen session must not be able to take, such
    /// as a payment. If the second factor of the user is on, a recent log-in is one with all
    /// factors.
    ///
    /// ```
    /// # use api::{Auth, SignedIn};
    /// # use warp::Filter as _;
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn payout(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// auth.guarded_fresh(warp::path!("payout").and(warp::post()), async |user: SignedIn| {
    ///     format!("on its way to {}", user.email())
    /// })
    /// # }
    /// ```
    pub fn guarded_fresh<R, H, F>(&self, route: R, handler: H) -> BoxedFilter<(Response,)>
    where
        R: Filter<Error = Rejection>,
        H: GuardedHandler<R, R::Extract, F>,
    {
        handler.guard(route, self.user(Requirements::FRESH))
    }

    /// Like [`guarded_with`](Self::guarded_with), for users who logged in at most 10 minutes ago.
    /// Other users get 403, `step_up_required`.
    pub fn guarded_fresh_with<R, B, H, F>(
        &self,
        route: R,
        rest: B,
        handler: H,
    ) -> BoxedFilter<(Response,)>
    where
        R: Filter<Error = Rejection>,
        H: GuardedHandlerWith<R, R::Extract, B, F>,
    {
        handler.guard_with(route, self.user(Requirements::FRESH), rest)
    }

    /// Returns a filter that extracts the user whose access token (`Authorization: Bearer …`) the
    /// request carries, or the error response to a request without a valid token. It never rejects.
    /// If the app [requires second factors](Builder::require_second_factor), the filter also
    /// extracts an error for a user who has not turned one on.
    ///
    /// Use this for routes that also serve unauthenticated clients, and for handlers that cannot be
    /// written with [`guarded`](Self::guarded). The handler must check for the error, because the
    /// filter lets unauthenticated requests through.
    #[must_use]
    pub fn user_or_error(&self) -> BoxedFilter<(Result<SignedIn, Unauthenticated>,)> {
        self.user(Requirements::DEFAULT)
    }

    fn user(&self, requirements: Requirements) -> UserFilter {
        let api = Arc::clone(&self.api);
        warp::header::headers_cloned()
            .then(move |headers| {
                let api = Arc::clone(&api);
                async move {
                    let user = authenticate(&headers, &api, requirements).await;
                    user.map_err(Unauthenticated::new)
                }
            })
            .boxed()
    }

    /// Returns the accounts, for everything else that an app does with them.
    #[must_use]
    pub fn accounts(&self) -> &Arc<Accounts> {
        &self.api.accounts
    }
}

impl From<Arc<Accounts>> for Auth {
    fn from(accounts: Arc<Accounts>) -> Self {
        Self::new(accounts)
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("origin", self.api.accounts.origin()).finish_non_exhaustive()
    }
}
