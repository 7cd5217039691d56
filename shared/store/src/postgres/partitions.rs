//! Partitions of `invocations` and `results`, each with the rows of the runs of one month.
//!
//! An id is in a range of ids if its time is in a range of times, because ids are UUIDv7.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PgStore,
    session::{Session, Transaction},
};
use crate::StoreError;

const TABLES: [&str; 2] = ["invocations", "results"];

/// Number of months, from the current one on, that have a partition.
const MONTHS_AHEAD: i32 = 3;

/// Age of the end of a month from which its partition can be dropped. An id can be older than its run's row by the time
/// of a submission, and by the difference of two clocks.
const SETTLED_AFTER: Duration = Duration::from_hours(24);

/// Longest wait for a table's lock. All writers of the table wait behind it meanwhile, so a busy table is tried again
/// later.
const LOCK: &str = "SET LOCAL lock_timeout = '200ms'";

const LIST: &str = "\
SELECT /* partitions.list */ partition.name,
    coalesce(substring(partition.bounds FROM 'FROM \\(''([^'']+)''\\)')::uuid, '00000000-0000-0000-0000-000000000000') AS first,
    substring(partition.bounds FROM 'TO \\(''([^'']+)''\\)')::uuid AS ends
FROM (
    SELECT child.oid::regclass::text AS name, pg_get_expr(child.relpartbound, child.oid) AS bounds
    FROM pg_inherits
    JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = to_regclass($1)
) AS partition
WHERE partition.bounds <> 'DEFAULT'
ORDER BY ends";

const HAS_RUNS: &str = "\
SELECT /* partitions.has_runs */ EXISTS (
    SELECT
    FROM runs
    WHERE id >= $1
      AND id < $2
)";

/// A partition, with the rows of runs whose ids are at or above `first` and below `ends`.
struct Partition {
    name: String,
    first: Uuid,
    ends: Uuid,
}

/// Makes the partitions of the months from `now` on that are missing.
pub async fn make(store: &PgStore, now: Timestamp) -> Result<(), StoreError> {
    let mut client = store.client().await?;
    for table in TABLES {
        let known = list(&client, table).await?;
        for month in months(now) {
            let (first, ends) = (first_id(month), first_id(after(month)));
            if known.iter().any(|known| known.first <= first && first < known.ends) {
                continue;
            }
            let name = format!("{table}_{}", month.strftime("%Y_%m"));
            let create = format!(
                "CREATE /* partitions.make */ TABLE IF NOT EXISTS {name}
                 PARTITION OF {table} FOR VALUES FROM ('{first}') TO ('{ends}')"
            );
            let tx = client.transaction().await?;
            tx.batch_execute(LOCK).await?;
            tx.batch_execute(&create).await?;
            tx.commit().await?;
            tracing::info!(event = "store.partition_made", partition = name);
        }
    }
    Ok(())
}

/// Drops the partitions whose time is over and whose runs are all removed. Returns their number.
pub async fn drop_unused(store: &PgStore, now: Timestamp) -> Result<u64, StoreError> {
    let mut client = store.client().await?;
    let until = first_id_at(now.checked_sub(SETTLED_AFTER).unwrap_or(Timestamp::MIN));
    let mut dropped = 0;
    for table in TABLES {
        let over = list(&client, table).await?.into_iter().filter(|partition| partition.ends <= until);
        for partition in over {
            if drop_unless_used(client.transaction().await?, &partition).await? {
                tracing::info!(event = "store.partition_dropped", partition = partition.name);
                dropped += 1;
            }
        }
    }
    Ok(dropped)
}

async fn drop_unless_used(tx: Transaction<'_>, partition: &Partition) -> Result<bool, StoreError> {
    let statement = tx.prepare_cached(HAS_RUNS).await?;
    if tx.query_one(&statement, &[&partition.first, &partition.ends]).await?.try_get(0)? {
        return Ok(false);
    }
    tx.batch_execute(LOCK).await?;
    tx.batch_execute(&format!("DROP /* partitions.drop */ TABLE {}", partition.name)).await?;
    tx.commit().await?;
    Ok(true)
}

async fn list(client: &Session, table: &str) -> Result<Vec<Partition>, StoreError> {
    let statement = client.prepare_cached(LIST).await?;
    client.query(&statement, &[&table]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Partition, StoreError> {
    Ok(Partition { name: row.try_get("name")?, first: row.try_get("first")?, ends: row.try_get("ends")? })
}

/// Returns the first days of the months that need a partition.
fn months(now: Timestamp) -> impl Iterator<Item = Date> {
    let this = now.to_zoned(TimeZone::UTC).date().first_of_month();
    (0..MONTHS_AHEAD).map(move |n| this.saturating_add(n.months()))
}

fn after(month: Date) -> Date {
    month.saturating_add(1.month())
}

/// Returns the id below all that are made from the first moment of `day` on.
fn first_id(day: Date) -> Uuid {
    let midnight = day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |midnight| midnight.timestamp());
    first_id_at(midnight)
}

fn first_id_at(time: Timestamp) -> Uuid {
    let milliseconds = u128::try_from(time.as_millisecond()).unwrap_or_default();
    Uuid::from_u128(milliseconds << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_over_the_end_of_a_year() {
        let now = "2026-11-30T23:59:59.999Z".parse().unwrap();
        let found: Vec<_> = months(now).map(|month| month.to_string()).collect();
        assert_eq!(found, ["2026-11-01", "2026-12-01", "2027-01-01"]);
        assert_eq!(after("2026-12-01".parse().unwrap()).to_string(), "2027-01-01");
    }

    #[test]
    fn ids_of_a_month_are_within_its_bounds() {
        let month = "2026-12-01".parse().unwrap();
        let id = |time: &str| {
            let time: Timestamp = time.parse().unwrap();
            let seconds = u64::try_from(time.as_second()).unwrap();
            let nanos = u32::try_from(time.subsec_nanosecond()).unwrap();
            Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
        };
        let (first, ends) = (first_id(month), first_id(after(month)));
        assert!(id("2026-11-30T23:59:59.999Z") < first && first <= id("2026-12-01T00:00:00Z"));
        assert!(id("2026-12-31T23:59:59.999Z") < ends && ends <= id("2027-01-01T00:00:00Z"));
        assert_eq!(first.to_string(), "01a22ee6-b000-0000-0000-000000000000");
    }
}
