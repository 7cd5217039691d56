//! Course of a run over time, for charts.

use jiff::{SignedDuration, Timestamp};
use runmill_proto::{
    api::{RunSeries, SeriesBucket},
    usd,
};
use runmill_store::{DispatcherStore, RunRow, SeriesPoint, StoreError};

/// Largest number of buckets.
const BUCKETS_MAX: i64 = 72;
/// Lengths of a bucket in seconds. None is shorter than the intervals that the store keeps of a run of such an age.
const LENGTHS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400];

/// Returns the course of a run from its start to `now`, or to its end.
pub async fn of_run(
    store: &dyn DispatcherStore,
    run: &RunRow,
    now: Timestamp,
) -> Result<RunSeries, StoreError> {
    let mut points = store.series(run.id).await?;
    points.extend(run.stats.series.as_deref().cloned());
    Ok(course(points, run.finished_at.unwrap_or(now)))
}

/// Puts intervals into buckets of one length, of which the last one ends at `until`, or soon after if the newest does.
fn course(points: Vec<SeriesPoint>, until: Timestamp) -> RunSeries {
    let Some(start) = points.first().map(|point| point.from) else { return RunSeries::default() };
    let newest = points.last().map_or(start, |point| point.from);
    // A run that is not called any more, such as a paused one, has an end for which nothing is known.
    let end = until.max(newest + SignedDuration::from_secs(1));
    let seconds = end.duration_since(start).as_secs().max(1);
    let length = LENGTHS.into_iter().find(|length| seconds <= length * BUCKETS_MAX).unwrap_or(seconds);
    let length = SignedDuration::from_secs(length);
    let mut points = points.into_iter().peekable();
    let mut buckets = Vec::new();
    let mut from = start;
    while from < end {
        let to = from.saturating_add(length).unwrap_or(Timestamp::MAX);
        let mut sum = SeriesPoint { from, to: from, ..SeriesPoint::default() };
        while let Some(point) = points.next_if(|point| point.from < to) {
            sum.extend(point);
        }
        buckets.push(bucket(&SeriesPoint { to: to.min(end), ..sum }));
        from = to;
    }
    RunSeries { buckets }
}

fn bucket(sum: &SeriesPoint) -> SeriesBucket {
    let seconds = sum.to.duration_since(sum.from).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "sums of milliseconds are far below 2^52")]
    let busy_seconds = sum.busy_ms as f64 / 1e3;
    SeriesBucket {
        from: sum.from,
        to: sum.to,
        settled: sum.settled,
        calls: sum.calls,
        retries: sum.retries,
        errors: sum.errors.clone(),
        input_tokens: sum.prompt_tokens,
        output_tokens: sum.completion_tokens,
        cost_usd: sum.cost_nanousd.map(usd),
        latency_p50_ms: sum.latencies.percentile(50),
        latency_p99_ms: sum.latencies.percentile(99),
        ttft_p50_ms: sum.ttfts.percentile(50),
        ttft_p99_ms: sum.ttfts.percentile(99),
        in_flight: if seconds > 0.0 { busy_seconds / seconds } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn point(second: i64, settled: u64, busy_ms: u64) -> SeriesPoint {
        SeriesPoint { settled, busy_ms, ..SeriesPoint::begin(at(100), at(second)) }
    }

    #[test]
    fn intervals_without_a_log_are_empty_and_the_last_ends_with_the_run() {
        let buckets = course(vec![point(100, 3, 2_500), point(102, 1, 250)], at(103)).buckets;
        let settled: Vec<_> = buckets.iter().map(|bucket| (bucket.settled, bucket.in_flight)).collect();
        assert_eq!(settled, [(3, 2.5), (0, 0.0), (1, 0.25)]);
        assert!(buckets.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(buckets[2].to, at(103));
    }

    #[test]
    fn a_long_run_has_no_more_buckets_than_a_chart_shows_and_loses_nothing() {
        for seconds in [1, 72, 73, 145, 3_700, 86_400, 1_000_000, 40_000_000] {
            let points: Vec<_> = (0..=100).map(|n| point(100 + seconds * n / 100, 1, 0)).collect();
            let mut points = points;
            points.dedup_by(|next, kept| {
                next.from == kept.from && {
                    kept.settled += next.settled;
                    true
                }
            });
            let buckets = course(points, at(100 + seconds)).buckets;
            assert!((1..=73).contains(&buckets.len()), "{seconds}: {}", buckets.len());
            assert_eq!(buckets.iter().map(|bucket| bucket.settled).sum::<u64>(), 101, "{seconds}");
        }
        assert!(course(Vec::new(), at(0)).buckets.is_empty());
    }
}
