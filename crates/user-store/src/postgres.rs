//! The PostgreSQL backend.

mod config;
mod error;
mod invalid_url;
mod tls;
mod url;

pub use config::{PostgresConfig, PostgresTls};
pub use error::PostgresOpenError;
pub use invalid_url::InvalidPostgresUrl;
pub use tls::PostgresTlsError;
