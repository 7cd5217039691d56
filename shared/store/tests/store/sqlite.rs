use std::sync::Arc;

use runmill_store::{SharedStore, StoreError, conformance::Stores, sqlite::SqliteStore};
use tempfile::TempDir;

/// A file of its own for each test.
async fn stores() -> Stores {
    let directory = tempfile::tempdir().unwrap();
    let store: SharedStore = Arc::new(open(&directory).await.unwrap());
    Stores::new(store.clone(), store, directory)
}

async fn open(directory: &TempDir) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(directory.path().join("runmill.db")).await
}

runmill_store::store_conformance!(stores());
