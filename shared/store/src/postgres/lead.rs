use async_trait::async_trait;
use deadpool_postgres::{ClientWrapper, Object};

use super::PgStore;
use crate::{Lead, Leader, StoreError};

/// The feeder's lock. Advisory locks are per database, so each database has its own feeder.
const KEY: i64 = 0x7275_6e6d_696c_6c02;

const TRY_LOCK: &str = "\
SELECT /* lead.try_lock */ pg_try_advisory_lock($1)";

const UNLOCK: &str = "\
SELECT /* lead.unlock */ pg_advisory_unlock($1)";

/// Holds the lock in the session of its own connection. When the connection ends, the lock is released.
struct PgLead {
    connection: ClientWrapper,
}

#[async_trait]
impl Leader for PgStore {
    async fn try_lead(&self) -> Result<Option<Box<dyn Lead>>, StoreError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(TRY_LOCK).await?;
        if !client.query_one(&statement, &[&KEY]).await?.try_get::<_, bool>(0)? {
            return Ok(None);
        }
        Ok(Some(Box::new(PgLead { connection: Object::take(client) })))
    }
}

#[async_trait]
impl Lead for PgLead {
    fn term(&self) -> u64 {
        0
    }

    fn is_held(&self) -> bool {
        !self.connection.is_closed()
    }

    async fn release(self: Box<Self>) {
        // If the connection is gone, the server has released it, or will when it notices.
        if let Err(error) = self.connection.execute(UNLOCK, &[&KEY]).await {
            tracing::debug!(%error, "the lead was lost before it was released");
        }
    }
}
