use std::sync::Arc;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::rows::database::Database;
use crate::rows::traits::Transactions;
use crate::store::{EraseOutcome, Erasure, HealthCheck};

/// A [`Store`](crate::Store) over [`Transactions`] of any database.
#[derive(Debug, Clone)]
pub struct RowStore {
    pub(super) database: Database,
}

impl RowStore {
    /// Builds a store.
    #[must_use]
    pub fn new(transactions: impl Transactions) -> Self {
        Self { database: Database(Arc::new(transactions)) }
    }
}

#[async_trait]
impl Erasure for RowStore {
    async fn erase_deleted(&self) -> Result<EraseOutcome, StoreError> {
        self.database.0.erase_deleted().await
    }
}

#[async_trait]
impl HealthCheck for RowStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.database.read(|rows| rows.signing_keys().map(|_| ())).await
    }
}
