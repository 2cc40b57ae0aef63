use std::borrow::Cow;

use accounts::JwkSet;
use accounts::http::ApiError;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::context::Context;
use crate::endpoint::{Endpoint, Tag};
use crate::input::NoInput;
use crate::output::Cacheable;
use crate::part::Part;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/.well-known/jwks.json")
            .operation(
                "keys",
                Tag::Service,
                "Get the public keys that verify access tokens (RFC 7517)",
            )
            .part(Part::KeySet)
            .success("The key set.")
            .handler(keys),
    ]
}

async fn keys(_: NoInput, context: Context) -> Result<Cacheable<KeySet>, ApiError> {
    let body = KeySet(context.api.accounts.jwks().await);
    Ok(Cacheable { body, max_age: JwkSet::MAX_AGE })
}

/// A JWK set (RFC 7517, 5).
#[derive(Serialize)]
#[serde(transparent)]
struct KeySet(JwkSet);

impl JsonSchema for KeySet {
    fn schema_name() -> Cow<'static, str> {
        "KeySet".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "required": ["keys"],
            "properties": {"keys": {"type": "array", "minItems": 1, "items": {
                "type": "object",
                "required": ["kty", "crv", "x", "kid", "alg", "use"],
                "properties": {
                    "kty": {"const": "OKP"},
                    "crv": {"const": "Ed25519"},
                    "x": {"type": "string"},
                    "kid": {"type": "string"},
                    "alg": {"const": "EdDSA"},
                    "use": {"const": "sig"},
                },
            }}},
        })
    }
}
