use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use accounts::http::{TrustedProxies, encode_path};
use accounts::{Accounts, Builder};
use axum::Router;
use axum::response::IntoResponse;

use crate::form_page::FormPage;
use crate::forms;
use crate::layer::AuthLayer;
use crate::rejection::Rejection;
use crate::shared::Shared;

/// Authentication for an axum app: a layer that reads sessions, and routes with the forms to log
/// in, to sign up and to log out. Cloning an `Auth` is cheap.
///
/// Serve the app with `into_make_service_with_connect_info::<SocketAddr>()`, so that failed log-ins
/// are counted by the IP address of the client. `axum::serve` has no timeouts. On the Internet, put
/// a proxy in front of it that limits the time to receive headers and bodies, and pass the IP
/// address of the proxy to [`trust_proxies`](Self::trust_proxies).
#[derive(Clone)]
pub struct Auth {
    shared: Arc<Shared>,
}

impl Auth {
    /// Returns a builder for an `Auth` and its accounts. It has the same options as
    /// [`Accounts::builder`].
    pub fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// Builds an `Auth` for existing accounts.
    #[must_use]
    pub fn new(accounts: Arc<Accounts>) -> Self {
        Self { shared: Arc::new(Shared::new(accounts)) }
    }

    /// Trusts these proxies: if a request comes from one of them, the IP address of the client is
    /// read from `X-Forwarded-For`. Without this setting, all clients behind a proxy share one IP
    /// address, by which their failed log-ins are counted.
    #[must_use]
    pub fn trust_proxies(self, proxies: TrustedProxies) -> Self {
        self.with(|shared| shared.proxies = proxies)
    }

    /// Sets the path of the log-in page, to which [`User`](crate::User) redirects. The default is
    /// `/login`, where [`forms`](Self::forms) has its form.
    ///
    /// The URL has a `next`, if there is a page to return to, and `fresh=on` if a user who is
    /// signed in must log in again. The page must then show its form: if it redirected the user to
    /// `next`, it would get the user back. Non-ASCII characters in `path` are percent-encoded.
    #[must_use]
    pub fn log_in_page(self, path: impl Into<Cow<'static, str>>) -> Self {
        self.with(|shared| shared.log_in_page = encode_path(&path.into()).into())
    }

    /// Sets the path to open after a log-in whose URL has no `next`. The default is `/`. Non-ASCII
    /// characters are percent-encoded.
    #[must_use]
    pub fn after_log_in(self, path: impl Into<Cow<'static, str>>) -> Self {
        self.with(|shared| shared.after_log_in = encode_path(&path.into()).into())
    }

    /// Sets the path to open after a log-out. The default is `/`. Non-ASCII characters are
    /// percent-encoded.
    #[must_use]
    pub fn after_log_out(self, path: impl Into<Cow<'static, str>>) -> Self {
        self.with(|shared| shared.after_log_out = encode_path(&path.into()).into())
    }

    /// Sets the error page for browsers. It is shown if a request to open a page or submit a form
    /// fails and logging in would not help, for example because the user lacks a role or the store
    /// fails. The default is a short page without styles.
    ///
    /// `Display` of the [`Rejection`] writes a text for the user. The headers of the error are
    /// added to the response. A status of 200 is replaced with that of the error; any other status,
    /// such as that of a redirect, is kept.
    ///
    /// ```
    /// # use axum::response::Html;
    /// # use axum_accounts::{Auth, escape_html};
    /// # fn app(auth: Auth) -> Auth {
    /// auth.error_page(|error| Html(format!("<h1>Sorry</h1>{}", escape_html(&error.to_string()))))
    /// # }
    /// ```
    #[must_use]
    pub fn error_page<P: IntoResponse>(
        self,
        render: impl Fn(&Rejection) -> P + Send + Sync + 'static,
    ) -> Self {
        self.with(|shared| {
            shared.error_page = Some(Arc::new(move |error| {
                render(&Rejection::new(error.clone(), None)).into_response()
            }));
        })
    }

    /// Returns the layer that [`User`](crate::User) needs. Add it after all routes that use it:
    /// `Router::new().route(…).layer(auth.layer())`.
    ///
    /// A request is authenticated once, when a handler first asks for its user. The layer adds the
    /// new session cookie to the response.
    #[must_use]
    pub fn layer(&self) -> AuthLayer {
        AuthLayer::new(Arc::clone(&self.shared))
    }

    /// Returns the routes with the forms: GET and POST of `/login`, `/login/second-factor`,
    /// `/signup` and `/logout`. With [mail](accounts::Builder::mail), they are also `/forgot`,
    /// `/reset` and `/verify`, to which mails link. They do not need the [layer](Self::layer).
    ///
    /// GET of `/latchkey-page.js` is a script for your pages: it reloads them when another tab logs in
    /// or out.
    ///
    /// `render` puts a form into the app's own layout. [`FormPage::to_html`] returns the form as
    /// HTML. The status of the response is set afterwards, and so are `Content-Security-Policy:
    /// frame-ancestors 'none'` and `Referrer-Policy: same-origin`, unless `render` sets these
    /// headers.
    ///
    /// ```
    /// # use axum::{Router, response::Html};
    /// # use axum_accounts::Auth;
    /// # fn app(auth: &Auth) -> Router {
    /// Router::new().merge(auth.forms(|page| {
    ///     Html(format!(
    ///         "<!DOCTYPE html><html lang=en><title>{0}</title><h1>{0}</h1>{1}</html>",
    ///         page.title(),
    ///         page.to_html()
    ///     ))
    /// }))
    /// # }
    /// ```
    ///
    /// A form to log out is `<form method="post" action="/logout"><button>Log out</button></form>`.
    /// Forms of other origins are rejected.
    pub fn forms<S, R, P>(&self, render: R) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
        R: Fn(&FormPage) -> P + Send + Sync + 'static,
        P: IntoResponse,
    {
        forms::routes(Arc::clone(&self.shared), move |page| render(page).into_response())
    }

    /// Returns the accounts, for everything else that an app does with them.
    #[must_use]
    pub fn accounts(&self) -> &Arc<Accounts> {
        &self.shared.accounts
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }
}

impl From<Arc<Accounts>> for Auth {
    fn from(accounts: Arc<Accounts>) -> Self {
        Self::new(accounts)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.shared.accounts.origin();
        f.debug_struct("Auth").field("origin", origin).finish_non_exhaustive()
    }
}
