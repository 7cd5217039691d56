use async_trait::async_trait;
use jiff::Timestamp;

use super::PgStore;
use crate::{ServerTime, StoreError};

const SERVER_TIME: &str = "\
SELECT /* server_time */ clock_timestamp()";

#[async_trait]
impl ServerTime for PgStore {
    async fn server_time(&self) -> Result<Option<Timestamp>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(SERVER_TIME).await?;
        Ok(Some(client.query_one(&statement, &[]).await?.try_get(0)?))
    }
}
