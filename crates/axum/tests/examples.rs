//! Runs the examples and checks what they do.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[expect(dead_code, reason = "each test needs some parts of it")]
#[path = "../../accounts/tests/support/example.rs"]
mod example;

use std::fs;
use std::time::Duration;

use example::Example;

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
const PAGE: &str = "accept: text/html\r\n";

#[test]
fn the_notes_app_shows_each_user_their_own_notes() {
    let app = Example::start("notes", &[]);
    let home = app.exchange("GET", "/", PAGE, "");
    assert_eq!(home.status, 200);
    assert!(home.body.contains("/login"), "{}", home.body);
    assert!(home.body.contains("src=/latchkey-page.js"), "{}", home.body);
    let script = app.exchange("GET", "/latchkey-page.js", "", "");
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert!(script.status == 200 && script.body.contains("location.reload()"), "{}", script.body);
    let notes = app.exchange("GET", "/notes", PAGE, "");
    assert_eq!((notes.status, notes.header("location")), (303, Some("/login?next=%2Fnotes")));
    assert_eq!(app.exchange("POST", "/notes", FORM, "note=x").status, 401);
    let sent = app.exchange("POST", "/notes", &(FORM.to_owned() + PAGE), "note=x");
    assert_eq!((sent.status, sent.header("location")), (303, Some("/login")));

    let ada = "email=ada%40example.com&password=a+long+walk+along+the+sea";
    let short = app.exchange("POST", "/signup", FORM, "email=%3Cada&password=short");
    assert_eq!(short.status, 422);
    assert!(short.body.contains("value=\"&lt;ada\""), "{}", short.body);
    let signed_up = app.exchange("POST", "/signup", FORM, ada);
    assert_eq!((signed_up.status, signed_up.header("location")), (303, Some("/notes")));
    let cookie = signed_up.header("set-cookie").unwrap();
    assert!(cookie.starts_with("latchkey_refresh=") && cookie.contains("SameSite=Lax"), "{cookie}");
    let session = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());

    let added = app.exchange("POST", "/notes", &(FORM.to_owned() + &session), "note=%3Cb%3Esea");
    assert_eq!((added.status, added.header("location")), (303, Some("/notes")));
    let notes = app.exchange("GET", "/notes", &session, "");
    assert!(notes.body.contains("<li>&lt;b&gt;sea</li>"), "{}", notes.body);
    assert_eq!(notes.header("cache-control"), Some("no-store"));
    let evil = format!("{FORM}{session}origin: https://evil.example\r\n");
    assert_eq!(app.exchange("POST", "/notes", &evil, "note=evil").status, 403);
    let page = app.exchange("POST", "/notes", &(evil + PAGE), "note=evil");
    assert_eq!(page.status, 403);
    assert!(page.body.contains("<h1>Sorry</h1><p>Only pages at"), "{}", page.body);

    let out = app.exchange("POST", "/logout", &(FORM.to_owned() + &session), "");
    assert_eq!((out.status, out.header("location")), (303, Some("/")));
    assert_eq!(app.exchange("GET", "/notes", &session, "").status, 401);

    let bob = app.exchange("POST", "/signup", FORM, &ada.replace("ada", "bob"));
    let cookie = bob.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let notes = app.exchange("GET", "/notes", &format!("cookie: {cookie}\r\n"), "");
    assert!(notes.status == 200 && !notes.body.contains("<li>"), "{}", notes.body);
}

#[test]
fn a_user_of_the_notes_app_resets_the_password_with_the_code_from_a_mail() {
    let app = Example::start("notes", &[]);
    let ada = "email=ada%40example.com&password=a+long+walk+along+the+sea";
    assert_eq!(app.exchange("POST", "/signup", FORM, ada).status, 303);
    let sent = app.exchange("POST", "/forgot", FORM, "email=ada%40example.com");
    assert_eq!((sent.status, sent.header("location")), (303, Some("/reset?notice=code-sent")));
    let code = wait_for_reset_code(&app).unwrap();
    let reset = format!("code={code}&password=a+short+swim+in+the+river");
    assert_eq!(app.exchange("POST", "/reset", FORM, &reset).status, 303);
    assert_eq!(app.exchange("POST", "/login", FORM, ada).status, 401);
    let new = "email=ada%40example.com&password=a+short+swim+in+the+river";
    assert_eq!(app.exchange("POST", "/login", FORM, new).status, 303);
}

/// Waits up to a minute until the mail with the code is in the folder `mail`. Returns the code.
fn wait_for_reset_code(app: &Example) -> Option<String> {
    for _ in 0..1_200 {
        for mail in fs::read_dir(app.as_ref().join("mail")).unwrap() {
            // Another mail may be renamed now.
            let mail = fs::read_to_string(mail.unwrap().path()).unwrap_or_default();
            if let Some((_, after)) = mail.split_once("/reset\r\n\r\n") {
                return after.lines().next().map(str::to_owned);
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

#[test]
fn the_app_ends_when_it_is_stopped() {
    let app = Example::start("axum_shutdown", &[]);
    assert_eq!(app.exchange("GET", "/login", PAGE, "").status, 200);
    assert!(app.terminate());
}
