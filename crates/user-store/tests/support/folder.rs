//! A folder with a SQLite file, which stores of a test share.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use user_store::conformance::Deployment;
use user_store::{SqliteStore, Store};

pub(crate) struct Folder(pub(crate) TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("latchkey.db")
    }
}

#[async_trait]
impl Deployment for Folder {
    async fn connect(&self) -> Arc<dyn Store> {
        let path = self.path();
        let open = move || SqliteStore::open(&path).unwrap();
        Arc::new(tokio::task::spawn_blocking(open).await.unwrap())
    }
}
