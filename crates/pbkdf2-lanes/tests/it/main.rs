//! Whatever runs it, what comes out is what the `pbkdf2` crate computes.

#![cfg(test)]

mod properties;
mod speed;
mod vectors;
