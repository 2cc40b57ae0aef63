use std::error::Error;

/// An error from the store itself. Its sources are for the log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is locked, full, damaged, missing or out of reach. Once that is fixed, trying
    /// again helps.
    #[error("the store does not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store answered something that it never should: a defect of this program.
    #[error("the store answered something unexpected")]
    Defect(#[source] Box<dyn Error + Send + Sync>),
}
