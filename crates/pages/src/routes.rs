//! Serves the web app: one HTML page for all its routes, and its assets.

use std::sync::Arc;

use api_types::PAGES;
use bytes::Bytes;
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::filters::path::FullPath;
use warp::http::header::CONTENT_TYPE;
use warp::http::{HeaderMap, Method};
use warp::reply::Response;

use crate::encoding::accepts_html;
use crate::files::Files;
use crate::respond::{asset, depends_on_accept, page, see_other};
use crate::security_headers::security_headers;
use crate::settings::Settings;
use crate::template::Filling;

/// The path that leads password managers to the page on which users change their password (W3C, "A
/// Well-Known URL for Changing Passwords").
const CHANGE_PASSWORD: &str = "/.well-known/change-password";

/// Returns the routes of the pages and assets. They match every path, so they must come last.
pub(crate) fn routes(files: &'static dyn Files, settings: Settings) -> BoxedFilter<(Response,)> {
    let filling = settings.filling();
    let server = Arc::new(Server { files, settings, filling, headers: security_headers() });
    warp::method()
        .and(warp::path::full())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::header::headers_cloned())
        .map(move |method: Method, path: FullPath, query: String, headers: HeaderMap| {
            let mut response = server.respond(&method, path.as_str(), &query, &headers);
            let own = std::mem::replace(response.headers_mut(), server.headers.clone());
            response.headers_mut().extend(own);
            response
        })
        .boxed()
}

/// The files and settings that the responses depend on.
struct Server {
    files: &'static dyn Files,
    settings: Settings,
    filling: Filling,
    /// The headers of every response.
    headers: HeaderMap,
}

impl Server {
    fn respond(&self, method: &Method, path: &str, query: &str, headers: &HeaderMap) -> Response {
        if path == CHANGE_PASSWORD {
            return change_password(method);
        }
        let is_route = self.is_route(path);
        if method == Method::POST && is_route && is_form(headers) {
            return see_other(path, query);
        }
        match (method, self.asset(path)) {
            (&Method::GET | &Method::HEAD, Some(file)) => asset(self.files, path, file, headers),
            (&Method::GET | &Method::HEAD, None) => {
                let response = match accepts_html(headers) {
                    true => page(self.files.page(), &self.filling, headers, is_route),
                    false => api::not_found(),
                };
                depends_on_accept(response)
            }
            (_, file) if is_route || file.is_some() => api::method_not_allowed("GET, HEAD"),
            _ => api::not_found(),
        }
    }

    /// Returns the content of the asset at this path.
    fn asset(&self, path: &str) -> Option<Bytes> {
        let own = self.settings.own_file(path).map(|file| file.content.clone());
        own.or_else(|| self.files.asset(path))
    }

    /// Returns whether there is a page at this path. The router of the web app ignores a trailing
    /// slash, and so does the server.
    fn is_route(&self, path: &str) -> bool {
        let route = path.strip_suffix('/').filter(|route| !route.is_empty()).unwrap_or(path);
        PAGES.iter().any(|page| page.path == route && self.settings.has(page.availability))
    }
}

fn change_password(method: &Method) -> Response {
    match *method {
        Method::GET | Method::HEAD => see_other("/settings", ""),
        _ => api::method_not_allowed("GET, HEAD"),
    }
}

/// Returns whether a browser has submitted a form (HTML, 4.10.21.3). The pages send their forms
/// with scripts, but an extension can submit a form itself.
fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
        .iter()
        .any(|form| essence.eq_ignore_ascii_case(form))
}

#[cfg(test)]
mod tests {

    use accounts::MailMode;
    use auth_core::PasswordPolicy;
    use rust_embed::{EmbeddedFile, Metadata};
    use warp::http::Response;

    use super::*;
    use crate::own_file::OwnFile;

    /// An app with a page and two assets, one of which is also compressed.
    struct Sample;

    const SAMPLE: [(&str, &str); 5] = [
        ("index.html", "<p>{{password_min_length}} {{sign_up}} {{mail}} {{email_log_in}}</p>"),
        ("assets/0123456789abcdef/app.js", "plain"),
        ("assets/0123456789abcdef/app.js.br", "brotli"),
        ("assets/0123456789abcdef/app.js.gz", "gzip"),
        ("assets/0123456789abcdef/app.css", "css"),
    ];

    impl Files for Sample {
        fn get(&self, name: &str) -> Option<EmbeddedFile> {
            let (_, data) = SAMPLE.iter().find(|(known, _)| *known == name)?;
            let metadata = Metadata::__rust_embed_new([7; 32], None, None);
            Some(EmbeddedFile { data: data.as_bytes().into(), metadata })
        }
    }

