//! Tests of the PostgreSQL backend.

mod relay;
mod tls;
