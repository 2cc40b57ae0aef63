//! Compares every response in these tests with the OpenAPI document, and checks that every
//! documented response occurs.

mod responses;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex};

use http_body_util::BodyExt as _;
use jsonschema::Validator;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::reply::Response;

use crate::test_app::{EMAIL, PASSWORD, TestApp};

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
