//! Issued tokens are verified, and every manipulation of a token is rejected. The modules are named
//! after what the attacks change.

mod algorithm;
mod cache;
mod claims;
mod encoding;
mod header;
mod issued;
mod other_tokens;
mod service;
mod verifier;
