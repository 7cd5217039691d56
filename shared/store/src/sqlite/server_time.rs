use async_trait::async_trait;
use jiff::Timestamp;

use super::SqliteStore;
use crate::{ServerTime, StoreError};

#[async_trait]
impl ServerTime for SqliteStore {
    async fn server_time(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }
}
