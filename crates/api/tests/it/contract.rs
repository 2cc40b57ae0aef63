//! Compares whatever is answered in these tests with the OpenAPI document, and the document with
//! what is answered.

use std::collections::BTreeSet;

use http_body_util::BodyExt as _;
use jsonschema::Validator;
use serde_json::{Value, json};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::reply::Response;

use crate::world::{Anonymous, EMAIL, PASSWORD, json_request, post, refresh};

/// The same routes, of which every answer is compared with the document.
pub(crate) fn compared(routes: BoxedFilter<(Response,)>) -> BoxedFilter<(Response,)> {
    let compare = async |method: Method, path: FullPath, response: Response| {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let status = parts.status.as_u16();
        compare(&method, path.as_str(), status, &parts.headers, &body);
        Response::from_parts(parts, body.into())
    };
    warp::method().and(warp::path::full()).and(routes).then(compare).boxed()
}

#[track_caller]
fn compare(method: &Method, path: &str, status: u16, headers: &HeaderMap, body: &[u8]) {
    let answer = format!("{method} {path} {status}");
    let media_type = headers.get("content-type").map_or("", |value| value.to_str().unwrap());
    let Some(path) = template(path) else {
        assert_eq!((status, media_type), (404, "application/problem+json"), "{answer}");
        return;
    };
    let name = method.as_str().to_ascii_lowercase();
    let Some(operation) = api::openapi()["paths"][&path].get(&name) else {
        let is_head = name == "head" && !path.starts_with("/api/");
        assert!(is_head || status == 405 && headers.contains_key("allow"), "{answer}");
        return;
    };
    let described = &operation["responses"][status.to_string()];
    assert!(described.is_object(), "{answer} is not in the document");
    for header in described["headers"].as_object().into_iter().flat_map(|it| it.keys()) {
        assert!(headers.contains_key(header.as_str()), "{answer} has no {header}");
    }
    match described["content"].as_object() {
        None => assert!(body.is_empty() && media_type.is_empty(), "{answer} has a body"),
        Some(content) => {
            let schema =
                content.get(media_type).unwrap_or_else(|| unreachable!("{answer}: {media_type}"));
            let body: Value = serde_json::from_slice(body).unwrap();
            let validator = validator(&schema["schema"]);
            let errors: Vec<_> = validator.iter_errors(&body).map(|it| it.to_string()).collect();
            assert!(errors.is_empty(), "{answer}: {errors:?}");
        }
    }
}

/// The path of the document that a path is one of.
fn template(path: &str) -> Option<String> {
    let is_same = |template: &str| {
        let (one, other) = (template.split('/'), path.split('/'));
        one.clone().count() == other.clone().count()
            && one
                .zip(other)
                .all(|(one, other)| one == other || one.starts_with('{') && is_id(other))
    };
    let paths = api::openapi()["paths"].as_object().unwrap().keys();
    paths.into_iter().find(|template| is_same(template)).cloned()
}

fn is_id(text: &str) -> bool {
    text.parse::<auth_core::SessionId>().is_ok()
}

