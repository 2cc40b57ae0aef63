//! Sessions in cookies.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use axum_accounts::SameSite;
use axum_accounts::accounts::{Caller, EventKind, SignIn};
use futures_util::future::join_all;

use crate::app::{ADA, ORIGIN, TestApp};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_log_in_sets_a_session_cookie_that_authenticates() {
    let app = TestApp::new().await;
    let mut ada = app.browser();
    let response = ada.submit("/signup", ADA).await;
    let cookies = response.set_cookies().join("\n");
    assert!(cookies.contains("__Host-latchkey_refresh=") && !cookies.contains("Lax"), "{cookies}");
    for cookie in response.set_cookies() {
        assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    }
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let page = ada.open("/private").await;
    assert_eq!((page.status, &*page.body), (200, "hello ada@example.com"));
    assert!(page.set_cookies().is_empty());
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.vary(), "Authorization, Cookie");
    assert_eq!(ada.open("/cached").await.header("cache-control"), Some("max-age=60, private"));
    assert_eq!(ada.open("/static").await.header("vary"), None);
}

#[tokio::test]
async fn shared_caches_store_no_response_to_a_user() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let visitor = app.browser().open("/public").await;
    assert_eq!(visitor.header("cache-control"), Some("max-age=60, public"));
    assert_eq!(visitor.vary(), "accept, cookie, Authorization");
    assert_eq!(ada.open("/public").await.header("cache-control"), Some("no-store"));
    for (value, expected) in [
        ("public", "no-store"),
        ("max-age=60&PUBLIC", "no-store"),
        ("S-MaxAge=60", "no-store"),
        ("private,%20s-maxage=60", "no-store"),
        ("max-age=60", "max-age=60, private"),
        ("max-age=60&must-revalidate", "max-age=60, must-revalidate, private"),
        ("private=x-a,%20max-age=60", "private=x-a, max-age=60, private"),
        ("must-understand,%20no-store", "must-understand, no-store, private"),
        ("no-cache", "no-cache, private"),
        ("max-age=60,%20Private", "max-age=60, Private"),
        ("max-age=60&private", "max-age=60, private"),
        ("No-Store,%20max-age=0", "No-Store, max-age=0"),
    ] {
        let page = ada.open(&format!("/cache?{value}")).await;
        let values: Vec<_> = page.headers.get_all("cache-control").iter().collect();
        assert_eq!(values, [expected], "{value}");
        let visitor = app.browser().open(&format!("/cache?{value}")).await;
        let first = value.split('&').next().unwrap().replace("%20", " ");
        assert_eq!(visitor.header("cache-control"), Some(&*first), "{value}");
    }
    let caller = Caller::default();
    let sign_in = SignIn::new("ada@example.com", "a long walk along the sea", &caller);
    let tokens = app.accounts().sign_in(sign_in).await.unwrap().into_tokens().unwrap();
    let bearer = format!("Bearer {}", tokens.access.token.as_str());
    let bearer = [("authorization", &*bearer)];
    let page = app.browser().send("GET", "/public", &bearer, "").await;
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn the_session_cookie_can_be_lax_and_is_not_secure_over_http() {
    let app = TestApp::with(|builder| {
        builder.public_url("http://localhost:3000").session_cookie(SameSite::Lax)
    })
    .await;
    let mut ada = app.browser();
    let response = ada.send("POST", "/signup", &[("origin", "http://localhost:3000")], ADA).await;
    let cookies = response.set_cookies();
    let session = cookies.iter().find(|it| it.starts_with("latchkey_refresh=")).unwrap();
    assert!(session.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{session}");
    let device = cookies.iter().find(|it| it.starts_with("latchkey_device=")).unwrap();
    assert!(device.contains("SameSite=Strict"), "{device}");
}

#[tokio::test]
async fn sixty_parallel_requests_of_an_old_cookie_keep_the_session() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    app.advance_to_rotation();
    let requests = (0..60).map(|_| ada.send_without_storing("GET", "/private", &[], ""));
    let responses = join_all(requests).await;
    assert!(responses.iter().all(|response| response.status == 200));
    let cookies: BTreeSet<_> = responses.iter().map(|it| it.set_cookies().concat()).collect();
    assert_eq!(cookies.len(), 1, "all responses set the same cookie");
    // The responses to more requests with the old cookie set the new one, too.
    app.advance(29 * SECOND);
    let old = ada.session_cookie().unwrap().clone();
    assert_eq!(ada.open("/twice").await.status, 200);
    assert_ne!(*ada.session_cookie().unwrap(), old);
    app.advance(60 * SECOND);
    let page = ada.open("/private").await;
    assert_eq!((page.status, page.set_cookies().len()), (200, 0));
}

#[tokio::test]
async fn a_stolen_cookie_that_was_replaced_ends_the_session() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let mut thief = ada.clone();
    (thief.ip, thief.agent) = (9, "curl/8.5.0");
    app.advance_to_rotation();
    assert_eq!(ada.open("/private").await.status, 200);
    app.advance(31 * SECOND);
    let page = thief.send("GET", "/private", &[], "").await;
    page.assert_problem(401, "invalid_refresh_token");
    assert_eq!(thief.session_cookie(), None, "an invalid cookie is cleared");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    ada.open("/private").await.assert_redirect("/login?next=%2Fprivate");
}

