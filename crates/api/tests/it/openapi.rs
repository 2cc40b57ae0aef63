//! Compares every response in these tests with the OpenAPI document, and checks that every
//! documented response occurs.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use accounts::MailMode;
use api::Origin;
use http_body_util::BodyExt as _;
use jsonschema::Validator;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::reply::Response;
use warp::test::RequestBuilder;

use crate::test_app::{COOKIE, EMAIL, PASSWORD, TestApp, json_request, post, refresh};
use crate::test_factors::{
    CREATION_OPTIONS, PASSKEYS, Passkey, RECOVERY_CODES, SECOND_FACTOR, SECOND_STEP, TOTP,
};

/// The documented responses that have occurred.
pub(crate) type Documented = Arc<Mutex<BTreeSet<String>>>;

fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(api::openapi);
    &DOCUMENT
}

/// Compares every response of these routes with the document, and adds it to `documented`.
pub(crate) fn compared(
    routes: BoxedFilter<(Response,)>,
    documented: &Documented,
) -> BoxedFilter<(Response,)> {
    let documented = Arc::clone(documented);
    let compare = move |method: Method, path: FullPath, response: Response| {
        let documented = Arc::clone(&documented);
        async move {
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let status = parts.status.as_u16();
            let found = compare(&method, path.as_str(), status, &parts.headers, &body);
            documented.lock().unwrap().extend(found);
            Response::from_parts(parts, body.into())
        }
    };
    warp::method().and(warp::path::full()).and(routes).then(compare).boxed()
}

