//! The PostgreSQL backend.

mod config;
mod error;
mod host_by_host;
mod invalid_url;
mod tls;
mod tls_error;
mod tls_settings;
mod url;

pub use config::{PostgresConfig, PostgresTls};
pub use error::PostgresOpenError;
pub use invalid_url::InvalidPostgresUrl;
pub use tls_error::PostgresTlsError;