/// Takes nothing that the document does not name.
fn validator(schema: &Value) -> Validator {
    let mut components = api::openapi()["components"].clone();
    for schema in components["schemas"].as_object_mut().unwrap().values_mut() {
        if schema.get("properties").is_some() {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
    let schema = json!({"allOf": [schema], "components": components});
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

#[test]
fn what_is_sent_is_described_as_it_is_taken() {
    let document = api::openapi();
    let body = |path: &str, method: &str| {
        let operation = &document["paths"][path][method];
        validator(&operation["requestBody"]["content"]["application/json"]["schema"])
    };
    let log_in = json!({"email": EMAIL, "password": PASSWORD});
    for (path, method, taken) in [
        ("/api/signup", "post", log_in.clone()),
        ("/api/token", "post", log_in.clone()),
        ("/api/token", "post", json!({"email": "", "password": "", "remember": true})),
        ("/api/logout", "post", json!({})),
        ("/api/me", "delete", json!({"password": PASSWORD})),
        ("/api/me/password", "put", json!({"current_password": "a", "new_password": "b"})),
    ] {
        assert!(body(path, method).is_valid(&taken), "{method} {path} {taken}");
        for refused in [json!([]), json!(null), json!({"more": 1})] {
            assert!(!body(path, method).is_valid(&refused), "{method} {path} {refused}");
        }
    }
    assert!(!body("/api/signup", "post").is_valid(&json!({"email": EMAIL})));
    assert!(!body("/api/signup", "post").is_valid(&json!({"email": 1, "password": "b"})));
}

/// Whatever the document lists is there, but for what only a defect or a store that is gone
/// brings about.
#[tokio::test]
async fn every_answer_of_the_document_can_be_had() {
    let mut met = BTreeSet::new();
    let mut note = |operation: &str, answer: u16| {
        met.insert(format!("{operation} {answer}"));
    };
    let world = Anonymous::new().await;
    let body = |body: &Value| body.to_string();
    let (sign_up, large) = (json!({"email": EMAIL, "password": PASSWORD}), "x".repeat(16_385));
    let foreign = "https://evil.example";
    for (method, path) in [
        ("POST", "/api/signup"),
        ("POST", "/api/token"),
        ("POST", "/api/token/refresh"),
        ("POST", "/api/logout"),
        ("DELETE", "/api/me"),
        ("PUT", "/api/me/password"),
        ("DELETE", "/api/sessions"),
        ("DELETE", "/api/sessions/{id}"),
    ] {
        let ada = world.signed_in().await;
        let at = path.replace("{id}", "018c0000-0000-7000-8000-000000000000");
        let request = |body: &str| {
            let cookie = format!("{}={}", crate::world::COOKIE, ada.cookie);
            json_request(method, &at).header("cookie", cookie).body(body)
        };
        let plain = warp::test::request().method(method).path(&at).body("{}");
        for request in [
            request("["),
            request("{\"more\": 1}"),
            request("{}").header("origin", foreign),
            request(&large),
            plain,
        ] {
            note(&format!("{method} {path}"), ada.send(request).await.status.as_u16());
        }
    }
    for (method, path) in [
        ("GET", "/api/me"),
        ("GET", "/api/me/export"),
        ("GET", "/api/me/activity"),
        ("GET", "/api/sessions"),
        ("POST", "/api/logout"),
        ("DELETE", "/api/me"),
        ("PUT", "/api/me/password"),
        ("DELETE", "/api/sessions"),
        ("DELETE", "/api/sessions/{id}"),
    ] {
        let at = path.replace("{id}", "018c0000-0000-7000-8000-000000000000");
        let large = json_request(method, &at).body(&large);
        note(&format!("{method} {path}"), world.send(large).await.status.as_u16());
        let nobody = json_request(method, &at).body("{}");
        note(&format!("{method} {path}"), world.send(nobody).await.status.as_u16());
    }
    let again = world.post("/api/signup", sign_up.clone()).await;
    note("POST /api/signup", again.status.as_u16());
    let made = json!({"email": "b@example.com", "password": PASSWORD});
    note("POST /api/signup", world.post("/api/signup", made).await.status.as_u16());
    let short = json!({"email": "b", "password": "short"});
    note("POST /api/signup", world.post("/api/signup", short).await.status.as_u16());
    for path in ["/api/openapi.json", "/.well-known/jwks.json", "/healthz", "/readyz"] {
        let answer = world.send(warp::test::request().path(path)).await;
        note(&format!("GET {path}"), answer.status.as_u16());
    }
    let mut ada = world.signed_in().await;
    for path in ["/api/me", "/api/me/export", "/api/me/activity", "/api/sessions"] {
        note(&format!("GET {path}"), ada.get(path).await.status.as_u16());
    }
    note("POST /api/token/refresh", ada.refresh().await.status.as_u16());
    note("POST /api/token/refresh", world.send(refresh("none").body("{}")).await.status.as_u16());
    note("DELETE /api/sessions", ada.delete("/api/sessions").await.status.as_u16());
    let absent = "/api/sessions/018c0000-0000-7000-8000-000000000000";
    note("DELETE /api/sessions/{id}", ada.delete(absent).await.status.as_u16());
    let sessions = ada.get("/api/sessions").await.body;
    let own = format!("/api/sessions/{}", sessions["sessions"][0]["id"].as_str().unwrap());
    note("DELETE /api/sessions/{id}", ada.delete(&own).await.status.as_u16());
    let ada = world.log_in().await;
    note("POST /api/logout", ada.log_out().await.status.as_u16());
    let ada = world.log_in().await;
    let change = |current: &str| {
        let change = json!({"current_password": current, "new_password": "a swim in the river"});
        json_request("PUT", "/api/me/password").body(body(&change))
    };
    note("PUT /api/me/password", ada.send(change("wrong")).await.status.as_u16());
    note("PUT /api/me/password", ada.send(change(PASSWORD)).await.status.as_u16());
    let delete = |password: &str| {
        json_request("DELETE", "/api/me").body(body(&json!({"password": password})))
    };
    let wrong = json!({"email": EMAIL, "password": "wrong"});
    note("POST /api/token", world.post("/api/token", wrong.clone()).await.status.as_u16());
    note("DELETE /api/me", ada.send(delete("wrong")).await.status.as_u16());
    for _ in 0..10 {
        world.post("/api/token", wrong.clone()).await;
    }
    note("POST /api/token", world.post("/api/token", wrong).await.status.as_u16());
    note("DELETE /api/me", ada.send(delete("wrong")).await.status.as_u16());
    note("PUT /api/me/password", ada.send(change("wrong")).await.status.as_u16());
    world.pass(std::time::Duration::from_mins(20));
    let signed_in = world.log_in_as(EMAIL, "a swim in the river", false).await;
    note("POST /api/token", 200);
    note("DELETE /api/me", signed_in.send(delete("a swim in the river")).await.status.as_u16());
    for number in 0..21 {
        let made = json!({"email": format!("{number}@example.com"), "password": PASSWORD});
        let request = post("/api/signup").remote_addr(([192, 0, 2, 1], 1).into());
        note("POST /api/signup", world.send(request.body(body(&made))).await.status.as_u16());
    }

    let listed: BTreeSet<_> = listed().into_iter().filter(|it| !it.contains(" 50")).collect();
    assert_eq!(met, listed);
}

/// `METHOD path status` of all that the document lists.
fn listed() -> Vec<String> {
    let paths = api::openapi()["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        operations.map(move |(method, it)| (format!("{} {path}", method.to_uppercase()), it))
    });
    operations
        .flat_map(|(name, operation)| {
            let statuses = operation["responses"].as_object().unwrap().keys();
            statuses.map(move |status| format!("{name} {status}"))
        })
        .collect()
}

#[test]
fn the_document_is_this() {
    insta::assert_json_snapshot!(api::openapi());
}

#[tokio::test]
async fn the_document_is_served_as_json() {
    let world = Anonymous::new().await;
    let answer = world.send(warp::test::request().path("/api/openapi.json")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(&answer.body, api::openapi());
}
