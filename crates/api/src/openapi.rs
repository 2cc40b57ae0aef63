//! The OpenAPI document, built from the list of endpoints and the types of their bodies.

use std::collections::BTreeMap;

use accounts::http::Freshness;
use api_types::{ErrorCode, Problem};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::endpoint::{Endpoint, Tag};
use crate::input::{BodyDoc, Security};

const DESCRIPTION: &str = "\
Every error under `/api` is `application/problem+json` (RFC 9457) with a stable `code`. This includes \
405 (with `Allow`) for a method that a path does not support, and 404 for an unknown path. \
Cross-origin POST, PUT and DELETE requests, as detected from `Origin` and `Sec-Fetch-Site`, are \
rejected. Every response of the server has an `X-Request-Id`.";

pub(crate) fn document(endpoints: &[Endpoint]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints {
        let method = endpoint.docs.method.as_str().to_ascii_lowercase();
        let operation = operation(endpoint, &mut schemas);
        paths.entry(endpoint.docs.path).or_default().insert(method, operation);
    }
    let tags = [Tag::Account, Tag::SecondFactor, Tag::Session, Tag::Service];
    let tags = tags.map(|tag| json!({"name": tag.name(), "description": tag.description()}));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Latchkey",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.into_definitions(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token (RFC 6750).",
                },
                "refresh": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "latchkey_refresh",
                    "description": "The cookie that is set at log-in. Over https, its name is `__Host-latchkey_refresh`.",
                },
            },
        },
    })
}

impl Tag {
    const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::SecondFactor => "second-factor",
            Self::Session => "session",
            Self::Service => "service",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Account => "The account of the caller.",
            Self::SecondFactor => "The second factors and the passkeys of the caller.",
            Self::Session => "Log in, refresh, log out, and manage sessions.",
            Self::Service => "Public information about the service.",
        }
    }
}

/// Collects the schemas of bodies. Request and response schemas differ: a member with a default is
/// optional in a request, but always present in a response.
struct Schemas {
    requests: SchemaGenerator,
    responses: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = "/components/schemas".into())
        };
        Self {
            requests: settings().for_deserialize().into_generator(),
            responses: settings().for_serialize().into_generator(),
        }
    }

    fn into_definitions(mut self) -> Map<String, Value> {
        let mut all = self.requests.take_definitions(true);
        all.extend(self.responses.take_definitions(true));
        all
    }
}

fn operation(endpoint: &Endpoint, schemas: &mut Schemas) -> Value {
    let docs = &endpoint.docs;
    let mut operation = json!({
        "operationId": docs.id,
        "tags": [docs.tag.name()],
        "summary": docs.summary,
        "security": match endpoint.security {
            // Without the email log-in cookie, the response is that to an expired code, and not a
            // 401. So the cookie is a parameter.
            Security::None | Security::EmailSignInCookie => json!([]),
            Security::Bearer => json!([{"bearer": []}]),
            Security::RefreshCookie => json!([{"refresh": []}]),
        },
        "responses": responses(endpoint, &mut schemas.responses),
    });
    let freshness = match endpoint.freshness {
        Freshness::NotRequired => "",
        Freshness::Required => "Requires a log-in within the last 10 minutes.",
        Freshness::RequiredWithSecondFactor => {
            "Requires a log-in within the last 10 minutes if the second factor is on."
        }
    };
    let description = format!("{} {freshness}", docs.description);
    if !description.trim().is_empty() {
        operation["description"] = description.trim().into();
    }
    let mut parameters: Vec<_> = docs.path.split('/').filter_map(parameter).collect();
    if endpoint.security == Security::EmailSignInCookie {
        parameters.push(email_sign_in_cookie());
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    let body = match endpoint.body {
        Some(BodyDoc::Required(schema)) => Some((true, schema)),
        Some(BodyDoc::Optional(schema)) => Some((false, schema)),
        None => None,
    };
    if let Some((is_required, schema)) = body {
        operation["requestBody"] = json!({
            "required": is_required,
            "content": {"application/json": {"schema": schema(&mut schemas.requests)}},
        });
    }
    operation
}

/// Returns the description of a path parameter, if the segment is one, such as `{id}`. All
/// parameters are ids.
fn parameter(segment: &str) -> Option<Value> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    let schema = json!({"type": "string", "format": "uuid"});
    Some(json!({"name": name, "in": "path", "required": true, "schema": schema}))
}

fn email_sign_in_cookie() -> Value {
    json!({
        "name": "latchkey_email_log_in",
        "in": "cookie",
        "required": false,
        "description": "The cookie that `POST /api/token/email` sets. Over https, its name is `__Host-latchkey_email_log_in`.",
        "schema": {"type": "string"},
    })
}

fn responses(endpoint: &Endpoint, schemas: &mut SchemaGenerator) -> BTreeMap<String, Value> {
    let mut success = json!({"description": endpoint.docs.success});
    if let Some(schema) = endpoint.schema {
        success["content"] = json!({"application/json": {"schema": schema(schemas)}});
    }
    if !endpoint.headers.is_empty() {
        success["headers"] = endpoint.headers.iter().map(|name| header(name)).collect();
    }
    let mut codes: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in &endpoint.errors {
        codes.entry(code.status()).or_default().push(*code);
    }
    let mut responses = BTreeMap::from([(endpoint.status.as_str().to_owned(), success)]);
    for (status, codes) in codes {
        responses.insert(status.to_string(), problem(status, &codes, schemas));
    }
    responses
}

/// Describes a problem that has one of these codes.
fn problem(status: u16, codes: &[ErrorCode], schemas: &mut SchemaGenerator) -> Value {
    let problem = schemas.subschema_for::<Problem>();
    let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let schema = json!({"allOf": [problem, {"properties": {"code": {"enum": names}}}]});
    let mut response = json!({
        "description": format!("`{}`", names.join("`, `")),
        "content": {"application/problem+json": {"schema": schema}},
    });
    let header_name = match status {
        401 => "WWW-Authenticate",
        429 | 503 => "Retry-After",
        _ => return response,
    };
    response["headers"] = [header(header_name)].into_iter().collect();
    response
}

/// Describes a header that the response always has.
fn header(name: &str) -> (String, Value) {
    let (description, schema) = match name {
        "Retry-After" => {
            ("The number of seconds to wait.", json!({"type": "integer", "minimum": 1}))
        }
        "WWW-Authenticate" => {
            ("`Bearer realm=\"latchkey\"` (RFC 6750, 3).", json!({"type": "string"}))
        }
        "Set-Cookie" => ("The cookies. Scripts cannot read them.", json!({"type": "string"})),
        "Content-Disposition" => ("The name of the file.", json!({"type": "string"})),
        _ => ("How long the response may be cached.", json!({"type": "string"})),
    };
    let header = json!({"description": description, "required": true, "schema": schema});
    (name.to_owned(), header)
}
