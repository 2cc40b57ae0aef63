//! The route of the form to log out, for pages that are rendered on the server.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use accounts::http::{ClientAddress, client_ip, error_page, log_out};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE};
use warp::reply::Response;

use crate::context::Api;
use crate::guard::{Site, see_other};

/// The settings of the route.
#[derive(Clone)]
pub(crate) struct LogOutForm {
    pub(crate) api: Arc<Api>,
    pub(crate) site: Arc<Site>,
    /// The path to open after the log-out.
    pub(crate) next: Cow<'static, str>,
}

/// Returns the route: POST of `/logout`.
pub(crate) fn route(form: LogOutForm) -> BoxedFilter<(Response,)> {
    warp::path!("logout")
        .and(warp::post())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional())
        .and(warp::addr::remote())
        .then(move |headers: HeaderMap, address, peer| {
            let form = form.clone();
            async move { form.respond(&headers, address, peer).await }
        })
        .boxed()
}

impl LogOutForm {
    async fn respond(
        &self,
        headers: &HeaderMap,
        address: Option<ClientAddress>,
        peer: Option<SocketAddr>,
    ) -> Response {
        let ip = client_ip(address, peer, headers, &self.site.proxies);
        let cleared = match log_out(&self.api.accounts, &self.api.cookies, headers, ip).await {
            Ok(cleared) => cleared,
            // Only browsers send the form.
            Err(error) => return error_page(error).map(Into::into),
        };
        let mut response = see_other(&self.next);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for cookie in cleared {
            headers.append(SET_COOKIE, cookie.into_value());
        }
        response
    }
}
