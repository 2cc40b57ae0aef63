use std::fmt;
use std::sync::{Arc, mpsc};

use crate::error::StoreError;
use crate::rows::traits::{Rows, Transactions, Work};

/// Runs queries, each in a transaction of its own.
#[derive(Clone)]
pub(super) struct Database(pub(super) Arc<dyn Transactions>);

impl Database {
    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Rows) -> Result<T, StoreError> + Send + 'static,
    {
        let (work, result) = with_result(query);
        self.0.read(work).await?;
        result.try_recv().map_err(|_| not_run())
    }

    pub(super) async fn write<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Rows) -> Result<T, StoreError> + Send + 'static,
    {
        let (work, result) = with_result(query);
        self.0.write(work).await?;
        result.try_recv().map_err(|_| not_run())
    }

    /// The same as [`read`](Self::read): every read is a transaction.
    pub(super) async fn snapshot<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Rows) -> Result<T, StoreError> + Send + 'static,
    {
        self.read(query).await
    }

    /// The same as [`read`](Self::read): no query is quick enough for the caller's thread.
    pub(super) async fn look_up<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Rows) -> Result<T, StoreError> + Send + 'static,
    {
        self.read(query).await
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

/// Returns work that runs `query`, and where it leaves the result.
fn with_result<T, F>(query: F) -> (Work, mpsc::Receiver<T>)
where
    T: Send + 'static,
    F: FnOnce(&mut dyn Rows) -> Result<T, StoreError> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel();
    let work: Work = Box::new(move |rows| {
        let value = query(rows)?;
        // The caller may have been dropped. The transaction is committed all the same.
        let _ = sender.send(value);
        Ok(())
    });
    (work, receiver)
}

fn not_run() -> StoreError {
    StoreError::Defect("the transaction did not run its work".into())
}
