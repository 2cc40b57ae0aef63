use std::error::Error;

/// An error from the store itself. Its sources are for the log and must not be sent to a client.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is locked, full, damaged, missing or unreachable. The call can be retried once the
    /// cause is fixed.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store failed because of a bug in this program, or because the database was edited or its
    /// schema is damaged.
    #[error("unexpected error from the store")]
    Defect(#[source] Box<dyn Error + Send + Sync>),
}
