use crate::postgres::invalid_url::InvalidPostgresUrl;
use crate::postgres::tls_error::PostgresTlsError;

/// An error from opening a PostgreSQL database. Each message says what is wrong and how to fix it.
/// None contains the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresOpenError {
    /// The URL is not valid.
    #[error(transparent)]
    Url(#[from] InvalidPostgresUrl),
    /// TLS cannot be set up, or the server's certificate is rejected.
    #[error(transparent)]
    Tls(#[from] PostgresTlsError),
}
