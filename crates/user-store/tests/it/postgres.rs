//! Tests of the PostgreSQL backend.

mod faults;
mod relay;
mod tls;
