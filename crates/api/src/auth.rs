use std::sync::Arc;

use accounts::{Accounts, Builder, SignedIn};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::cookie::Cookies;
use crate::incoming::authenticate;
use crate::{Api, Refusal, TrustedProxies, routes};

/// Authentication for an app on warp: the routes that people sign up, log in and log out by,
/// and the guard for those of the app's own.
///
/// Every path is answered once and for all: nothing of it turns into a rejection that another
/// route, such as one that serves a page for every path, could take up. Cloning it is cheap.
///
/// ```
/// use api::{Auth, Guarded};
/// use warp::Filter as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.db");
/// let auth = Auth::builder().sqlite(&path).public_url("https://app.example").build().await?;
/// let private = warp::path!("private")
///     .and(auth.require_user())
///     .map(|user: Guarded| user.map(|user| format!("hello {}", user.email())));
/// let app = auth.routes().or(private);
///
/// let answer = warp::test::request().path("/private").reply(&app).await;
/// assert_eq!(answer.status(), 401);
/// # Ok(())
/// # }
/// ```
///
/// It is served by `warp::serve(app).run(([127, 0, 0, 1], 3000))`, with the feature `server` of
/// warp. Warp's own server lets a connection stand open for as long as the client likes: on the
/// open Internet, put a proxy in front that limits the time for headers and bodies, and name it
/// with [`trust_proxies`](Self::trust_proxies).
#[derive(Clone)]
pub struct Auth {
    api: Api,
}

/// What the guard extracts: proof of who sends the request, or the answer to one who has none.
///
/// Both can be replied with as they are, so that a handler is a `map` over it, or an
/// `async fn(user: Guarded) -> Result<impl Reply, Refusal>` that begins with `let user = user?;`.
pub type Guarded = Result<SignedIn, Refusal>;

impl Auth {
    /// Takes up accounts in a few lines, as [`Accounts::builder`] does; see above.
    pub fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// Serves `accounts` at their [origin](Accounts::origin). [`builder`](Self::builder) also
    /// builds the accounts.
    #[must_use]
    pub fn new(accounts: Arc<Accounts>) -> Self {
        let cookies = Arc::new(Cookies::new(accounts.origin()));
        Self { api: Api { accounts, cookies, proxies: Arc::default() } }
    }

    /// The same behind proxies, whose word is taken for where a request comes from: failed log-ins
    /// are counted by address. Without, all that comes by a proxy comes from one address.
    #[must_use]
    pub fn trust_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.api.proxies = Arc::new(proxies);
        self
    }

    /// The routes under `/api`, the key set at `/.well-known/jwks.json`, and the health checks.
    /// Other paths, under `/api` too, are rejected as not found, for the app's own routes to
    /// take.
    #[must_use]
    pub fn routes(&self) -> BoxedFilter<(Response,)> {
        routes::routes(&self.api)
    }

    /// Extracts who sends the request, by its access token (`Authorization: Bearer …`), whose
    /// session is alive. It never rejects, see [`Guarded`]: no content without a
    /// [`SignedIn`], and none can be had but from here.
    ///
    /// Put it before what reads the body, and limit that: the body of a request without a token
    /// is read too.
    #[must_use]
    pub fn require_user(&self) -> BoxedFilter<(Guarded,)> {
        let api = self.api.clone();
        warp::header::headers_cloned()
            .then(move |headers| {
                let api = api.clone();
                async move { authenticate(&headers, &api).await.map_err(Refusal::new) }
            })
            .boxed()
    }

    /// The accounts, for what an app does with them besides.
    #[must_use]
    pub const fn accounts(&self) -> &Arc<Accounts> {
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
