//! The PostgreSQL backend.

mod attempts;
mod audit;
mod config;
mod database;
mod database_error;
mod erasure;
mod error;
mod health;
mod heartbeat;
mod invalid_url;
mod keys;
mod lookups;
mod open;
mod query;
mod rows;
mod schema;
mod sessions;
mod statements;
mod store;
mod tls;
mod url;

pub use config::{PostgresConfig, PostgresTls};
pub use error::PostgresOpenError;
pub use invalid_url::InvalidPostgresUrl;
pub use open::Migrated;
pub use store::PostgresStore;
pub use tls::PostgresTlsError;
