//! Table `lead`.
//!
//! The lead is a lease, so it works through a pooler that gives each transaction another session. On a direct connection the
//! row names the leader's session, too. A session ends at once when its process dies, so another process then need not wait
//! for the end of the lease. A leader that lives connects again, and has its lease for [`ALONE`] meanwhile.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio_postgres::types::ToSql;

use super::{PgStore, session::Session};
use crate::{Lead, Leader, StoreError};

/// Advisory lock that the leader of a release without leases holds for as long as it leads.
const OLDER_LOCK: i64 = 0x7275_6e6d_696c_6c02;

/// Time from a renewal for which a leader without its session still leads.
const ALONE: Duration = Duration::from_millis(1_200);
/// Time from a renewal after which a lead whose session has ended is free. Longer than [`ALONE`], so that no two lead.
const FREE_AFTER: Duration = Duration::from_millis(1_500);

// A session counts only for the term in which it was written: a release without sessions takes the lead and lets them be.
// The start of a session of another role is not visible.
const TAKE: &str = "\
INSERT /* lead.take */ INTO lead (term, expires_at, session_pid, session_started_at, session_term)
SELECT 1, clock_timestamp() + make_interval(secs => $1), own.pid, own.backend_start, own.term
FROM (SELECT 1) AS always
LEFT JOIN (
    SELECT pid, backend_start, 1 AS term
    FROM pg_stat_activity
    WHERE pid = pg_backend_pid()
) AS own
    ON $3::boolean /* direct */
WHERE pg_try_advisory_xact_lock($2 /* older lock */)
ON CONFLICT (only_row) DO UPDATE
SET term = lead.term + 1,
    expires_at = clock_timestamp() + make_interval(secs => $1),
    session_pid = excluded.session_pid,
    session_started_at = excluded.session_started_at,
    session_term = lead.term + excluded.session_term
WHERE lead.expires_at <= clock_timestamp()
   OR (
       lead.expires_at <= clock_timestamp() + make_interval(secs => $1 - $4::double precision /* free after */)
       AND lead.session_term = lead.term
       AND NOT EXISTS (
           SELECT
           FROM pg_stat_activity AS session
           WHERE session.pid = lead.session_pid
             AND coalesce(session.backend_start = lead.session_started_at, true)
       )
   )
RETURNING term";

const RENEW: &str = "\
UPDATE /* lead.renew */ lead
SET expires_at = clock_timestamp() + make_interval(secs => $2),
    (session_pid, session_started_at, session_term) = (
        SELECT own.pid, own.backend_start, own.term
        FROM (SELECT 1) AS always
        LEFT JOIN (
            SELECT pid, backend_start, $1::bigint AS term
            FROM pg_stat_activity
            WHERE pid = pg_backend_pid()
        ) AS own
            ON $3::boolean /* direct */
    )
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
    /// True while a renewal connects again.
    connects: AtomicBool,
    term: i64,
    lease: Duration,
    times: Mutex<Times>,
}

#[derive(Clone, Copy)]
struct Times {
    /// Time before the last successful renewal.
    renewed: Instant,
    ends: Instant,
}

#[async_trait]
impl Leader for PgStore {
    async fn try_lead(&self, lease: Duration) -> Result<Option<Box<dyn Lead>>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(TAKE).await?;
        // The server's lease begins after this moment, so it ends after the holder's.
        let asked_at = Instant::now();
        let (lease_seconds, free_after) = (lease.as_secs_f64(), FREE_AFTER.as_secs_f64());
        let is_direct = !self.is_pooled();
        let values: [&(dyn ToSql + Sync); 4] = [&lease_seconds, &OLDER_LOCK, &is_direct, &free_after];
        let taken = client.query_opt(&statement, &values).await?;
        let Some(row) = taken else { return Ok(None) };
        Ok(Some(Box::new(PgLead {
            store: self.clone(),
            connection: tokio::sync::Mutex::new(client),
            connects: AtomicBool::new(false),
            term: row.try_get("term")?,
            lease,
            times: Mutex::new(Times { renewed: asked_at, ends: asked_at + lease }),
        })))
    }

    async fn is_led(&self) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(IS_LED).await?;
        Ok(client.query_one(&statement, &[]).await?.try_get(0)?)
    }
}

impl PgLead {
    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the lease by the clock of this process.
    fn end(&self) {
        self.times().ends = Instant::now();
    }

    /// Returns false once the session has ended, so that another process may lead soon.
    fn has_session(&self) -> bool {
        if self.store.is_pooled() {
            return true;
        }
        match self.connection.try_lock() {
            Ok(session) => !session.is_closed(),
            // A renewal uses it.
            Err(_) => !self.connects.load(Ordering::Relaxed),
        }
    }

    async fn extend(&self) -> Result<u64, StoreError> {
        let mut connection = self.connection.lock().await;
        if connection.is_closed() {
            self.connects.store(true, Ordering::Relaxed);
            *connection = self.store.client().await?;
        }
        let statement = connection.prepare_cached(RENEW).await?;
        let is_direct = !self.store.is_pooled();
        let values: [&(dyn ToSql + Sync); 3] = [&self.term, &self.lease.as_secs_f64(), &is_direct];
        let renewed = connection.execute(&statement, &values).await?;
        self.connects.store(false, Ordering::Relaxed);
        Ok(renewed)
    }
}

#[async_trait]
impl Lead for PgLead {
    fn term(&self) -> u64 {
        self.term.unsigned_abs()
    }

    fn is_held(&self) -> bool {
        let (now, Times { renewed, ends }) = (Instant::now(), *self.times());
        now < ends && (now < renewed + ALONE || self.has_session())
    }

    async fn renew(&self) -> Result<bool, StoreError> {
        let asked_at = Instant::now();
        let renewed = self.extend().await? == 1;
        let ends = if renewed { asked_at + self.lease } else { asked_at };
        *self.times() = Times { renewed: asked_at, ends };
        Ok(renewed)
    }

    async fn release(&self) {
        self.end();
        let released = async {
            let connection = self.connection.lock().await;
            // A renewal may have ended meanwhile.
            self.end();
            let statement = connection.prepare_cached(RELEASE).await?;
            connection.execute(&statement, &[&self.term]).await
        };
        if let Err(error) = released.await {
            tracing::debug!(%error, "the lead could not be released: it ends by itself");
        }
    }
}