/// Returns the name of the documented response, or `None` if the document has no such path or
/// method.
#[track_caller]
fn compare(
    method: &Method,
    path: &str,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<String> {
    let response = format!("{method} {path} {status}");
    let media_type = headers.get("content-type").map_or("", |value| value.to_str().unwrap());
    let Some(path) = template(path) else {
        assert_eq!((status, media_type), (404, "application/problem+json"), "{response}");
        return None;
    };
    let lowercase_method = method.as_str().to_ascii_lowercase();
    let Some(operation) = document()["paths"][&path].get(&lowercase_method) else {
        let is_head = method == Method::HEAD && !path.starts_with("/api/");
        assert!(is_head || status == 405 && headers.contains_key("allow"), "{response}");
        return None;
    };
    let status = status.to_string();
    let described = &operation["responses"][&status];
    assert!(described.is_object(), "{response} is not in the document");
    for header in described["headers"].as_object().into_iter().flat_map(|it| it.keys()) {
        assert!(headers.contains_key(header.as_str()), "{response} has no {header}");
    }
    let Some(content) = described["content"].as_object() else {
        assert!(body.is_empty() && media_type.is_empty(), "{response} has a body");
        return Some(name(method.as_str(), &path, &status, &Value::Null));
    };
    assert!(content.contains_key(media_type), "{response} is {media_type}");
    let body: Value = serde_json::from_slice(body).unwrap();
    let validator = validator(&content[media_type]["schema"]);
    let errors: Vec<_> = validator.iter_errors(&body).map(|it| it.to_string()).collect();
    assert!(errors.is_empty(), "{response}: {errors:?}");
    Some(name(method.as_str(), &path, &status, &body["code"]))
}

/// Returns the documented path that `path` matches, such as `/api/sessions/{id}`.
fn template(path: &str) -> Option<String> {
    let is_same = |template: &str| {
        let (one, other) = (template.split('/'), path.split('/'));
        one.clone().count() == other.clone().count()
            && one
                .zip(other)
                .all(|(one, other)| one == other || one.starts_with('{') && is_id(other))
    };
    let paths = document()["paths"].as_object().unwrap().keys();
    paths.into_iter().find(|template| is_same(template)).cloned()
}

fn is_id(text: &str) -> bool {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    decoded.parse::<auth_core::SessionId>().is_ok()
}

/// Returns a validator that also rejects properties that are not in the schema.
fn validator(schema: &Value) -> Validator {
    let mut components = document()["components"].clone();
    for schema in components["schemas"].as_object_mut().unwrap().values_mut() {
        if schema.get("properties").is_some() {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
    let schema = json!({"allOf": [schema], "components": components});
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

#[test]
fn the_documented_request_bodies_are_the_accepted_ones() {
    let body = |path: &str, method: &str| {
        let operation = &document()["paths"][path][method];
        validator(&operation["requestBody"]["content"]["application/json"]["schema"])
    };
    let sign_in = json!({"email": EMAIL, "password": PASSWORD});
    for (path, method, accepted) in [
        ("/api/signup", "post", sign_in.clone()),
        ("/api/token", "post", sign_in.clone()),
        ("/api/token", "post", json!({"email": "", "password": "", "remember": true})),
        ("/api/logout", "post", json!({})),
        ("/api/me", "delete", json!({"password": PASSWORD})),
        ("/api/me/password", "put", json!({"current_password": "a", "new_password": "b"})),
        ("/api/me/email/verification", "post", json!({})),
        ("/api/me/email/verification", "put", json!({"code": "a"})),
        ("/api/me/email", "post", sign_in),
        ("/api/me/email", "put", json!({"code": "a"})),
        ("/api/password-reset", "post", json!({"email": EMAIL})),
        ("/api/password-reset", "put", json!({"token": "a", "new_password": "b"})),
        ("/api/token/email", "post", json!({"email": "", "remember": true})),
        ("/api/token/email", "put", json!({"code": "a"})),
        ("/api/token/second-factor", "post", json!({"ticket": "a", "code": "b"})),
        ("/api/token/second-factor", "post", json!({"ticket": "a", "recovery_code": "b"})),
        ("/api/token/second-factor", "post", json!({"ticket": "a", "credential": {"b": 1}})),
        ("/api/token/passkey/options", "post", json!({})),
        ("/api/token/passkey/options", "post", json!({"ticket": "a"})),
        ("/api/token/passkey", "post", json!({"credential": {}, "remember": true})),
        ("/api/me/totp", "post", json!({})),
        ("/api/me/totp", "put", json!({"code": "a"})),
        ("/api/me/second-factor", "put", json!({})),
        ("/api/me/second-factor", "delete", json!({})),
        ("/api/me/recovery-codes", "post", json!({})),
        ("/api/me/passkeys/options", "post", json!({})),
        ("/api/me/passkeys", "post", json!({"name": "a", "credential": {}})),
        ("/api/me/passkeys/{id}", "put", json!({"name": "a"})),
    ] {
        assert!(body(path, method).is_valid(&accepted), "{method} {path} {accepted}");
        for rejected in [json!([]), json!(null), json!({"more": 1})] {
            assert!(!body(path, method).is_valid(&rejected), "{method} {path} {rejected}");
        }
    }
    let second_step = body("/api/token/second-factor", "post");
    for rejected in [
        json!({"ticket": "a"}),
        json!({"ticket": "a", "code": null}),
        json!({"ticket": "a", "code": "b", "recovery_code": "c"}),
    ] {
        assert!(!second_step.is_valid(&rejected), "{rejected}");
    }
    assert!(!body("/api/signup", "post").is_valid(&json!({"email": EMAIL})));
    assert!(!body("/api/signup", "post").is_valid(&json!({"email": 1, "password": "b"})));
}

/// Excludes 500 and 503, which require a defect, an overload or an unavailable store.
#[tokio::test]
async fn every_documented_response_occurs() {
    let app = TestApp::with_email_sign_in().await;
    for path in ["/api/openapi.json", "/.well-known/jwks.json", "/healthz", "/readyz"] {
        app.send(warp::test::request().path(path)).await;
    }
    send_invalid_requests(&app).await;
    send_without_a_token(&app).await;
    app.advance(Duration::from_hours(1));
    use_an_account(&app).await;
    use_mail(&app).await;
    exceed_the_limits(&app).await;
    let without_sign_up = TestApp::without_sign_up().await;
    without_sign_up.sign_up().await;
    let with_factors = TestApp::new().await;
    send_invalid_requests(&with_factors).await;
    with_factors.advance(Duration::from_hours(1));
    use_second_factors(&with_factors).await;
    let with_mail = TestApp::with_email_sign_in().await;
    use_mail_with_a_second_factor(&with_mail).await;
    let without_passkeys = TestApp::with_origin(Origin::parse("https://192.0.2.1").unwrap()).await;
    use_a_foreign_passkey(&without_passkeys).await;
    let restricted = TestApp::requiring_second_factors(MailMode::On).await;
    for (method, path) in operations(requires_token) {
        restricted.user().await.send(json_request(&method, &path).body("")).await;
    }
    for (method, path) in operations(|operation| operation.get("requestBody").is_some()) {
        without_sign_up.send(json_request(&method, &path).body("{}")).await;
        without_passkeys.send(json_request(&method, &path).body("{}")).await;
    }
    let apps = [&app, &without_sign_up, &with_factors, &with_mail, &without_passkeys, &restricted];
    let occurred: BTreeSet<_> = apps.iter().flat_map(|app| app.documented().clone()).collect();
    let is_expected = |name: &String| !name.contains(" 500 ") && !name.contains(" 503 ");
    let expected: BTreeSet<_> = documented_responses().into_iter().filter(is_expected).collect();
    assert_eq!(occurred, expected);
}

const EMAIL_COOKIE: &str = "__Host-latchkey_email_log_in";
const UNKNOWN_ID: &str = "018c0000-0000-7000-8000-000000000000";

/// Returns the method and the path of each documented operation that `is_wanted` selects.
pub(crate) fn operations(is_wanted: impl Fn(&Value) -> bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, operations) in document()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if is_wanted(operation) {
                found.push((method.to_uppercase(), path.replace("{id}", UNKNOWN_ID)));
            }
        }
    }
    assert!(found.len() >= 5, "{found:?}");
    found
}

pub(crate) fn requires_token(operation: &Value) -> bool {
    operation["security"] == json!([{"bearer": []}])
}

/// Returns the method and the path of each documented operation that has a response with this code.
pub(crate) fn operations_with_code(code: &str) -> Vec<(String, String)> {
    let code = json!(code);
    operations(|operation| {
        let mut responses = operation["responses"].as_object().unwrap().values();
        responses.any(|response| codes(response).contains(&code))
    })
}

/// Returns the codes of the problems of a documented response.
fn codes(response: &Value) -> Vec<Value> {
    let problem = &response["content"]["application/problem+json"];
    let codes = &problem["schema"]["allOf"][1]["properties"]["code"]["enum"];
    codes.as_array().cloned().unwrap_or_default()
}

/// Sends invalid bodies, content types and origins to every endpoint that accepts a body.
async fn send_invalid_requests(app: &TestApp) {
    for (method, path) in &operations(|operation| operation.get("requestBody").is_some()) {
        let ada = app.user().await;
        let request = |body: &str| {
            let cookie = format!("{COOKIE}={}", ada.cookie);
            json_request(method, path).header("cookie", cookie).body(body)
        };
        ada.send(request("[")).await;
        ada.send(request("{\"more\": 1}")).await;
        ada.send(request("{}").header("origin", "https://evil.example")).await;
        ada.send(request(&"x".repeat(16_385))).await;
        ada.send(warp::test::request().method(method).path(path).body("{}")).await;
    }
}

/// Sends requests without a valid token to every endpoint that requires one.
async fn send_without_a_token(app: &TestApp) {
    for (method, path) in &operations(requires_token) {
        let request = || json_request(method, path);
        app.send(request().body("x".repeat(16_385))).await;
        app.send(request().body("{}")).await;
        app.send(request().body("{}").header("authorization", "Bearer nonsense")).await;
    }
}

async fn use_an_account(app: &TestApp) {
    let sign_up = |email: &str, password: &str| json!({"email": email, "password": password});
    app.post("/api/signup", sign_up("b@example.com", PASSWORD)).await;
    app.post("/api/signup", sign_up(EMAIL, PASSWORD)).await;
    app.post("/api/signup", sign_up("b", "short")).await;
    app.send(refresh("nonsense").body("{}")).await;
    let mut ada = app.sign_in().await;
    ada.refresh().await;
    for (method, path) in operations(requires_token) {
        if method == "GET" {
            ada.get(&path).await;
        }
    }
    ada.delete("/api/sessions").await;
    ada.delete(&format!("/api/sessions/{UNKNOWN_ID}")).await;
    let sessions = ada.get("/api/sessions").await.body;
    let own = sessions["sessions"][0]["id"].as_str().unwrap();
    ada.delete(&format!("/api/sessions/{own}")).await;
    app.sign_in().await.sign_out().await;
    let ada = app.sign_in().await;
    ada.send(change("wrong")).await;
    ada.send(change(PASSWORD)).await;
    ada.send(delete("wrong")).await;
}

async fn use_mail(app: &TestApp) {
    const VERIFICATION: &str = "/api/me/email/verification";
    const CHANGE: &str = "/api/me/email";
    const RESET: &str = "/api/password-reset";
    const LOG_IN: &str = "/api/token/email";
    let (first, taken, second) = ("1@example.net", "2@example.net", "3@example.net");
    let change_to = |email: &str| json!({"email": email, "password": PASSWORD});
    let code = |code: &str| json!({"code": code});

    let user = app.user_with_email(first).await;
    user.put(VERIFICATION, code("x")).await;
    user.put(VERIFICATION, code(&secret_for(app, first, "verify_email").await)).await;
    user.post(VERIFICATION, json!({})).await;
    user.post(CHANGE, change_to("x")).await;
    user.post(CHANGE, change_to(taken)).await;
    let secret = secret_for(app, taken, "change_email").await;
    app.sign_up_as(taken).await;
    user.put(CHANGE, code("x")).await;
    user.put(CHANGE, code(&secret)).await;
    user.post(CHANGE, change_to(second)).await;
    user.put(CHANGE, code(&secret_for(app, second, "change_email").await)).await;
    for _ in 0..4 {
        user.post(CHANGE, change_to(first)).await;
    }
    let unverified = app.sign_in_as(taken, PASSWORD, false).await;
    for _ in 0..6 {
        unverified.post(VERIFICATION, json!({})).await;
    }

    let requested = app.post(LOG_IN, json!({"email": second})).await;
    app.put(LOG_IN, code("x")).await;
    let cookie = format!("{EMAIL_COOKIE}={}", requested.cookie_named(EMAIL_COOKIE));
    let body = code(&secret_for(app, second, "sign_in").await).to_string();
    app.send(json_request("PUT", LOG_IN).header("cookie", cookie).body(body)).await;
    app.post(LOG_IN, json!({"email": "x"})).await;
    app.post(RESET, json!({"email": "x"})).await;
    app.post(RESET, json!({"email": second})).await;
    let token = secret_for(app, second, "reset_password").await;
    for token in ["x", &token] {
        app.put(RESET, json!({"token": token, "new_password": NEW})).await;
    }
    for _ in 0..5 {
        app.post(RESET, json!({"email": second})).await;
    }
    app.post(LOG_IN, json!({"email": second})).await;
}

/// Sends the mails that are due, and returns the code or the token in the one of this kind to
/// this email address.
async fn secret_for(app: &TestApp, email: &str, kind: &str) -> String {
    let mails = app.mails().await;
    let found = mails.iter().find(|mail| mail.to == email && mail.kind == kind);
    found.unwrap().secret.clone()
}

async fn use_second_factors(app: &TestApp) {
    let grace = app.user_with_email("grace@example.com").await;
    let ada = app.user().await;
    grace.put(TOTP, json!({"code": "123456"})).await;
    grace.put(SECOND_FACTOR, json!({})).await;
    grace.delete(SECOND_FACTOR).await;
    grace.post(RECOVERY_CODES, json!({})).await;
    let (passkey, added) = ada.add_passkey("laptop").await;
    let path = format!("{PASSKEYS}/{}", added.body["id"].as_str().unwrap());
    let taken = passkey.create_again(&grace.post(CREATION_OPTIONS, json!({})).await);
    grace.post(PASSKEYS, json!({"name": "", "credential": {}})).await;
    grace.post(PASSKEYS, json!({"name": "phone", "credential": taken})).await;
    for id in [path.as_str(), &format!("{PASSKEYS}/{UNKNOWN_ID}")] {
        ada.put(id, json!({"name": "old laptop"})).await;
    }
    ada.put(&path, json!({"name": ""})).await;
    ada.put(SECOND_FACTOR, json!({})).await;
    ada.delete(&path).await;
    ada.delete(&format!("{PASSKEYS}/{UNKNOWN_ID}")).await;
    let (totp, _) = ada.set_up_app().await;
    ada.post(RECOVERY_CODES, json!({})).await;
    app.post(SECOND_STEP, json!({"ticket": "x", "code": "x"})).await;
    app.options_for("x").await;
    let ticket = app.ticket().await;
    for _ in 0..11 {
        app.post(SECOND_STEP, json!({"ticket": ticket, "code": totp.wrong_code(app)})).await;
    }
    let credential = passkey.get(&app.options_for(&ticket).await);
    app.post(SECOND_STEP, json!({"ticket": ticket, "credential": credential})).await;
    app.log_in_with_passkey(&json!({})).await;
    let credential = passkey.get(&app.options().await);
    for _ in 0..2 {
        app.log_in_with_passkey(&credential).await;
    }
    ada.delete(&path).await;
    for n in 0..21 {
        let (_, credential) = Passkey::create(&grace.post(CREATION_OPTIONS, json!({})).await);
        let body = json!({"name": format!("passkey {n}"), "credential": credential});
        grace.post(PASSKEYS, body).await;
    }
    exceed_the_limits_on_factors(app).await;
    ada.post(TOTP, json!({})).await;
    for _ in 0..11 {
        ada.put(TOTP, json!({"code": "000000"})).await;
    }
}

async fn exceed_the_limits_on_factors(app: &TestApp) {
    let user = app.user_with_email("alan@example.com").await;
    let (passkey, _) = user.add_passkey("laptop").await;
    for _ in 0..101 {
        app.log_in_with_passkey(&passkey.get(&app.options().await)).await;
    }
    for _ in 0..61 {
        user.post(RECOVERY_CODES, json!({})).await;
    }
    let (_, credential) = Passkey::create(&user.post(CREATION_OPTIONS, json!({})).await);
    user.post(PASSKEYS, json!({"name": "phone", "credential": credential})).await;
    user.delete(&format!("{PASSKEYS}/{UNKNOWN_ID}")).await;
    user.post(TOTP, json!({})).await;
    user.put(SECOND_FACTOR, json!({})).await;
    user.delete(SECOND_FACTOR).await;
}

async fn use_mail_with_a_second_factor(app: &TestApp) {
    const LOG_IN: &str = "/api/token/email";
    let mut user = app.user().await;
    let code = app.secret("verify_email").await;
    user.put("/api/me/email/verification", json!({"code": code})).await;
    user.set_up_app().await;
    app.mails().await;
    let requested = app.post(LOG_IN, json!({"email": EMAIL})).await;
    let cookie = format!("{EMAIL_COOKIE}={}", requested.cookie_named(EMAIL_COOKIE));
    let body = json!({"code": app.secret("sign_in").await}).to_string();
    app.send(json_request("PUT", LOG_IN).header("cookie", cookie).body(body)).await;
    for _ in 0..3 {
        app.advance(Duration::from_mins(4));
        user.refresh().await;
    }
    for (method, path) in operations_with_code("step_up_required") {
        user.send(json_request(&method, &path).body("{}")).await;
    }
    for (method, path) in operations_with_code("email_unverified") {
        let unverified = app.user_with_email("grace@example.com").await;
        unverified.send(json_request(&method, &path).body("{}")).await;
    }
}

/// Sends a passkey to an app without passkeys.
async fn use_a_foreign_passkey(app: &TestApp) {
    app.user().await.set_up_app().await;
    let elsewhere = TestApp::new().await;
    let (passkey, _) = elsewhere.user().await.add_passkey("laptop").await;
    let credential = passkey.get(&elsewhere.options().await);
    let body = json!({"ticket": app.ticket().await, "credential": credential});
    app.post(SECOND_STEP, body).await;
}

async fn exceed_the_limits(app: &TestApp) {
    let ada = app.sign_in_as(EMAIL, NEW, false).await;
    for _ in 0..11 {
        app.post("/api/token", json!({"email": EMAIL, "password": "wrong"})).await;
    }
    ada.send(change("wrong")).await;
    ada.send(delete("wrong")).await;
    app.advance(Duration::from_mins(20));
    app.sign_in_as(EMAIL, NEW, false).await.send(delete(NEW)).await;
    for number in 0..21 {
        let body = json!({"email": format!("{number}@example.com"), "password": PASSWORD});
        let request = post("/api/signup").remote_addr(([192, 0, 2, 1], 1).into());
        app.send(request.body(body.to_string())).await;
    }
}

const NEW: &str = "a swim in the river";

fn change(current: &str) -> RequestBuilder {
    let body = json!({"current_password": current, "new_password": NEW});
    json_request("PUT", "/api/me/password").body(body.to_string())
}

fn delete(password: &str) -> RequestBuilder {
    json_request("DELETE", "/api/me").body(json!({"password": password}).to_string())
}

/// Returns the method, the path, the status and the error code of each response in the document.
fn documented_responses() -> Vec<String> {
    let mut names = Vec::new();
    for (path, operations) in document()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let codes = codes(response);
                let success = [json!("")];
                for code in if codes.is_empty() { &success[..] } else { &codes } {
                    names.push(name(method, path, status, code));
                }
            }
        }
    }
    names
}

fn name(method: &str, path: &str, status: &str, code: &Value) -> String {
    let code = code.as_str().unwrap_or_default();
    format!("{} {path} {status} {code}", method.to_uppercase())
}

#[tokio::test]
async fn the_openapi_document_is_served_as_json() {
    let app = TestApp::new().await;
    let response = app.send(warp::test::request().path("/api/openapi.json")).await;
    assert_eq!(
        (response.status.as_u16(), response.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(&response.body, document());
}