    fn sample() -> BoxedFilter<(warp::reply::Response,)> {
        routes(&Sample, without_mail())
    }

    fn without_mail() -> Settings {
        Settings {
            password_policy: PasswordPolicy::new(12).unwrap(),
            sign_up: false,
            mail: MailMode::Off,
            email_sign_in: false,
            name: "Latchkey".to_owned(),
            logo: None,
            stylesheet: None,
            after_log_in: None,
        }
    }

    fn with_app() -> Settings {
        Settings { after_log_in: Some("/notes".to_owned()), ..without_mail() }
    }

    async fn get(path: &str, header: (&str, &str)) -> Response<Bytes> {
        let request = warp::test::request().path(path).header(header.0, header.1);
        request.reply(&sample()).await
    }

    #[tokio::test]
    async fn every_route_serves_the_page_with_the_settings_filled_in() {
        let pages = PAGES.iter().filter(|page| without_mail().has(page.availability));
        for path in pages.map(|page| page.path).chain(["/login/"]) {
            let answer = get(path, ("accept", "text/html")).await;
            assert_eq!(
                (answer.status().as_u16(), &answer.body()[..]),
                (200, &b"<p>12 off off off</p>"[..])
            );
            assert_eq!(answer.headers()["cache-control"], "no-cache");
            assert_eq!(answer.headers()["vary"], "Accept, Accept-Encoding");
        }
    }

    #[tokio::test]
    async fn a_page_is_a_route_only_if_it_is_available() {
        let with_mail = || Settings { mail: MailMode::On, ..without_mail() };
        let with_email_sign_in = Settings { email_sign_in: true, ..with_mail() };
        for (settings, missing) in [
            (without_mail(), &["/forgot", "/reset", "/verify", "/login/email"][..]),
            (with_mail(), &["/login/email"]),
            (with_email_sign_in, &[]),
            (with_app(), &["/", "/private", "/forgot", "/reset", "/verify", "/login/email"]),
        ] {
            let routes = routes(&Sample, settings);
            let mut not_found = Vec::new();
            for page in PAGES {
                let request = warp::test::request().path(page.path).header("accept", "text/html");
                match request.reply(&routes).await.status().as_u16() {
                    200 => {}
                    404 => not_found.push(page.path),
                    status => unreachable!("{}: {status}", page.path),
                }
            }
            assert_eq!(not_found, missing);
        }
    }

    #[tokio::test]
    async fn any_other_path_serves_the_page_with_status_404() {
        for path in ["/nothing", "/login/x", "/assets/gone.js", "/settings/x"] {
            let answer = get(path, ("accept", "*/*")).await;
            assert_eq!(
                (answer.status().as_u16(), &answer.body()[..]),
                (404, &b"<p>12 off off off</p>"[..])
            );
            assert!(!answer.headers().contains_key("etag"));
            assert_eq!(answer.headers()["cache-control"], "no-store");
            assert_eq!(answer.headers()["vary"], "Accept, Accept-Encoding");
        }
    }

