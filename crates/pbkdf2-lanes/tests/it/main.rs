//! Whatever runs it, what comes out is what the `pbkdf2` crate computes.

mod properties;
mod speed;
mod vectors;
