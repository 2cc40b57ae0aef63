//! The forms to log in, to sign up and to log out.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum_accounts::accounts::{Builder, Email};
use tower_service::Service as _;

use crate::app::{ADA, ORIGIN, TestApp};

const DAY: Duration = Duration::from_hours(24);
const WRONG: &str = "email=ada%40example.com&password=a+wrong+password&remember=on&next=%2Fprivate";

#[tokio::test]
async fn the_forms_have_labels_and_the_right_autocomplete_values() {
    let app = TestApp::new().await;
    let mut visitor = app.browser();
    let log_in = visitor.open("/login?next=%2Fprivate").await;
    assert_eq!((log_in.status, log_in.header("cache-control")), (200, Some("no-store")));
    for part in [
        "<form method=\"post\" action=\"/login\" novalidate>",
        "<input type=\"hidden\" name=\"next\" value=\"/private\">",
        "<label for=\"email\">Email address</label> <input id=\"email\" name=\"email\" type=\"text\" inputmode=\"email\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required",
        "<label for=\"password\">Password</label> <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required",
        "<label for=\"remember\">Keep me signed in</label>",
        "<button>Log in</button>",
        "<a href=\"/signup?next=%2Fprivate\">Sign up</a>",
    ] {
        assert!(log_in.body.contains(part), "{part}: {}", log_in.body);
    }
    assert_eq!(log_in.body.matches("autofocus").count(), 1);
    let sign_up = visitor.open("/signup").await;
    assert!(sign_up.body.contains("autocomplete=\"new-password\""), "{}", sign_up.body);
    assert!(sign_up.body.contains("<label for=\"remember\">Keep me signed in</label>"));
    assert!(!sign_up.body.contains("role=\"alert\""), "{}", sign_up.body);
}

#[tokio::test]
async fn an_error_keeps_the_email_address_and_never_the_password() {
    let app = TestApp::new().await;
    app.ada().await;
    let mut browser = app.browser();
    let wrong = browser.submit("/login", WRONG).await;
    assert_eq!(wrong.status, 401);
    assert!(browser.cookies.is_empty());
    for part in [
        "<p id=\"form-error\" role=\"alert\">The email address or the password is wrong.</p>",
        "autocomplete=\"current-password\" required aria-describedby=\"form-error\" autofocus>",
        "value=\"ada@example.com\"",
        " checked>",
        "name=\"next\" value=\"/private\"",
    ] {
        assert!(wrong.body.contains(part), "{part}: {}", wrong.body);
    }
    let short = browser.submit("/signup", "email=%22%3E%3Cscript%3E&password=sh0rt").await;
    assert_eq!(short.status, 422);
    for part in [
        "value=\"&quot;&gt;&lt;script&gt;\" aria-invalid=\"true\" aria-describedby=\"email-error\" autofocus>",
        "<p id=\"email-error\" role=\"alert\">",
        "<p id=\"password-error\" role=\"alert\">The password must be at least 8 characters long.</p>",
    ] {
        assert!(short.body.contains(part), "{part}: {}", short.body);
    }
    let taken = browser.submit("/signup", ADA).await;
    assert_eq!(taken.status, 409);
    assert!(taken.body.contains("id=\"email-error\""), "{}", taken.body);
    for response in [wrong, short, taken] {
        assert!(!response.body.contains("wrong password") && !response.body.contains("sh0rt"));
        assert!(!response.body.contains("a long walk") && !response.body.contains("<script"));
    }
}

#[tokio::test]
async fn a_log_in_leads_to_the_requested_page_if_it_is_one_of_the_app() {
    let app = TestApp::new().await;
    app.ada().await;
    let mut browser = app.browser();
    let next = format!("{ADA}&next=%2Fprivate%3Fpage%3D2");
    browser.submit("/login", &next).await.assert_redirect("/private?page=2");
    for next in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%5C%5Cevil.example",
        "%2F%09%2Fevil.example",
        "%2F%0A%2Fevil.example",
        "%0D%0A%2F%2Fevil.example",
        "javascript%3Aalert(1)",
        "evil.example",
        "%2Fa%0D%0ASet-Cookie%3A+a%3Db",
    ] {
        browser.submit("/login", &format!("{ADA}&next={next}")).await.assert_redirect("/");
        let page = app.browser().open(&format!("/login?next={next}")).await;
        assert!(!page.body.contains("name=\"next\""), "{next}: {}", page.body);
        assert!(page.body.contains("<a href=\"/signup\">"), "{next}: {}", page.body);
    }
}

