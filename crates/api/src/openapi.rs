//! The OpenAPI document: made of the types that are answered, and of a table of operations.

mod operations;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use api_types::{ErrorCode, Problem};
use bytes::Bytes;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use operations::{Body, OPERATIONS, Operation, Security, Success};

/// What the API takes and answers, as OpenAPI 3.1 has it: the answer to `GET /api/openapi.json`.
///
/// ```
/// let document = api::openapi();
/// assert_eq!(document["openapi"], "3.1.0");
/// assert!(document["paths"]["/api/me"]["get"].is_object());
/// ```
#[must_use]
pub fn openapi() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
    &DOCUMENT
}

/// The same as text, which is held once, however many have not read it yet.
pub(crate) fn text() -> Bytes {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| openapi().to_string().into());
    TEXT.clone()
}

const DESCRIPTION: &str = "\
Every error under `/api` is `application/problem+json` (RFC 9457) with a stable `code`. A method that \
a path does not know is answered 405 with `Allow`, another path 404, by the same kind of problem. \
Requests with an `Origin` or a `Sec-Fetch-Site` of another site are refused. Every answer of the \
server has an `X-Request-Id`.";

fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in OPERATIONS {
        let described = describe(operation, &mut schemas);
        paths.entry(operation.path).or_default().insert(operation.method.to_owned(), described);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Latchkey",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "account", "description": "One's own account."},
            {"name": "session", "description": "Log-in, renewal, log-out, and where one is signed in."},
            {"name": "service", "description": "What everybody may ask."},
        ],
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
                    "description": "The cookie that a log-in sets; over TLS its name is `__Host-latchkey_refresh`.",
                },
            },
        },
    })
}

/// What is sent may lack what has a default; what is answered has it.
struct Schemas {
    sent: SchemaGenerator,
    answered: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = "/components/schemas".into())
        };
        Self {
            sent: settings().for_deserialize().into_generator(),
            answered: settings().for_serialize().into_generator(),
        }
    }

    fn into_definitions(mut self) -> Map<String, Value> {
        let mut all = self.sent.take_definitions(true);
        all.extend(self.answered.take_definitions(true));
        all
    }
}

fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let Operation { id, tag, summary, security, body, success, errors, .. } = operation;
    let mut described = json!({
        "operationId": id,
        "tags": [tag],
        "summary": summary,
        "security": match security {
            Security::None => json!([]),
            Security::Bearer => json!([{"bearer": []}]),
            Security::Refresh => json!([{"refresh": []}]),
        },
        "responses": responses(success, errors, schemas),
    });
    let parameters: Vec<_> = operation.path.split('/').filter_map(parameter).collect();
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(Body { is_required, schema }) = body {
        let schema = schema(&mut schemas.sent);
        described["requestBody"] = json!({
            "required": is_required,
            "content": {"application/json": {"schema": schema}},
        });
    }
    described
}

/// All of them are ids.
fn parameter(segment: &str) -> Option<Value> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    let schema = json!({"type": "string", "format": "uuid"});
    Some(json!({"name": name, "in": "path", "required": true, "schema": schema}))
}

fn responses(success: &Success, errors: &[&[ErrorCode]], schemas: &mut Schemas) -> Value {
    let mut responses = BTreeMap::new();
    let mut answer = json!({"description": success.description});
    if let Some(schema) = success.schema {
        answer["content"] = json!({"application/json": {"schema": schema(&mut schemas.answered)}});
    }
    if !success.headers.is_empty() {
        answer["headers"] = success.headers.iter().map(|name| header(name)).collect();
    }
    responses.insert(success.status.to_string(), answer);
    let mut codes: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in errors.iter().copied().flatten() {
        codes.entry(code.status()).or_default().push(*code);
    }
    for (status, codes) in codes {
        responses.insert(status.to_string(), problem(&codes, schemas));
    }
    json!(responses)
}

/// A problem with one of these codes.
fn problem(codes: &[ErrorCode], schemas: &mut Schemas) -> Value {
    let problem = schemas.answered.subschema_for::<Problem>();
    let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let schema = json!({"allOf": [problem, {"properties": {"code": {"enum": names}}}]});
    let mut answer = json!({
        "description": format!("`{}`", names.join("`, `")),
        "content": {"application/problem+json": {"schema": schema}},
    });
    if let Some(header) = codes.first().and_then(|code| header_of(*code)) {
        answer["headers"] = [header].into_iter().collect();
    }
    answer
}

/// The header that a problem has always.
fn header_of(code: ErrorCode) -> Option<(String, Value)> {
    match code.status() {
        401 => Some(header("WWW-Authenticate")),
        429 | 503 => Some(header("Retry-After")),
        _ => None,
    }
}

fn header(name: &str) -> (String, Value) {
    let (description, schema) = match name {
        "Retry-After" => {
            ("In how many seconds to try again.", json!({"type": "integer", "minimum": 1}))
        }
        "WWW-Authenticate" => ("`Bearer` (RFC 6750, 3).", json!({"type": "string"})),
        "Set-Cookie" => ("The cookies, which no script reads.", json!({"type": "string"})),
        "Content-Disposition" => ("Names the file.", json!({"type": "string"})),
        _ => ("For how long the answer may be kept.", json!({"type": "string"})),
    };
    let header = json!({"description": description, "required": true, "schema": schema});
    (name.to_owned(), header)
}
