//! Tests that issued tokens are accepted and manipulated ones are rejected. Each module is named
//! after the part of a token that its attacks change.

mod algorithm;
mod cache;
mod claims;
mod encoding;
mod header;
mod issued;
mod other_tokens;
mod service;
mod verifier;
