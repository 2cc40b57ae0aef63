//! Guarded routes, whose handlers run for authenticated users only.

mod handlers;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use accounts::http::{
    ApiError, Authentication, Credentials, EmailRequirement, Freshness, Navigation, Requirements,
    TrustedProxies, authenticate, check_json, client_ip, error_page,
};
use accounts::{Role, SignedIn};
use serde::de::DeserializeOwned;
use warp::filters::BoxedFilter;
use warp::filters::path::FullPath;
use warp::http::header::{HeaderValue, LOCATION};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use self::handlers::ResponseRejection;
pub use self::handlers::{GuardedHandler, GuardedHandlerWith};
use crate::body::UnreadBody;
use crate::context::Api;
use crate::problem::error_response;
use crate::unauthenticated::Unauthenticated;

/// Extracts the user, or the response to a request without one. It never rejects.
type UserFilter<User> = BoxedFilter<(Checked<User>,)>;

/// A request whose user has been checked.
#[doc(hidden)]
pub struct Checked<User> {
    /// The user, or the response to the request.
    user: Result<User, Response>,
    finish: Finish,
}

/// Adds the headers that a response needs because of the session cookie of its request.
struct Finish(Option<(Authentication, Arc<Api>)>);

/// The requirements on the users of a route, built by [`Auth::guard`](crate::Auth::guard). A user
/// who does not meet them gets a 403, and the handler does not run.
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
    site: Arc<Site>,
    requirements: Requirements,
    role: Option<Role>,
    sessions: Sessions,
}

/// The settings of the app that all its guards share.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) proxies: Arc<TrustedProxies>,
    /// The path of the log-in page.
    pub(crate) log_in_path: Cow<'static, str>,
}