#[tokio::test]
async fn the_paths_of_the_app_can_have_any_characters() {
    let app = TestApp::new().await.set(|auth| {
        auth.log_in_page("/an melden").after_log_in("/n\u{f6}tes").after_log_out("/tsch\u{fc}s")
    });
    let mut ada = app.browser();
    ada.open("/private").await.assert_redirect("/an%20melden?next=%2Fprivate");
    ada.submit("/signup", ADA).await.assert_redirect("/n%C3%B6tes");
    ada.submit("/logout", "").await.assert_redirect("/tsch%C3%BCs");
}

#[tokio::test]
async fn forms_of_other_origins_are_rejected() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let bob = "email=bob%40example.com&password=a+long+walk+along+the+sea";
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", ORIGIN), ("sec-fetch-site", "same-site")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
    ] {
        for (path, body) in
            [("/login", ADA), ("/signup", bob), ("/login/second-factor", "code=1"), ("/logout", "")]
        {
            let response = ada.send("POST", path, headers, body).await;
            assert_eq!(response.status, 403, "{path} {headers:?}");
            assert!(response.set_cookies().is_empty(), "{path} {headers:?}");
        }
    }
    assert_eq!(ada.open("/private").await.status, 200);
    assert!(app.accounts().operator().user("bob@example.com").await.is_err());
}

#[tokio::test]
async fn the_body_must_be_a_form_of_limited_size() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    let large = format!("{ADA}&x={}", "x".repeat(16 * 1024));
    assert_eq!(browser.submit("/login", &large).await.status, 413);
    let json = [("content-type", "application/json"), ("origin", ORIGIN)];
    assert_eq!(browser.send("PUT", "/login", &json, "{}").await.status, 405);
    let form = "application/x-www-form-urlencoded";
    for types in [&["application/json"][..], &["multipart/form-data; boundary=x"], &[form, form]] {
        let types = types.iter().map(|it| ("content-type", *it));
        let headers: Vec<_> = types.chain([("origin", ORIGIN)]).collect();
        let response = browser.send("POST", "/login", &headers, ADA).await;
        response.assert_page(415, "Log in");
        let expected =
            "must be sent with &quot;Content-Type: application/x-www-form-urlencoded&quot;.";
        assert!(response.body.contains(expected), "{headers:?} {}", response.body);
    }
}

#[tokio::test]
async fn the_session_cookie_lasts_only_with_remember() {
    let app = TestApp::new().await;
    app.ada().await;
    for (remember, lasts) in [("", false), ("&remember=on", true)] {
        let other = ADA.replace("ada", &format!("user{lasts}"));
        for (path, user) in [("/login", ADA), ("/signup", &other)] {
            let response = app.browser().submit(path, &format!("{user}{remember}")).await;
            let cookies = response.set_cookies();
            let session = cookies.iter().find(|it| it.contains("latchkey_refresh=")).unwrap();
            assert_eq!(session.contains("Max-Age="), lasts, "{path} {session}");
        }
    }
}

#[tokio::test]
async fn no_page_can_frame_a_form_unless_the_app_allows_it() {
    let app = TestApp::new().await;
    let mut visitor = app.browser();
    for page in [
        visitor.open("/login").await,
        visitor.open("/signup").await,
        visitor.submit("/login", WRONG).await,
    ] {
        let policy = page.header("content-security-policy");
        assert_eq!(policy, Some("frame-ancestors 'none'"));
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    }
    let own = [("content-security-policy", "default-src 'self'"), ("referrer-policy", "origin")];
    let mut router = app.auth.forms::<(), _, _>(move |page| (own, page.to_html()));
    let request = Request::builder().uri("/login").body(Body::empty()).unwrap();
    let response = router.call(request).await.unwrap();
    for (name, value) in own {
        let values: Vec<_> = response.headers().get_all(name).iter().collect();
        assert_eq!(values, [value]);
    }
}