#[tokio::test]
async fn a_replaced_cookie_from_another_browser_ends_the_session_at_once() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let mut thief = ada.clone();
    thief.agent = "curl/8.5.0";
    app.advance_to_rotation();
    assert_eq!(ada.open("/private").await.status, 200);
    assert_eq!(thief.send("GET", "/private", &[], "").await.status, 401);
    assert_eq!(ada.send("GET", "/private", &[], "").await.status, 401);
}

#[tokio::test]
async fn a_replaced_cookie_from_another_network_is_recorded() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let mut thief = ada.clone();
    thief.ip = 9;
    app.advance_to_rotation();
    assert_eq!(ada.open("/private").await.status, 200);
    app.advance(29 * SECOND);
    // With the user agent of the browser, the thief gets its new cookie.
    let old = thief.clone();
    for _ in 0..3 {
        thief.cookies = old.cookies.clone();
        assert_eq!(thief.open("/private").await.status, 200);
        assert_eq!(thief.session_cookie(), ada.session_cookie());
    }
    let events = app.accounts().operator().events(None, None, 100).await.unwrap();
    let mut repeats: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
    repeats.retain(|event| event.kind == EventKind::RefreshTokenRepeated);
    let mut ips: Vec<_> = repeats.iter().map(|event| event.client.ip().unwrap()).collect();
    ips.sort();
    assert_eq!(ips, [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 9])]);
    // The session ends when both have used a token that was replaced longer ago.
    app.advance_to_rotation();
    assert_eq!(thief.open("/private").await.status, 200);
    app.advance(31 * SECOND);
    for browser in [&mut ada, &mut thief] {
        browser.open("/private").await.assert_redirect("/login?next=%2Fprivate");
    }
}

#[tokio::test]
async fn a_slow_handler_leaves_the_browser_with_a_valid_cookie() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    app.advance_to_rotation();
    let slow = ada.start_slow(&app).await;
    app.advance(31 * SECOND);
    app.slow.respond.notify_one();
    let response = slow.await.unwrap();
    assert_eq!((response.status, response.set_cookies().len()), (200, 1));
    // The browser has not received the response yet.
    app.advance(29 * SECOND);
    assert_eq!(ada.open("/private").await.status, 200);
    assert!(response.set_cookies()[0].contains(ada.session_cookie().unwrap()));
}

#[tokio::test]
async fn a_request_during_a_slow_one_replaces_the_cookie_once() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    app.advance_to_rotation();
    let slow = ada.start_slow(&app).await;
    app.advance(31 * SECOND);
    let page = ada.open("/private").await;
    assert_eq!((page.status, page.set_cookies().len()), (200, 1));
    app.advance(31 * SECOND);
    app.slow.respond.notify_one();
    let response = slow.await.unwrap();
    assert_eq!((response.status, response.set_cookies().len()), (200, 0));
    assert_eq!(ada.open("/private").await.status, 200);
}

#[tokio::test]
async fn a_cancelled_request_leaves_the_browser_with_a_valid_cookie() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    app.advance_to_rotation();
    let slow = ada.start_slow(&app).await;
    slow.abort();
    assert!(slow.await.is_err_and(|error| error.is_cancelled()));
    app.advance(31 * SECOND);
    assert_eq!(ada.open("/private").await.status, 200);
}

#[tokio::test]
async fn a_late_response_brings_no_cookie_of_an_ended_session_back() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    app.advance_to_rotation();
    let slow = ada.start_slow(&app).await;
    let mut copy = ada.clone();
    copy.submit("/logout", "").await.assert_redirect("/");
    app.slow.respond.notify_one();
    let response = slow.await.unwrap();
    assert_eq!((response.status, response.set_cookies().len()), (200, 0));
    // The same for a request with a cookie that was replaced a moment ago.
    ada.submit("/login", ADA).await.assert_redirect("/");
    app.advance_to_rotation();
    let old = ada.clone();
    assert_eq!(ada.open("/private").await.status, 200);
    let slow = old.start_slow(&app).await;
    ada.submit("/logout", "").await.assert_redirect("/");
    app.slow.respond.notify_one();
    let response = slow.await.unwrap();
    assert_eq!((response.status, response.set_cookies().len()), (200, 0));
}

#[tokio::test]
async fn a_request_of_a_script_does_not_delete_the_cookie_of_a_new_log_in() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    // Another tab logs in again, which ends the session.
    let old = ada.clone();
    ada.submit("/login", ADA).await.assert_redirect("/");
    let send = async |path: &str, mode: &str| {
        old.send_without_storing("GET", path, &[("sec-fetch-mode", mode)], "").await
    };
    for mode in ["cors", "same-origin", "no-cors", "websocket"] {
        for (path, status) in [("/private", 401), ("/", 200)] {
            let response = send(path, mode).await;
            assert_eq!(response.status, status, "{mode} {path}");
            assert_eq!(response.set_cookies(), [""; 0], "{mode} {path}");
        }
    }
    for path in ["/private", "/"] {
        let page = send(path, "navigate").await;
        assert!(page.set_cookies()[0].contains("Max-Age=0"), "{path}");
    }
    assert_eq!(ada.open("/private").await.status, 200);
}