/// The credentials that a guarded route accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sessions {
    AccessTokens,
    Cookies,
    /// Cookies, and a browser without a session is redirected to the log-in page. It gets other
    /// errors as pages.
    Pages,
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
    pub(crate) const fn new(api: Arc<Api>, site: Arc<Site>) -> Self {
        let (requirements, sessions) = (Requirements::DEFAULT, Sessions::AccessTokens);
        Self { api, site, requirements, role: None, sessions }
    }

    /// Also accepts requests without an access token that carry the session cookie.
    ///
    /// This is the refresh cookie that a log-in sets. The guard looks its session up. After the
    /// handler, it replaces a cookie that is older than an access token can be
    /// ([`Accounts::rotate_cookie_session`](accounts::Accounts::rotate_cookie_session)). A request
    /// with a method other than GET, HEAD or OPTIONS, or the handshake of a WebSocket, must come
    /// from a page of the app's own origin. In other requests, the cookie is ignored if `Origin`
    /// names another one, even an [allowed](crate::Auth::allow_origin) one. A handler of a GET
    /// request must not change anything. Responses have `Cache-Control: no-store`, unless the
    /// handler sets another value, and `Vary: Authorization, Cookie`. Shared caches cannot store
    /// the response to a user: the guard adds `private`, and replaces `public` and `s-maxage` with
    /// `no-store`.
    pub const fn cookies(mut self) -> Self {
        self.sessions = Sessions::Cookies;
        self
    }

    /// Like [`cookies`](Self::cookies), for pages that are rendered on the server: a browser
    /// without a session, or whose log-in is too old for [`fresh`](Self::fresh), is redirected to
    /// the [log-in page](crate::Auth::log_in_page) with the path of the page as `next`, and with
    /// `fresh=on` if the log-in is too old. If the browser sent a form, `next` is the path of the
    /// page with the form. The browser gets other errors as a short page. Requests of scripts and
    /// programs get an error as usual.
    ///
    /// A browser is recognized by `Sec-Fetch-Mode: navigate` or, without that header, by an
    /// `Accept` with `text/html`.
    ///
    /// ```
    /// # use api::{Auth, SignedIn};
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn notes(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// auth.guard().page().route(warp::path!("notes"), async |_: SignedIn| {
    ///     warp::reply::html("<h1>Your notes</h1>")
    /// })
    /// # }
    /// ```
    pub const fn page(mut self) -> Self {
        self.sessions = Sessions::Pages;
        self
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

    /// Requires a role. Other users get 403, `role_required`. Roles are read with every request: if
    /// a role is revoked, the next request is rejected. A second call replaces the role; a handler
    /// that accepts several roles asks for them with [`SignedIn::has_role`].
    ///
    /// ```
    /// # use api::{Auth, InvalidRole, Role, SignedIn};
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn admin(auth: &Auth) -> Result<BoxedFilter<(Response,)>, InvalidRole> {
    /// let guard = auth.guard().role(Role::parse("admin")?);
    /// # Ok(
    /// guard.route(warp::path!("admin"), async |user: SignedIn| {
    ///     format!("hello administrator {}", user.id())
    /// })
    /// # )
    /// # }
    /// ```
    pub fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
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
        H: GuardedHandler<SignedIn, R, R::Extract, F>,
    {
        handler.guard(route, self.user())
    }

    /// Returns a route whose handler also runs for visitors, who have neither an access token nor a
    /// session. A request with an access token that is not valid, or of a user whom the guard does
    /// not accept, still gets an error. So does a form of another origin, if the guard accepts the
    /// session cookie: browsers leave the cookie out, so its sender would seem to be a visitor.
    ///
    /// ```
    /// # use api::{Auth, SignedIn};
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn home(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// auth.guard().page().optional(warp::path::end(), async |user: Option<SignedIn>| match user {
    ///     Some(user) => format!("hello {}", user.email()),
    ///     None => "hello stranger".to_owned(),
    /// })
    /// # }
    /// ```
    pub fn optional<R, H, F>(&self, route: R, handler: H) -> BoxedFilter<(Response,)>
    where
        R: Filter<Error = Rejection>,
        H: GuardedHandler<Option<SignedIn>, R, R::Extract, F>,
    {
        let user = self.check(|user| match user {
            Ok(user) => Ok(Some(user)),
            Err(error) if error.is_visitor() => Ok(None),
            Err(error) => Err(error),
        });
        handler.guard(route, user)
    }
}

impl Guard {
    /// Returns the filter that authenticates requests by their access tokens.
    pub(crate) fn user_or_error(&self) -> BoxedFilter<(Result<SignedIn, Unauthenticated>,)> {
        let guard = self.clone();
        warp::header::headers_cloned()
            .then(move |headers| {
                let guard = guard.clone();
                async move {
                    let user = guard.check_token(&headers).await;
                    user.map_err(Unauthenticated::new)
                }
            })
            .boxed()
    }

    /// Returns the filter that extracts the user.
    fn user(&self) -> UserFilter<SignedIn> {
        self.check(|user| user)
    }

    /// Returns the filter that authenticates requests. `accept` decides which of them have the user
    /// that the handler needs.
    fn check<User: Send + 'static>(
        &self,
        accept: fn(Result<SignedIn, ApiError>) -> Result<User, ApiError>,
    ) -> UserFilter<User> {
        let guard = self.clone();
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        warp::method()
            .and(warp::path::full())
            .and(query)
            .and(warp::header::headers_cloned())
            .and(warp::ext::optional())
            .and(warp::addr::remote())
            .then(move |method, path: FullPath, query: String, headers, address, peer| {
                let guard = guard.clone();
                async move {
                    if guard.sessions == Sessions::AccessTokens {
                        let user = accept(guard.check_token(&headers).await);
                        let user = user.map_err(error_response);
                        return Checked { user, finish: Finish(None) };
                    }
                    let ip = client_ip(address, peer, &headers, &guard.site.proxies);
                    let request = Credentials { method: &method, headers: &headers, ip };
                    let (user, finish) = guard.check_cookies(request).await;
                    let user = accept(user);
                    let respond = |error| guard.respond(request, path.as_str(), &query, error);
                    Checked { user: user.map_err(respond), finish }
                }
            })
            .boxed()
    }

    async fn check_token(&self, headers: &HeaderMap) -> Result<SignedIn, ApiError> {
        let user = authenticate(headers, &self.api.accounts, self.requirements).await?;
        self.check_role(user)
    }

    fn check_role(&self, user: SignedIn) -> Result<SignedIn, ApiError> {
        match &self.role {
            Some(role) if !user.has_role(role.as_str()) => {
                Err(ApiError::RoleRequired(role.clone()))
            }
            _ => Ok(user),
        }
    }

    async fn check_cookies(
        &self,
        request: Credentials<'_>,
    ) -> (Result<SignedIn, ApiError>, Finish) {
        let Self { api, requirements, .. } = self;
        let authentication = Authentication::new(&api.accounts, &api.cookies, request).await;
        let user = match authentication.user.clone() {
            Ok(user) => {
                let checked = requirements.check(&user, &api.accounts);
                checked.and_then(|()| self.check_role(user))
            }
            Err(error) => Err(error),
        };
        (user, Finish(Some((authentication, Arc::clone(api)))))
    }

    /// Returns the response to a request that is not accepted.
    fn respond(
        &self,
        request: Credentials<'_>,
        path: &str,
        query: &str,
        error: ApiError,
    ) -> Response {
        if self.sessions != Sessions::Pages {
            return error_response(error);
        }
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let origin = self.api.accounts.origin();
        match Navigation::new(request.method, request.headers, &target, origin) {
            Some(navigation) if error.asks_for_log_in() => {
                see_other(&navigation.log_in_location(&self.site.log_in_path, &error))
            }
            Some(_) => error_page(error).map(Into::into),
            None => error_response(error),
        }
    }
}

/// Returns a redirect to `location`, which contains only ASCII characters.
pub(crate) fn see_other(location: &str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

impl Finish {
    async fn apply(&self, mut response: Response) -> Response {
        if let Some((authentication, api)) = &self.0 {
            authentication.finish(&api.accounts, &api.cookies, response.headers_mut()).await;
        }
        response
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