#[tokio::test]
async fn a_log_in_replaces_the_session_of_the_browser() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let before = ada.clone();
    ada.submit("/login", ADA).await.assert_redirect("/");
    assert_eq!(ada.open("/private").await.status, 200);
    let old = before.send_without_storing("GET", "/private", &[], "").await;
    assert_eq!(old.status, 401);
    // So is the session of another user.
    ada.submit("/signup", &ADA.replace("ada%40", "bob%40")).await.assert_redirect("/");
    assert_eq!(ada.open("/private").await.body, "hello bob@example.com");
    let ended = app.accounts().operator().user("ada@example.com").await.unwrap().id;
    assert_eq!(app.accounts().operator().sign_out(ended).await.unwrap(), 0);
    // The session of another browser stays.
    let mut other = app.browser();
    other.submit("/login", ADA).await.assert_redirect("/");
    assert_eq!(ada.open("/private").await.status, 200);
}

#[tokio::test]
async fn a_log_out_ends_the_session_and_clears_the_cookie() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let before = ada.clone();
    ada.submit("/logout", "").await.assert_redirect("/");
    assert_eq!(ada.session_cookie(), None);
    assert_eq!(before.send_without_storing("GET", "/private", &[], "").await.status, 401);
    assert!(ada.cookies.contains_key("__Host-latchkey_device"), "the browser stays known");
    ada.submit("/logout", "").await.assert_redirect("/");
}

#[tokio::test]
async fn a_log_out_with_two_session_cookies_ends_both_sessions() {
    let app = TestApp::new().await;
    let first = app.ada().await;
    let mut second = app.browser();
    second.submit("/login", ADA).await.assert_redirect("/");
    let cookies = [&first, &second].map(|browser| browser.session_cookie().unwrap().as_str());
    let pairs = ["x", cookies[0], cookies[1]].map(|it| format!("__Host-latchkey_refresh={it}"));
    let cookies = pairs.join("; ");
    let headers = [("cookie", &*cookies), ("origin", ORIGIN)];
    let response = app.browser().send_without_storing("POST", "/logout", &headers, "").await;
    response.assert_redirect("/");
    for browser in [first, second] {
        let response = browser.send_without_storing("GET", "/private", &[], "").await;
        assert_eq!(response.status, 401);
    }
}

#[tokio::test]
async fn too_many_failures_are_answered_with_the_time_to_wait() {
    let app = TestApp::new().await;
    app.ada().await;
    let mut browser = app.browser();
    for _ in 0..10 {
        assert_eq!(browser.submit("/login", WRONG).await.status, 401);
    }
    let response = browser.submit("/login", WRONG).await;
    assert_eq!(response.status, 429);
    assert!(response.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert!(
        response.body.contains("<p id=\"form-error\" role=\"alert\">Too many attempts."),
        "{}",
        response.body
    );
}

#[tokio::test]
async fn with_sign_up_off_an_account_is_created_only_with_an_invitation() {
    let app = TestApp::with(Builder::without_sign_up).await;
    let mut visitor = app.browser();
    let page = visitor.open("/signup").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<label for=\"invitation\">Invitation</label>"), "{}", page.body);
    assert!(!visitor.open("/login").await.body.contains("/signup"));
    for invitation in ["", "&invitation=+"] {
        let closed = visitor.submit("/signup", &format!("{ADA}{invitation}")).await;
        assert_eq!(closed.status, 403, "{}", closed.body);
        assert!(closed.body.contains("Sign-up is turned off."), "{}", closed.body);
    }
    let ada = Email::parse("ada@example.com").unwrap();
    let link = app.accounts().operator().invite(&ada, DAY).await.unwrap().link;
    let (_, token) = link.split_once("#invitation=").unwrap();
    let grace = "email=grace%40example.com&password=a+long+walk+along+the+sea";
    let other = visitor.submit("/signup", &format!("{grace}&invitation={token}")).await;
    assert_eq!(other.status, 403, "{}", other.body);
    assert!(other.body.contains("The invitation is not valid"), "{}", other.body);
    assert!(!other.body.contains(token), "the token is not shown again");
    let sign_up = format!("{ADA}&invitation=+{token}+&next=%2Fprivate");
    visitor.submit("/signup", &sign_up).await.assert_redirect("/private");
    assert_eq!(visitor.open("/private").await.body, "hello ada@example.com");
    assert_eq!(app.browser().submit("/signup", &sign_up).await.status, 403);
}

#[tokio::test]
async fn the_form_asks_for_no_invitation_while_sign_up_is_on() {
    let app = TestApp::new().await;
    assert!(!app.browser().open("/signup").await.body.contains("invitation"));
}
