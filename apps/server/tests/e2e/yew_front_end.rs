//! A front end in Yew: the example of the crate `yew-session`, which the example `files` of the
//! crate `api` serves.

use std::path::PathBuf;

use serde_json::json;

use crate::browser::in_chromium;
use crate::example::Example;
use crate::visitor::{EMAIL, PASSWORD, visit_app};

/// Responds to the next log-in as if it required a second factor, and to the next second step as if
/// its ticket had expired.
const INVALID_TICKET: &str = "void ((send) => window.fetch = (request, ...rest) => {
    const respond = (problem) =>
        Promise.resolve(new Response(JSON.stringify(problem), { status: 401 }));
    switch (new URL(request.url ?? request, location).pathname) {
        case '/api/token': return respond({ code: 'second_factor_required', ticket: 'T',
            factors: ['totp'], expires_in: 600 });
        case '/api/token/second-factor':
            window.fetch = send;
            return respond({ code: 'invalid_ticket', detail: 'Start again.' });
        default: return send(request, ...rest);
    }
})(window.fetch)";

#[tokio::test]
async fn the_example_logs_in_and_out() {
    let app = Example::start("files", &[]);
    let public = app.as_ref().join("public");
    std::fs::create_dir(&public).unwrap();
    let built = PathBuf::from(std::env::var_os("E2E_YEW").unwrap());
    for name in ["hello.js", "hello_bg.wasm"] {
        std::fs::copy(built.join(name), public.join(name)).unwrap();
    }
    let page = include_str!("../../../../crates/yew-session/examples/hello/index.html");
    std::fs::write(public.join("index.html"), page).unwrap();
    let script = include_str!("../../../../crates/yew-session/examples/hello/boot.js");
    std::fs::write(public.join("boot.js"), script).unwrap();
    let account = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    assert_eq!(app.send("POST", "/api/signup", "", &account).0, 201);

    in_chromium(visit_app(app.port, async |ada| {
        ada.open("/").await;
        let log_in = |password: &str| {
            format!(
                "void ([...document.querySelectorAll('input')].forEach((input, number) =>
                        input.value = ['{EMAIL}', '{password}'][number]),
                    document.querySelector('form button').click())"
            )
        };
        ada.until("document.querySelector('form')").await;
        ada.script(&log_in("wrong")).await;
        let alert = "document.querySelector('[role=alert]').innerText";
        ada.until(&format!("{alert}.endsWith('password is wrong.')")).await;
        ada.script(INVALID_TICKET).await;
        ada.script(&log_in(PASSWORD)).await;
        ada.until("document.querySelector('[inputmode=numeric]')").await;
        ada.script("document.querySelector('form button').click()").await;
        ada.until(&format!("{alert} === 'Start again.'")).await;
        ada.until("document.querySelector('[type=password]')").await;
        ada.script("void document.querySelector('[type=checkbox]').click()").await;
        ada.script(&log_in(PASSWORD)).await;
        let hello = format!("document.body.innerText.includes('hello {EMAIL}')");
        ada.until(&hello).await;
        assert!(ada.script("localStorage.remember").await.is_string());
        ada.opens_a_tab().await;
        ada.open("/").await;
        ada.until(&hello).await;
        ada.script("sessionStorage.setItem('draft', 'kept')").await;
        ada.script("document.querySelector('main button').click()").await;
        ada.until("document.querySelector('form')").await;
        let stored = ada.script("JSON.stringify(sessionStorage)").await;
        assert_eq!(stored, r#"{"draft":"kept"}"#, "the storage of the app does not change");
        ada.sees_nothing_private().await;
    }))
    .await;
}
