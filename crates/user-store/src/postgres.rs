//! The PostgreSQL backend.

mod attempts;
mod audit;
mod checkout;
mod codes;
mod config;
#[cfg(feature = "sqlite")]
mod copy;
mod database;
mod database_error;
mod decoys;
mod erasure;
mod error;
mod factors;
mod followers;
mod health;
mod heartbeat;
mod host_by_host;
mod imports;
mod inspect;
mod invalid_url;
mod keys;
mod lifetime;
mod locked;
mod lookups;
mod mails;
mod metadata;
mod open;
#[cfg(test)]
mod plans;
mod query;
mod rows;
mod schema;
mod sessions;
mod statements;
mod store;
mod tls;
mod tls_error;
mod tls_settings;
mod url;
mod user_data;
mod users;

pub use config::{PostgresConfig, PostgresTls};
#[cfg(feature = "sqlite")]
pub(crate) use copy::PostgresEnd;
pub use error::PostgresOpenError;
pub use inspect::{PostgresInspection, PostgresRole, PostgresSchema, PostgresServer};
pub use invalid_url::InvalidPostgresUrl;
pub use store::PostgresStore;
pub use tls_error::PostgresTlsError;
