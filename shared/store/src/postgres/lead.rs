//! Table `lead`. No session holds the lead, so it works through a pooler that gives each transaction another session.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::{PgStore, session::Session};
use crate::{Lead, Leader, StoreError};

/// Advisory lock that the leader of a release without leases holds for as long as it leads.
const OLDER_LOCK: i64 = 0x7275_6e6d_696c_6c02;

const TAKE: &str = "\
INSERT /* lead.take */ INTO lead (term, expires_at)
SELECT 1, clock_timestamp() + make_interval(secs => $1)
WHERE pg_try_advisory_xact_lock($2 /* older lock */)
ON CONFLICT (only_row) DO UPDATE
SET term = lead.term + 1,
    expires_at = clock_timestamp() + make_interval(secs => $1)
WHERE lead.expires_at <= clock_timestamp()
RETURNING term";

const RENEW: &str = "\
UPDATE /* lead.renew */ lead
SET expires_at = clock_timestamp() + make_interval(secs => $2)
WHERE term = $1
  AND expires_at > clock_timestamp()";

const RELEASE: &str = "\
UPDATE /* lead.release */ lead
SET expires_at = clock_timestamp()
WHERE term = $1
  AND expires_at > clock_timestamp()";

const IS_LED: &str = "\
SELECT /* lead.is_led */ EXISTS (
    SELECT
    FROM lead
    WHERE expires_at > clock_timestamp()
)";

struct PgLead {
    store: PgStore,
    /// A connection that the lead keeps: a renewal must not wait until others return theirs to the pool.
    connection: tokio::sync::Mutex<Session>,
    term: i64,
    lease: Duration,
    ends: Mutex<Instant>,
}

#[async_trait]
impl Leader for PgStore {
    async fn try_lead(&self, lease: Duration) -> Result<Option<Box<dyn Lead>>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(TAKE).await?;
        // The server's lease begins after this moment, so it ends after the holder's.
        let asked_at = Instant::now();
        let taken = client.query_opt(&statement, &[&lease.as_secs_f64(), &OLDER_LOCK]).await?;
        let Some(row) = taken else { return Ok(None) };
        Ok(Some(Box::new(PgLead {
            store: self.clone(),
            connection: tokio::sync::Mutex::new(client),
            term: row.try_get("term")?,
            lease,
            ends: Mutex::new(asked_at + lease),
        })))
    }

    async fn is_led(&self) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(IS_LED).await?;
        Ok(client.query_one(&statement, &[]).await?.try_get(0)?)
    }
}

impl PgLead {
    fn ends(&self) -> MutexGuard<'_, Instant> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn extend(&self) -> Result<u64, StoreError> {
        let mut connection = self.connection.lock().await;
        if connection.is_closed() {
            *connection = self.store.client().await?;
        }
        let statement = connection.prepare_cached(RENEW).await?;
        Ok(connection.execute(&statement, &[&self.term, &self.lease.as_secs_f64()]).await?)
    }
}

#[async_trait]
impl Lead for PgLead {
    fn term(&self) -> u64 {
        self.term.unsigned_abs()
    }

    fn is_held(&self) -> bool {
        Instant::now() < *self.ends()
    }

    async fn renew(&self) -> Result<bool, StoreError> {
        let asked_at = Instant::now();
        let renewed = self.extend().await? == 1;
        *self.ends() = if renewed { asked_at + self.lease } else { asked_at };
        Ok(renewed)
    }

    async fn release(&self) {
        *self.ends() = Instant::now();
        let released = async {
            let connection = self.connection.lock().await;
            // A renewal may have ended meanwhile.
            *self.ends() = Instant::now();
            let statement = connection.prepare_cached(RELEASE).await?;
            connection.execute(&statement, &[&self.term]).await
        };
        if let Err(error) = released.await {
            tracing::debug!(%error, "the lead could not be released: it ends by itself");
        }
    }
}
