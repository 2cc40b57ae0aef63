//! Every operation that there is; a test compares this table with what is answered.

use accounts::JwkSet;
use api_types::ErrorCode::{
    self, EmailTaken, ForbiddenOrigin, Internal, InvalidCredentials, InvalidFields,
    InvalidRefreshToken, InvalidRequest, InvalidToken, MalformedJson, MissingToken, NotFound,
    Overloaded, PayloadTooLarge, TooManyAttempts, Unavailable, UnsupportedMediaType,
};
use api_types::{
    Activity, ChangePasswordRequest, DeleteAccountRequest, Empty, Export, Health, Sessions,
    SignupRequest, TokenRequest, TokenResponse, User,
};
use schemars::{Schema, SchemaGenerator, json_schema};

pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) security: Security,
    pub(super) body: Option<Body>,
    pub(super) success: Success,
    pub(super) errors: &'static [&'static [ErrorCode]],
}

pub(super) enum Security {
    None,
    Bearer,
    Refresh,
}

pub(super) struct Body {
    pub(super) is_required: bool,
    pub(super) schema: Make,
}

pub(super) struct Success {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) schema: Option<Make>,
    pub(super) headers: &'static [&'static str],
}

type Make = fn(&mut SchemaGenerator) -> Schema;

/// What a request with a body can be refused for, whatever it asks.
const BODY: &[ErrorCode] =
    &[InvalidRequest, MalformedJson, ForbiddenOrigin, PayloadTooLarge, UnsupportedMediaType];
/// What one without can.
const NO_BODY: &[ErrorCode] = &[PayloadTooLarge];
const BEARER: &[ErrorCode] = &[InvalidToken, MissingToken];
const STORE: &[ErrorCode] = &[Internal, Unavailable];
/// Where something is hashed, or the answer may be long.
const BUSY: &[ErrorCode] = &[Overloaded];
const PASSWORD: &[ErrorCode] = &[InvalidFields, TooManyAttempts];

const fn required(schema: Make) -> Option<Body> {
    Some(Body { is_required: true, schema })
}

const fn optional() -> Option<Body> {
    Some(Body { is_required: false, schema: SchemaGenerator::subschema_for::<Empty> })
}

const fn ok(description: &'static str, schema: Make) -> Success {
    Success { status: 200, description, schema: Some(schema), headers: &[] }
}

const fn no_content(description: &'static str) -> Success {
    Success { status: 204, description, schema: None, headers: &[] }
}

const TOKENS: Success = Success {
    headers: &["Set-Cookie"],
    ..ok(
        "An access token, and the next refresh token in its cookie.",
        SchemaGenerator::subschema_for::<TokenResponse>,
    )
};

