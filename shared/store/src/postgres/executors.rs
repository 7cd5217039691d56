//! Table `executors`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::api::ExecutorStatus;
use tokio_postgres::{
    Row,
    types::{Json, ToSql},
};

use super::{
    PgStore,
    fleet::{Written, fleet_of},
    values::{Cell as _, bigint, text},
};
use crate::{Beat, Claim, Exchange, Exchanged, ExecutorReader, Peer, StoreError, Talk};

// The reading part sees the tables as they were before the writing part, which changes only the own row and the fleet's.
//
// `statement_timestamp()` is not after the snapshot, whatever the statement waits for, so that no lease is taken for ended
// whose renewal the snapshot lacks.
const EXCHANGE: &str = "\
WITH /* executors.exchange */ decided AS (
    UPDATE fleet
    SET version = version + 1,
        lanes = lanes - $11::text[] || $12
    WHERE version = $10
    RETURNING version, lanes
),
own AS (
    INSERT INTO executors AS known
        (name, seen_at, report, talk, beats, presence, session_pid, leases, claim, valid_until, open_until)
    SELECT $1::text, at, $2::json, $3::json, 1, $4::text, CASE WHEN $14::boolean THEN pg_backend_pid() END,
        CASE WHEN is_accepted THEN $5::json END,
        CASE WHEN is_accepted THEN $6::bigint ELSE 0 END,
        CASE WHEN is_accepted THEN at + make_interval(secs => $7) END,
        CASE WHEN is_accepted THEN at + make_interval(secs => $8) END
    FROM (
        SELECT clock_timestamp() AS at,
            EXISTS (SELECT FROM decided) OR $10 IS NULL AND $9::boolean AS is_accepted
    ) AS first
    ON CONFLICT (name) DO UPDATE
    SET seen_at = excluded.seen_at,
        report = excluded.report,
        talk = excluded.talk,
        beats = known.beats + 1,
        presence = excluded.presence,
        session_pid = excluded.session_pid,
        (leases, claim, valid_until, open_until) = (
            SELECT
                CASE WHEN is_accepted THEN $5::json ELSE known.leases END,
                CASE WHEN is_accepted THEN $6 ELSE known.claim END,
                CASE WHEN is_accepted THEN excluded.seen_at + make_interval(secs => $7) ELSE known.valid_until END,
                CASE WHEN is_accepted THEN excluded.seen_at + make_interval(secs => $8) ELSE known.open_until END
            FROM (
                SELECT known.claim < $6
                    AND (
                        EXISTS (SELECT FROM decided)
                        OR $10 IS NULL
                        AND ($9 OR known.valid_until > excluded.seen_at + make_interval(secs => $13))
                    ) AS is_accepted
            ) AS next
        )
    RETURNING seen_at, claim = $6 AS is_accepted
)
SELECT own.seen_at, own.is_accepted, newest.term, statement_timestamp() AS read_at,
    coalesce(decided.version, fleet.version) AS version,
    CASE WHEN row_number() OVER () = 1 THEN coalesce(decided.lanes, fleet.lanes)::json END AS lanes,
    peer.name, peer.seen_at AS peer_seen_at, peer.beats, peer.talk,
    peer.valid_until, peer.open_until, peer.presence,
    CASE WHEN peer.open_until > statement_timestamp() THEN peer.leases END AS leases
FROM own
CROSS JOIN (SELECT coalesce(max(term), 0)::bigint AS term FROM lead) AS newest
CROSS JOIN fleet
LEFT JOIN decided ON true
LEFT JOIN executors AS peer
    ON peer.name <> $1";

const FORGET: &str = "\
DELETE /* executors.forget */ FROM executors
WHERE seen_at < $1
  AND coalesce(open_until, seen_at) < $1";

const LEAVE: &str = "\
DELETE /* executors.leave */ FROM executors
WHERE name = $1";

const REMOVE_DEAD: &str = "\
DELETE /* executors.remove_dead */ FROM executors
WHERE name = $1
  AND valid_until = $2";

const IS_CONNECTED: &str = "\
SELECT /* executors.is_connected */ EXISTS (
    SELECT
    FROM executors
    WHERE name = $1
      AND (
          session_pid IS NULL
          OR EXISTS (
              SELECT
              FROM pg_stat_activity AS session
              WHERE session.pid = session_pid
                AND coalesce(session.backend_start <= seen_at, true)
          )
      )
)";

const SEEN_SINCE: &str = "\
SELECT /* executors.seen_since */ seen_at, report
FROM executors
WHERE seen_at >= $1
ORDER BY name COLLATE \"C\"";

#[async_trait]
impl Exchange for PgStore {
    async fn exchange(&self, beat: &Beat) -> Result<Exchanged, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(EXCHANGE).await?;
        let Beat { status, talk, claim } = beat;
        let shares = (!claim.leases.is_empty()).then_some(Json(&claim.leases));
        let decision = Written::new(claim.decision.as_ref());
        let values: [&(dyn ToSql + Sync); 14] = [
            &text(&status.name),
            &Json(status),
            &Json(talk),
            &claim.presence,
            &shares,
            &bigint(claim.number),
            &claim.valid_for.as_secs_f64(),
            &claim.valid_for.saturating_add(claim.open_for).as_secs_f64(),
            &claim.holds_nothing(),
            &decision.version,
            &decision.removed,
            &Json(decision.lanes),
            &Claim::COMMIT_TIME.as_secs_f64(),
            &!self.is_pooled(),
        ];
        let rows = client.query(&statement, &values).await?;
        let own = rows.first().ok_or_else(|| StoreError::Broken("a heartbeat returned no row".into()))?;
        Ok(Exchanged {
            now: own.cell("seen_at")?,
            term: own.cell("term")?,
            peers: rows.iter().filter_map(|row| peer(row).transpose()).collect::<Result<_, _>>()?,
            accepted: own.cell("is_accepted")?,
            fleet: fleet_of(&rows)?,
        })
    }

    async fn is_connected(&self, name: &str) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(IS_CONNECTED).await?;
        Ok(client.query_one(&statement, &[&text(name)]).await?.try_get(0)?)
    }

    async fn remove_dead(&self, name: &str, valid_until: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(REMOVE_DEAD).await?;
        client.execute(&statement, &[&text(name), &valid_until]).await?;
        Ok(())
    }

    async fn leave(&self, name: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(LEAVE).await?;
        client.execute(&statement, &[&text(name)]).await?;
        Ok(())
    }

    async fn forget_executors(&self, before: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(FORGET).await?;
        client.execute(&statement, &[&before]).await?;
        Ok(())
    }
}

/// Returns the other executor of a row, or `None` if there is no other.
fn peer(row: &Row) -> Result<Option<Peer>, StoreError> {
    let Some(name) = row.cell::<Option<String>>("name")? else { return Ok(None) };
    let (seen_at, talk) = (row.cell("peer_seen_at")?, row.cell::<Option<Talk>>("talk")?);
    Ok(Some(Peer { name, seen_at, beats: row.cell("beats")?, talk }))
}

#[async_trait]
impl ExecutorReader for PgStore {
    async fn executors(&self, since: Timestamp) -> Result<Vec<ExecutorStatus>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(SEEN_SINCE).await?;
        let rows = client.query(&statement, &[&since]).await?;
        rows.iter()
            .map(|row| Ok(ExecutorStatus { seen_at: row.cell("seen_at")?, ..row.cell("report")? }))
            .collect()
    }
}
