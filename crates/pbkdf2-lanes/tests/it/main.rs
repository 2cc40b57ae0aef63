//! Tests that every kernel and plan computes the same outputs as the `pbkdf2` crate.

#![cfg(test)]

mod properties;
mod speed;
mod vectors;
