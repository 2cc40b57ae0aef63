//! The responses to rejected requests in a browser: redirects and error pages.

use std::time::Duration;

use axum::response::{Html, IntoResponse as _, Redirect};
use axum_accounts::accounts::Builder;
use axum_accounts::{Auth, escape_html};

use crate::app::{ADA, ORIGIN, TestApp};

#[tokio::test]
async fn a_form_that_is_sent_after_the_session_has_ended_leads_to_the_log_in_page_and_back() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let page = format!("{ORIGIN}/private?page=2");
    assert_eq!(ada.navigate("/private", &page).await.body, "by ada@example.com");
    ada.clone().submit("/logout", "").await.assert_redirect("/");
    let sent = ada.navigate("/private", &page).await;
    sent.assert_redirect("/login?next=%2Fprivate%3Fpage%3D2");
    assert!(ada.cookies.keys().all(|name| !name.contains("refresh")), "the cookie is cleared");
    ada.navigate("/private", &page).await.assert_redirect("/login?next=%2Fprivate%3Fpage%3D2");
    for referer in ["", "https://evil.example/", "https://app.example//evil.example"] {
        ada.navigate("/private", referer).await.assert_redirect("/login");
    }
    // The form of `Option<User>` is handled as before.
    assert_eq!(ada.navigate("/", &page).await.body, "a visitor");
}

#[tokio::test]
async fn a_form_of_another_origin_is_rejected_with_or_without_a_session() {
    let app = TestApp::new().await;
    for mut browser in [app.ada().await, app.browser()] {
        let headers = [
            ("accept", "text/html"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
            ("referer", "https://app.example/private"),
        ];
        let response = browser.send("POST", "/private", &headers, "").await;
        response.assert_page(403, "Forbidden");
        assert!(
            response.body.contains("Only pages at https://app.example can"),
            "{}",
            response.body
        );
    }
}

#[tokio::test]
async fn a_browser_gets_an_error_as_a_page() {
    let app = TestApp::with(Builder::require_second_factor).await;
    let mut ada = app.ada().await;
    let page = ada.open("/private").await;
    page.assert_page(403, "Forbidden");
    assert!(page.body.contains("<p>This service requires two-step log-in."), "{}", page.body);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy");
    assert_eq!(policy, Some("default-src 'none'; frame-ancestors 'none'"));
    app.break_store();
    app.advance(Duration::from_mins(1));
    let page = ada.open("/private").await;
    page.assert_page(503, "Service Unavailable");
    assert!(page.header("retry-after").is_some());
}

#[tokio::test]
async fn an_app_can_render_errors_itself() {
    let app = TestApp::new().await.set(|auth: Auth| {
        auth.error_page(|error| match error.code() {
            "email_unverified" => Redirect::to("/verify").into_response(),
            code => Html(format!("{code}: {}", escape_html(&error.to_string()))).into_response(),
        })
    });
    let mut ada = app.ada().await;
    ada.open("/verified").await.assert_redirect("/verify");
    let page = ada.open("/admin").await;
    assert_eq!((page.status, page.header("content-type")), (403, Some("text/html; charset=utf-8")));
    assert!(page.body.starts_with("role_required: This requires the role admin."), "{}", page.body);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("content-security-policy"), Some("frame-ancestors 'none'"));
    // Programs still get a problem, and a log-in is still asked for.
    ada.send("GET", "/admin", &[], "").await.assert_problem(403, "role_required");
    app.browser().open("/admin").await.assert_redirect("/login?next=%2Fadmin");
    app.break_store();
    let page = ada.open("/private").await;
    assert_eq!((page.status, page.header("retry-after")), (503, Some("5")));
    assert!(page.body.starts_with("unavailable: "), "{}", page.body);
}

#[tokio::test]
async fn a_signed_in_user_is_redirected_from_the_log_in_page() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    for path in ["/login", "/signup"] {
        ada.open(path).await.assert_redirect("/");
        ada.open(&format!("{path}?next=%2Fprivate")).await.assert_redirect("/private");
        ada.open(&format!("{path}?next=%2F%2Fevil.example")).await.assert_redirect("/");
        assert_eq!(app.browser().open(path).await.status, 200);
    }
    // A recent log-in is required, so the form is shown.
    app.advance(Duration::from_mins(11));
    ada.open("/fresh").await.assert_redirect("/login?next=%2Ffresh&fresh=on");
    assert_eq!(ada.open("/login?next=%2Ffresh&fresh=on").await.status, 200);
    ada.submit("/login", &format!("{ADA}&next=%2Ffresh")).await.assert_redirect("/fresh");
    assert_eq!(ada.open("/fresh").await.body, "fresh");
    // While the store fails, nobody is signed out.
    app.break_store();
    assert_eq!(ada.open("/login").await.status, 200);
    assert!(ada.session_cookie().is_some());
}

#[tokio::test]
async fn the_log_in_page_replaces_an_old_session_cookie_and_clears_an_invalid_one() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let before = ada.session_cookie().cloned();
    app.advance_to_rotation();
    ada.open("/login").await.assert_redirect("/");
    assert!(ada.session_cookie().is_some() && ada.session_cookie() != before.as_ref());
    ada.clone().submit("/logout", "").await.assert_redirect("/");
    assert_eq!(ada.open("/login").await.status, 200);
    assert_eq!(ada.session_cookie(), None);
}

#[tokio::test]
async fn a_link_to_the_log_out_does_not_log_out() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    let page = ada.open("/logout").await;
    page.assert_page(200, "Log out");
    let form =
        "<form method=\"post\" action=\"/logout\" novalidate>\n<p><button>Log out</button></p>";
    assert!(page.body.contains(form), "{}", page.body);
    assert_eq!(ada.open("/private").await.status, 200);
    // If the log-out fails, the button is shown again.
    let evil = [("origin", "https://evil.example")];
    let failed = ada.send("POST", "/logout", &evil, "").await;
    failed.assert_page(403, "Log out");
    assert!(
        failed.body.contains("<p id=\"form-error\" role=\"alert\">Only pages at"),
        "{}",
        failed.body
    );
    app.break_store();
    ada.submit("/logout", "").await.assert_page(503, "Log out");
    assert!(ada.session_cookie().is_some());
}