#[tokio::test]
async fn a_session_that_ended_elsewhere_is_signed_out_with_the_next_request() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let mut other = app.browser();
    other.submit("/login", ADA).await.assert_redirect("/");
    assert_eq!(other.open("/private").await.status, 200);
    let user = app.accounts().operator().user("ada@example.com").await.unwrap().id;
    app.accounts().operator().sign_out(user).await.unwrap();
    for browser in [&mut ada, &mut other] {
        browser.open("/private").await.assert_redirect("/login?next=%2Fprivate");
        assert_eq!(browser.session_cookie(), None);
        assert_eq!(browser.open("/").await.body, "a visitor");
    }
}

#[tokio::test]
async fn a_failing_store_is_a_503_and_keeps_the_cookie() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let cookie = ada.session_cookie().unwrap().clone();
    app.break_store();
    for path in ["/", "/private"] {
        let response = ada.open(path).await;
        response.assert_page(503, "Service Unavailable");
        assert!(response.header("retry-after").is_some() && response.set_cookies().is_empty());
        ada.send("GET", path, &[], "").await.assert_problem(503, "unavailable");
    }
    assert_eq!(ada.submit("/logout", "").await.status, 503);
    assert_eq!(ada.session_cookie(), Some(&cookie));
    assert_eq!(ada.open("/static").await.status, 200);
    let form = ada.submit("/login", ADA).await;
    assert_eq!(form.status, 503);
    assert!(form.body.contains("role=\"alert\"") && form.header("retry-after").is_some());
}

#[tokio::test]
async fn a_request_that_may_change_something_must_come_from_a_page_of_the_app() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "https://evil.app.example")],
        &[("origin", "null")],
        &[("origin", ORIGIN), ("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site")],
    ] {
        for method in ["POST", "DELETE", "PUT", "TRACE", "QUERY"] {
            for path in ["/private", "/"] {
                let response = ada.send(method, path, headers, "").await;
                assert!(matches!(response.status, 403 | 405), "{method} {path} {headers:?}");
                assert!(!response.body.contains("ada@example.com"));
            }
        }
        for method in ["POST", "TRACE", "QUERY"] {
            ada.send(method, "/any", headers, "").await.assert_problem(403, "forbidden_origin");
            // Browsers send no cookie with the form of another site.
            let response = app.browser().send(method, "/", headers, "").await;
            assert!(matches!(response.status, 403 | 405), "{method} {headers:?}");
        }
        // Another origin does not see more than a visitor. A link has no origin.
        let (status, home) = if headers[0].0 == "origin" && headers[0].1 != ORIGIN {
            (401, "a visitor")
        } else {
            (200, "ada@example.com")
        };
        for method in ["GET", "OPTIONS"] {
            let response = ada.send(method, "/private", headers, "").await;
            assert_eq!(response.status, status, "{method} {headers:?}");
        }
        let response = ada.send("GET", "/", headers, "").await;
        assert_eq!((&*response.body, response.set_cookies().len()), (home, 0), "{headers:?}");
    }
    for headers in [
        &[("origin", ORIGIN), ("sec-fetch-site", "same-origin")][..],
        // A page with `Referrer-Policy: no-referrer`.
        &[("origin", "null"), ("sec-fetch-site", "same-origin")],
        // A program.
        &[],
    ] {
        let response = ada.send("POST", "/private", headers, "").await;
        assert_eq!(response.body, "by ada@example.com", "{headers:?}");
    }
}

#[tokio::test]
async fn the_handshake_of_a_web_socket_must_come_from_a_page_of_the_app() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    for other in [
        &[("upgrade", "websocket"), ("origin", "https://evil.example")][..],
        &[("upgrade", "websocket"), ("sec-fetch-site", "same-site")],
    ] {
        ada.send("GET", "/any", other, "").await.assert_problem(403, "forbidden_origin");
    }
    for own in [&[("upgrade", "websocket"), ("origin", ORIGIN)][..], &[("upgrade", "websocket")]] {
        assert_eq!(ada.send("GET", "/any", own, "").await.body, "by ada@example.com");
    }
}

#[tokio::test]
async fn a_cookie_that_occurs_twice_is_not_used() {
    let app = TestApp::new().await;
    let ada = app.ada().await;
    let cookie = format!("__Host-latchkey_refresh={}", ada.session_cookie().unwrap());
    let twice = format!("{cookie}; {cookie}");
    let visitor = app.browser();
    let send = async |cookie: &str| {
        visitor.send_without_storing("GET", "/private", &[("cookie", cookie)], "").await
    };
    assert_eq!(send(&cookie).await.status, 200);
    send(&twice).await.assert_problem(401, "invalid_refresh_token");
    send("__Host-latchkey_refresh=x").await.assert_problem(401, "invalid_refresh_token");
    send("other=x").await.assert_problem(401, "missing_token");
}