    /// A shared cache must not send this response to a browser.
    #[tokio::test]
    async fn a_client_that_does_not_accept_html_gets_an_error_that_caches_do_not_store() {
        for path in ["/login", "/nothing", "/assets/gone.js"] {
            let answer = get(path, ("accept", "application/json")).await;
            assert_eq!(answer.status(), 404, "{path}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            assert_eq!(answer.headers()["cache-control"], "no-store");
            assert_eq!(answer.headers()["vary"], "Accept, Accept-Encoding");
        }
    }

    async fn post(path: &str, content_type: &str) -> Response<Bytes> {
        let request = warp::test::request().method("POST").path(path);
        request.header("content-type", content_type).body("password=x").reply(&sample()).await
    }

    #[tokio::test]
    async fn a_submitted_form_leads_back_to_its_page() {
        for path in ["/login", "/login/", "/", "/signup?next=/private", "/settings?a=%0d%0ab"] {
            for content_type in [
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "Text/Plain;charset=utf-8",
            ] {
                let answer = post(path, content_type).await;
                assert_eq!((answer.status().as_u16(), answer.body().len()), (303, 0), "{path}");
                assert_eq!(answer.headers()["location"], path);
                assert_eq!(answer.headers()["cache-control"], "no-store");
            }
        }
        let json = post("/login", "application/json").await;
        assert_eq!(
            (json.status().as_u16(), &json.headers()["allow"]),
            (405, &"GET, HEAD".parse().unwrap())
        );
        for path in ["//evil.example/login", "/nothing", "/login/x"] {
            let answer = post(path, "application/x-www-form-urlencoded").await;
            assert_eq!(answer.status(), 404, "{path}");
        }
    }

    #[tokio::test]
    async fn a_page_with_a_known_etag_is_not_sent_again() {
        let etag = get("/", ("accept", "*/*")).await.headers()["etag"].clone();
        let etag = etag.to_str().unwrap();
        for known in [etag, &format!("W/{etag}"), &format!("\"x\", {etag}"), "*"] {
            let answer = get("/login", ("if-none-match", known)).await;
            assert_eq!((answer.status().as_u16(), answer.body().len()), (304, 0), "{known}");
            assert_eq!(answer.headers()["etag"], etag);
            assert_eq!(answer.headers()["vary"], "Accept, Accept-Encoding");
        }
        assert_eq!(get("/", ("if-none-match", "\"x\"")).await.status(), 200);
    }

    #[tokio::test]
    async fn the_etag_depends_on_the_settings() {
        let mut etags = Vec::new();
        let password_policy = PasswordPolicy::new(13).unwrap();
        for settings in [
            without_mail(),
            Settings { password_policy, ..without_mail() },
            Settings { sign_up: true, ..without_mail() },
            Settings { mail: MailMode::On, ..without_mail() },
            Settings { email_sign_in: true, ..without_mail() },
            Settings { name: "Notes".to_owned(), ..without_mail() },
            Settings { logo: Some(OwnFile::new("logo.svg", "<svg>")), ..without_mail() },
            Settings { stylesheet: Some(OwnFile::new("accent.css", "a{}")), ..without_mail() },
            with_app(),
        ] {
            let routes = routes(&Sample, settings);
            let answer = warp::test::request().path("/login").reply(&routes).await;
            let etag = answer.headers()["etag"].clone();
            assert!(!etags.contains(&etag), "{etag:?}");
            etags.push(etag);
        }
    }

    #[tokio::test]
    async fn an_asset_is_sent_in_the_smallest_accepted_encoding_and_is_immutable() {
        let path = "/assets/0123456789abcdef/app.js";
        for (accepted, encoding, body) in [
            ("gzip, br", Some("br"), "brotli"),
            ("gzip, br;q=0", Some("gzip"), "gzip"),
            ("identity", None, "plain"),
        ] {
            let answer = get(path, ("accept-encoding", accepted)).await;
            let headers = answer.headers();
            let found = headers.get("content-encoding").map(|value| value.to_str().unwrap());
            assert_eq!((found, &answer.body()[..]), (encoding, body.as_bytes()), "{accepted}");
            assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(headers["vary"], "Accept-Encoding");
            assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
        }
    }

    #[tokio::test]
    async fn an_asset_without_compressed_files_is_sent_uncompressed() {
        let answer = get("/assets/0123456789abcdef/app.css", ("accept-encoding", "br")).await;
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (200, &b"css"[..]));
        assert!(!answer.headers().contains_key("content-encoding"));
    }

    #[tokio::test]
    async fn a_file_of_the_app_is_an_immutable_asset() {
        let logo = OwnFile::new("logo.svg", "<svg>");
        let path = logo.path.clone();
        let routes = routes(&Sample, Settings { logo: Some(logo), ..without_mail() });
        let answer = warp::test::request().path(&path).reply(&routes).await;
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (200, &b"<svg>"[..]));
        assert_eq!(answer.headers()["content-type"], "image/svg+xml; charset=utf-8");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
        let posted = warp::test::request().method("POST").path(&path).reply(&routes).await;
        assert_eq!(posted.status(), 405);
        assert_eq!(warp::test::request().path(&path).reply(&sample()).await.status(), 404);
    }

    #[tokio::test]
    async fn every_response_has_the_security_headers() {
        for path in ["/login", "/nothing", "/assets/0123456789abcdef/app.js", CHANGE_PASSWORD] {
            for method in ["GET", "POST"] {
                let request = warp::test::request().method(method).path(path);
                let answer = request.reply(&sample()).await;
                for (name, value) in &security_headers() {
                    let values: Vec<_> = answer.headers().get_all(name).iter().collect();
                    assert_eq!(values, [value], "{method} {path}: {name}");
                }
            }
        }
    }

    #[tokio::test]
    async fn pages_that_are_not_built_say_how_to_build_them() {
        struct Nothing;
        impl Files for Nothing {
            fn get(&self, _: &str) -> Option<EmbeddedFile> {
                None
            }
        }
        let answer = warp::test::request().reply(&routes(&Nothing, without_mail())).await;
        assert_eq!(answer.status(), 503);
        let text = str::from_utf8(answer.body()).unwrap();
        assert!(text.contains("cargo xtask pages"), "{text}");
    }
}
