use std::borrow::Cow;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use accounts::http::{TrustedProxies, encode_path};
use accounts::{Accounts, Builder, Origin, SignedIn};
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use crate::context::{Api, Served};
use crate::cors::Cors;
use crate::guard::{Guard, GuardedHandler, Site};
use crate::log_out_form::{self, LogOutForm};
use crate::part::Part;
use crate::prefix::{InvalidPrefix, Prefix};
use crate::unauthenticated::Unauthenticated;
use crate::{client_module, endpoints, openapi, router};

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
    site: Arc<Site>,
    after_log_out: Cow<'static, str>,
    off: Vec<Part>,
    prefix: Prefix,
    cors: Arc<Cors>,
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
        let site = Site { proxies: Arc::default(), log_in_path: "/login".into() };
        Self {
            api: Arc::new(Api::new(accounts)),
            site: Arc::new(site),
            after_log_out: "/".into(),
            off: Vec::new(),
            prefix: Prefix::default(),
            cors: Arc::default(),
        }
    }

    /// Trusts these proxies: if a request comes from one of them, the IP address of the client is
    /// read from `X-Forwarded-For`. Without this setting, all clients behind a proxy share one IP
    /// address, by which their failed sign-ins are counted.
    #[must_use]
    pub fn trust_proxies(mut self, proxies: TrustedProxies) -> Self {
        let log_in_path = self.site.log_in_path.clone();
        self.site = Arc::new(Site { proxies: Arc::new(proxies), log_in_path });
        self
    }

    /// Sets the path of the log-in page, to which [`Guard::page`] redirects. The default is
    /// `/login`. After the log-in, the page must open the path in its query parameter `next`,
    /// unless it is not a path of the app: [`safe_next`](accounts::http::safe_next) checks this.
    /// Non-ASCII characters in `path` are percent-encoded.
    ///
    /// The URL also has `fresh=on` if a user who is signed in must log in again. The page must then
    /// show its form: if it redirected the user to `next`, it would get the user back.
    #[must_use]
    pub fn log_in_page(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        let proxies = Arc::clone(&self.site.proxies);
        let log_in_path = encode_path(&path.into()).into();
        self.site = Arc::new(Site { proxies, log_in_path });
        self
    }

    /// Sets the path to open after a log-out with the [form](Self::log_out_form). The default is
    /// `/`. Non-ASCII characters are percent-encoded.
    #[must_use]
    pub fn after_log_out(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.after_log_out = encode_path(&path.into()).into();
        self
    }

    /// Turns a part of the [routes](Self::routes) off: its paths respond with 404, and the OpenAPI
    /// document does not describe them. If another endpoint has the same path, the response is 405.
    ///
    /// ```
    /// # use api::{Auth, Part};
    /// # fn routes(auth: Auth) -> Auth {
    /// auth.without(Part::SignUp).without(Part::Deletion)
    /// # }
    /// ```
    #[must_use]
    pub fn without(mut self, part: Part) -> Self {
        self.off.push(part);
        self
    }

    /// Sets the path of the [routes](Self::routes) that are otherwise under `/api`: with
    /// `prefix("/auth")`, `/api/token` becomes `/auth/token`. `/.well-known/jwks.json` and the
    /// health checks keep their paths. Latchkey's pages and `yew-session` need `/api`. Pass the
    /// prefix to the browser client as `base`.
    ///
    /// # Errors
    ///
    /// [`InvalidPrefix`] unless the prefix is a path such as `/auth`, or if Latchkey uses the path
    /// otherwise, such as `/healthz`.
    pub fn prefix(mut self, path: &str) -> Result<Self, InvalidPrefix> {
        self.prefix = Prefix::parse(path)?;
        Ok(self)
    }

    /// Lets pages at another origin of the same site use the [routes](Self::routes) and those that
    /// are wrapped by [`cors`](Self::cors), with cookies. Can be called for several origins.
    ///
    /// An origin is of the same site if it has the same scheme and the same registrable domain,
    /// such as `https://app.example.com` for `https://auth.example.com`. Browsers send the cookies
    /// to no other, and its requests are rejected as before. All pages at the origin can then act
    /// for users who are signed in, so it must be trusted like the service itself. An `http` origin
    /// can be forged by anyone on the network.
    ///
    /// Guards that accept the session cookie accept it from pages of the service's own origin only,
    /// to read as well as to change something. Scripts of other origins send the access token.
    /// Passkeys can only be used at the service's own origin.
    #[must_use]
    pub fn allow_origin(mut self, origin: Origin) -> Self {
        Arc::make_mut(&mut self.cors).allow(origin);
        self
    }

    /// Returns a route that pages at the [allowed origins](Self::allow_origin) can use: it responds
    /// to their preflights, and its responses have the headers that let them read it. A rejection
    /// stays one. [`routes`](Self::routes) need no wrapping.
    ///
    /// Wrap only routes with a method, such as `warp::get()`. Whether a route has the path of a
    /// preflight is only known after it has run, so the handler of a route without a method also
    /// runs for preflights.
    ///
    /// ```
    /// # use api::{Auth, Origin, SignedIn};
    /// # use warp::Filter as _;
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn app(auth: Auth) -> Result<BoxedFilter<(Response,)>, accounts::InvalidOrigin> {
    /// let auth = auth.allow_origin(Origin::parse("https://app.example.com")?);
    /// let notes = auth.guarded(warp::path!("notes").and(warp::get()), async |user: SignedIn| {
    ///     format!("the notes of {}", user.email())
    /// });
    /// let app = auth.routes().or(auth.cors(notes)).unify().boxed();
    /// # Ok(app)
    /// # }
    /// ```
    pub fn cors<F, R>(&self, route: F) -> BoxedFilter<(Response,)>
    where
        F: Filter<Extract = (R,), Error = Rejection> + Clone + Send + Sync + 'static,
        R: Reply + Send + 'static,
    {
        let route = route.map(Reply::into_response);
        if self.cors.is_off() {
            return route.boxed();
        }
        let cors = Arc::clone(&self.cors);
        let result =
            route.map(Ok).or_else(|rejection| ready(Ok::<_, Infallible>((Err(rejection),))));
        warp::method()
            .and(warp::header::headers_cloned())
            .and(result)
            .and_then(move |method: Method, headers: HeaderMap, result| {
                ready(cors.respond(&method, &headers, result))
            })
            .boxed()
    }

    /// Returns whether the [routes](Self::routes) include this part.
    #[must_use]
    pub fn serves(&self, part: Part) -> bool {
        !self.off.contains(&part)
    }

    /// Returns the path under which the API is served, without a trailing slash: `/api`, unless
    /// [`prefix`](Self::prefix) has changed it.
    #[must_use]
    pub fn path_prefix(&self) -> &str {
        self.prefix.as_str()
    }

    /// Returns the routes under `/api`, the key set at `/.well-known/jwks.json`, the browser client
    /// at `/latchkey.js`, a script for rendered pages at `/latchkey-page.js`, and the health
    /// checks. Other paths, including those under `/api`, are rejected as not found, so that the
    /// app can add its own routes.
    ///
    /// [`without`](Self::without), [`prefix`](Self::prefix) and
    /// [`allow_origin`](Self::allow_origin) change what is served. Call them first.
    #[must_use]
    pub fn routes(&self) -> BoxedFilter<(Response,)> {
        let mut endpoints = endpoints::all();
        endpoints.retain(|endpoint| endpoint.docs.part.is_none_or(|part| self.serves(part)));
        let document = self.prefix.rename(&openapi::document(&endpoints).to_string());
        let served = Served {
            document: document.into(),
            prefix: self.prefix.clone(),
            cors: Arc::clone(&self.cors),
        };
        let routes = router::routes(endpoints, &self.api, &self.site.proxies, &Arc::new(served));
        self.cors(routes.or(client_module::routes()).unify())
    }

    /// Returns a route that responds to every path under `/api`, or under the
    /// [prefix](Self::prefix), with 404, `not_found`. A server that serves pages at all other paths
    /// should add it after its other routes under this path.
    #[must_use]
    pub fn api_not_found(&self) -> BoxedFilter<(Response,)> {
        self.cors(router::api_not_found(self.prefix.clone()))
    }

    /// Returns a route for a form that logs out, for pages that are rendered on the server
    /// ([`Guard::page`]): POST of `/logout`.
    ///
    /// ```html
    /// <form method="post" action="/logout"><button>Log out</button></form>
    /// ```
    ///
    /// The route ends the session of the cookie on all servers, clears the cookie and redirects to
    /// `/`, or to [`after_log_out`](Self::after_log_out). A form of another origin is rejected. A
    /// page with the script `/latchkey-page.js`, which [`routes`](Self::routes) serve, is loaded
    /// again when another tab logs in or out, and tells the other tabs about its own log-out.
    ///
    /// ```
    /// # use api::{Auth, SignedIn};
    /// # use warp::Filter as _;
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn app(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// const PAGE: &str = "<form method=post action=/logout><button>Log out</button></form>
    ///     <script type=module src=/latchkey-page.js></script>";
    ///
    /// let notes = async |_: SignedIn| warp::reply::html(PAGE);
    /// let notes = auth.guard().page().route(warp::path!("notes"), notes);
    /// let app = auth.routes().or(auth.log_out_form()).unify().or(notes).unify();
    /// # app.boxed()
    /// # }
    /// ```
    #[must_use]
    pub fn log_out_form(&self) -> BoxedFilter<(Response,)> {
        let (api, site) = (Arc::clone(&self.api), Arc::clone(&self.site));
        log_out_form::route(LogOutForm { api, site, next: self.after_log_out.clone() })
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
    /// the headers. To read a body, or to require more of the user, use [`guard`](Self::guard).
    ///
    /// If the app [requires second factors](Builder::require_second_factor), a user who has not
    /// turned one on gets 403, `second_factor_enrolment_required`, from every guard. Otherwise, the
    /// handler can check this:
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
        H: GuardedHandler<SignedIn, R, R::Extract, F>,
    {
        self.guard().route(route, handler)
    }

    /// Returns a route like [`guarded`](Self::guarded) that also requires a log-in within the last
    /// 10 minutes: see [`Guard::fresh`].
    pub fn guarded_fresh<R, H, F>(&self, route: R, handler: H) -> BoxedFilter<(Response,)>
    where
        R: Filter<Error = Rejection>,
        H: GuardedHandler<SignedIn, R, R::Extract, F>,
    {
        self.guard().fresh().route(route, handler)
    }

    /// Returns a guard with options: requirements on the user, and a body that is read after
    /// authentication.
    ///
    /// ```
    /// # use api::{Auth, SignedIn};
    /// # use warp::filters::BoxedFilter;
    /// # use warp::reply::Response;
    /// # fn team(auth: &Auth) -> BoxedFilter<(Response,)> {
    /// auth.guard().verified().route(warp::path!("team"), async |user: SignedIn| {
    ///     format!("{} has this address for sure", user.email())
    /// })
    /// # }
    /// ```
    pub fn guard(&self) -> Guard {
        Guard::new(Arc::clone(&self.api), Arc::clone(&self.site))
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
        self.guard().user_or_error()
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
