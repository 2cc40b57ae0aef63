//! Tests that issued tokens are accepted and manipulated ones are rejected. The modules
//! `algorithm`, `claims`, `encoding` and `header` are named after the part of a token that their
//! attacks change.

mod algorithm;
mod cache;
mod claims;
mod encoding;
mod header;
mod issued;
mod issuer;
mod key_set;
mod other_tokens;
mod roles;
mod service;
mod stale_keys;
mod verifier;
