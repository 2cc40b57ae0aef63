//! Front ends at other origins than the service (`Auth::allow_origin`).

use std::net::TcpListener;

use api::{Auth, Origin};
use serde_json::{Value, json};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::browser::{Browser, in_chromium};
use crate::visitor::{EMAIL, PASSWORD};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn serve(port: u16, routes: BoxedFilter<(Response,)>) {
    tokio::spawn(warp::serve(routes).run(([127, 0, 0, 1], port)));
}

/// Serves an empty page, and returns its origin.
fn front_end() -> String {
    let port = free_port();
    serve(port, warp::any().map(|| warp::Reply::into_response(warp::reply::html(""))).boxed());
    format!("http://localhost:{port}")
}

/// Sends a request from the open page. Returns the status and the body of the response, or the
/// name of the exception.
async fn fetch(browser: &Browser, url: &str, body: &Value) -> Value {
    let options = json!({
        "method": "POST",
        "credentials": "include",
        "headers": {"content-type": "application/json"},
        "body": body.to_string(),
    });
    let script = "return fetch(arguments[0], arguments[1])
        .then(async response => [response.status, await response.json()])
        .catch(error => error.name)";
    browser.client.execute(script, vec![json!(url), options]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_at_an_allowed_origin_logs_in_and_another_one_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let (port, allowed, other) = (free_port(), front_end(), front_end());
    let service = format!("http://localhost:{port}");
    let builder = Auth::builder().sqlite(folder.path().join("app.db")).public_url(&*service);
    let auth = builder.build().await.unwrap();
    serve(port, auth.allow_origin(Origin::parse(&allowed).unwrap()).routes());

    let browser = in_chromium(Browser::start()).await;
    let account = json!({"email": EMAIL, "password": PASSWORD});
    browser.client.goto(&other).await.unwrap();
    let rejected = fetch(&browser, &format!("{service}/api/signup"), &account).await;
    assert_eq!(rejected, "TypeError");
    browser.client.goto(&allowed).await.unwrap();
    let created = fetch(&browser, &format!("{service}/api/signup"), &account).await;
    assert_eq!(created[0], 201, "the other origin has not created the account: {created}");
    let wrong = json!({"email": EMAIL, "password": "a wrong password"});
    let wrong = fetch(&browser, &format!("{service}/api/token"), &wrong).await;
    assert_eq!((&wrong[0], &wrong[1]["code"]), (&json!(401), &json!("invalid_credentials")));
    let tokens = fetch(&browser, &format!("{service}/api/token"), &account).await;
    assert_eq!(tokens[0], 200, "{tokens}");
    // The browser has kept the refresh cookie of the service, and sends it back.
    let refreshed = fetch(&browser, &format!("{service}/api/token/refresh"), &json!({})).await;
    assert_eq!(refreshed[0], 200, "{refreshed}");
    let script = "return fetch(arguments[0], {headers: {authorization: arguments[1]}})
        .then(async response => (await response.json()).email)";
    let bearer = format!("Bearer {}", refreshed[1]["access_token"].as_str().unwrap());
    let me = vec![json!(format!("{service}/api/me")), json!(bearer)];
    assert_eq!(browser.client.execute(script, me).await.unwrap(), EMAIL);
    browser.client.goto(&other).await.unwrap();
    let rejected = fetch(&browser, &format!("{service}/api/token/refresh"), &json!({})).await;
    assert_eq!(rejected, "TypeError");
    browser.close().await;
}