/// RFC 7517, 5.
fn key_set(_: &mut SchemaGenerator) -> Schema {
    let _: fn(&JwkSet) -> &Vec<_> = |set| &set.keys;
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

fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        method: "post",
        path: "/api/signup",
        id: "signUp",
        tag: "account",
        summary: "Make an account",
        security: Security::None,
        body: required(SchemaGenerator::subschema_for::<SignupRequest>),
        success: Success {
            status: 201,
            ..ok("The account.", SchemaGenerator::subschema_for::<User>)
        },
        errors: &[BODY, &[EmailTaken], PASSWORD, BUSY, STORE],
    },
    Operation {
        method: "post",
        path: "/api/token",
        id: "logIn",
        tag: "session",
        summary: "Log in",
        security: Security::None,
        body: required(SchemaGenerator::subschema_for::<TokenRequest>),
        success: TOKENS,
        errors: &[BODY, &[InvalidCredentials, TooManyAttempts], BUSY, STORE],
    },
    Operation {
        method: "post",
        path: "/api/token/refresh",
        id: "refresh",
        tag: "session",
        summary: "Renew the session",
        security: Security::Refresh,
        body: required(SchemaGenerator::subschema_for::<Empty>),
        success: TOKENS,
        errors: &[BODY, &[InvalidRefreshToken], STORE],
    },
    Operation {
        method: "post",
        path: "/api/logout",
        id: "logOut",
        tag: "session",
        summary: "End the session, everywhere and at once",
        security: Security::Bearer,
        body: required(SchemaGenerator::subschema_for::<Empty>),
        success: no_content("The session is over."),
        errors: &[BODY, BEARER, STORE],
    },
    Operation {
        method: "get",
        path: "/api/me",
        id: "me",
        tag: "account",
        summary: "Whose token it is",
        security: Security::Bearer,
        body: None,
        success: ok("The account.", SchemaGenerator::subschema_for::<User>),
        errors: &[NO_BODY, BEARER, STORE],
    },
    Operation {
        method: "delete",
        path: "/api/me",
        id: "deleteAccount",
        tag: "account",
        summary: "Delete the account with all that is held about its owner",
        security: Security::Bearer,
        body: required(SchemaGenerator::subschema_for::<DeleteAccountRequest>),
        success: no_content("It is gone."),
        errors: &[BODY, BEARER, PASSWORD, BUSY, STORE],
    },
    Operation {
        method: "put",
        path: "/api/me/password",
        id: "changePassword",
        tag: "account",
        summary: "Change the password, and end all other sessions",
        security: Security::Bearer,
        body: required(SchemaGenerator::subschema_for::<ChangePasswordRequest>),
        success: no_content("It is changed."),
        errors: &[BODY, BEARER, PASSWORD, BUSY, STORE],
    },
    Operation {
        method: "get",
        path: "/api/me/export",
        id: "export",
        tag: "account",
        summary: "Everything that is held about the caller",
        security: Security::Bearer,
        body: None,
        success: Success {
            headers: &["Content-Disposition"],
            ..ok("All of it.", SchemaGenerator::subschema_for::<Export>)
        },
        errors: &[NO_BODY, BEARER, BUSY, STORE],
    },
    Operation {
        method: "get",
        path: "/api/me/activity",
        id: "activity",
        tag: "account",
        summary: "What has happened to the account",
        security: Security::Bearer,
        body: None,
        success: ok("The last of it.", SchemaGenerator::subschema_for::<Activity>),
        errors: &[NO_BODY, BEARER, BUSY, STORE],
    },
    Operation {
        method: "get",
        path: "/api/sessions",
        id: "sessions",
        tag: "session",
        summary: "Where one is signed in",
        security: Security::Bearer,
        body: None,
        success: ok("The sessions.", SchemaGenerator::subschema_for::<Sessions>),
        errors: &[NO_BODY, BEARER, BUSY, STORE],
    },
    Operation {
        method: "delete",
        path: "/api/sessions",
        id: "endOtherSessions",
        tag: "session",
        summary: "End all sessions but this one",
        security: Security::Bearer,
        body: optional(),
        success: no_content("They are over."),
        errors: &[BODY, BEARER, STORE],
    },
    Operation {
        method: "delete",
        path: "/api/sessions/{id}",
        id: "endSession",
        tag: "session",
        summary: "End one session",
        security: Security::Bearer,
        body: optional(),
        success: no_content("It is over."),
        errors: &[BODY, BEARER, &[NotFound], STORE],
    },
    Operation {
        method: "get",
        path: "/api/openapi.json",
        id: "openapi",
        tag: "service",
        summary: "This document",
        security: Security::None,
        body: None,
        success: ok("It.", any_object),
        errors: &[],
    },
    Operation {
        method: "get",
        path: "/.well-known/jwks.json",
        id: "keys",
        tag: "service",
        summary: "The public keys that verify access tokens (RFC 7517)",
        security: Security::None,
        body: None,
        success: Success { headers: &["Cache-Control"], ..ok("The key set.", key_set) },
        errors: &[],
    },
    Operation {
        method: "get",
        path: "/healthz",
        id: "health",
        tag: "service",
        summary: "Whether the process serves",
        security: Security::None,
        body: None,
        success: ok("It does.", SchemaGenerator::subschema_for::<Health>),
        errors: &[],
    },
    Operation {
        method: "get",
        path: "/readyz",
        id: "readiness",
        tag: "service",
        summary: "Whether it can do its work",
        security: Security::None,
        body: None,
        success: ok("It can.", SchemaGenerator::subschema_for::<Health>),
        errors: &[STORE],
    },
];
