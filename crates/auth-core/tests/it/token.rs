//! What is issued is verified, and nothing else is: the attacks on tokens, by what they change.

mod algorithm;
mod claims;
mod header;
mod issued;
mod others;
mod seen;
mod service;
mod spelling;
mod verifier;
