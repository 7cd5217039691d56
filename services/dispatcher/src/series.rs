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
    Ok(match run.finished_at {
        Some(end) => course(points, end),
        None => so_far(course(points, now), now),
    })
}

/// Puts intervals into buckets of one length, of which the last one ends at `until`, or soon after if the newest does.
fn course(points: Vec<SeriesPoint>, until: Timestamp) -> RunSeries {
    let spans = points.iter().flat_map(SeriesPoint::busy).map(|(from, ..)| from);
    // The first request was sent before its log was written.
    let Some(start) = points.first().map(|point| point.from).into_iter().chain(spans).min() else {
        return RunSeries::default();
    };
    let newest = points.last().map_or(start, |point| point.from);
    // A run that is not called any more, such as a paused one, has an end for which nothing is known.
    let end = until.max(newest + SignedDuration::from_secs(1));
    let seconds = end.duration_since(start).as_secs().max(1);
    let length = LENGTHS.into_iter().find(|length| seconds <= length * BUCKETS_MAX).unwrap_or(seconds);
    let length = SignedDuration::from_secs(length);
    let mut busy = busy(&points, start, end, length).into_iter();
    let mut points = points.into_iter().peekable();
    let mut buckets = Vec::new();
    let mut from = start;
    while from < end {
        let to = from.saturating_add(length).unwrap_or(Timestamp::MAX);
        let mut sum = SeriesPoint { from, to: from, ..SeriesPoint::default() };
        while let Some(point) = points.next_if(|point| point.from < to) {
            sum.extend(point);
        }
        sum.to = to.min(end);
        buckets.push(bucket(&sum, busy.next().unwrap_or_default()));
        from = to;
    }
    RunSeries { buckets }
}

/// Leaves out of a run that has not ended what is known in part: the newest bucket while its time is not over, since its rates
/// would seem to fall, and the calls in flight as long ago as calls take, since those that have not ended are not counted yet.
fn so_far(mut course: RunSeries, now: Timestamp) -> RunSeries {
    let buckets = &mut course.buckets;
    if let [first, _, .., last] = &**buckets
        && (last.to > now || last.seconds() < first.seconds())
    {
        buckets.pop();
    }
    let taken = buckets.iter().rev().find_map(|bucket| bucket.latency_p50_ms).unwrap_or_default();
    let taken = SignedDuration::from_millis(i64::try_from(taken).unwrap_or(i64::MAX));
    for bucket in
        buckets.iter_mut().filter(|bucket| bucket.to.duration_since(now) + taken > SignedDuration::ZERO)
    {
        bucket.in_flight = None;
    }
    course
}

fn bucket(sum: &SeriesPoint, busy_seconds: f64) -> SeriesBucket {
    let seconds = sum.to.duration_since(sum.from).as_secs_f64();
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
        in_flight: Some(if seconds > 0.0 { busy_seconds / seconds } else { 0.0 }),
    }
}

/// Returns the seconds of all requests that were in flight in each bucket.
fn busy(points: &[SeriesPoint], start: Timestamp, end: Timestamp, length: SignedDuration) -> Vec<f64> {
    let mut buckets: Vec<f64> = Vec::new();
    let of = |moment: Timestamp| moment.duration_since(start).as_secs_f64() / length.as_secs_f64();
    for (from, to, ms) in points.iter().flat_map(SeriesPoint::busy) {
        let (from, to) = (of(from).max(0.0), of(to.min(end)).max(1e-6));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "buckets are few")]
        for n in from as usize..to.ceil() as usize {
            if buckets.len() <= n {
                buckets.resize(n + 1, 0.0);
            }
            #[expect(clippy::cast_precision_loss, reason = "sums of milliseconds are far below 2^52")]
            let (bucket, seconds) = (n as f64, ms as f64 / 1e3);
            let common = (to.min(bucket + 1.0) - from.max(bucket)).max(0.0);
            buckets[n] += seconds * common / (to - from).max(1e-6);
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use runmill_proto::{
        InvocationId,
        message::{Attempt, Call},
        testing,
    };
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn point(second: i64, settled: u64, busy_ms: u64) -> SeriesPoint {
        SeriesPoint { settled, busy_ms: vec![busy_ms], ..SeriesPoint::begin(at(100), at(second)) }
    }

    #[test]
    fn intervals_without_a_log_are_empty_and_the_last_ends_with_the_run() {
        let buckets = course(vec![point(100, 3, 2_500), point(102, 1, 250)], at(103)).buckets;
        let settled: Vec<_> = buckets.iter().map(|bucket| bucket.settled).collect();
        assert_eq!(settled, [3, 0, 1]);
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

    #[test]
    fn calls_in_flight_count_when_they_were_in_flight() {
        // Eight slots are always in use, and all calls take 1.9 s: they end in waves.
        let wave = |n: i64| {
            let end = at(100) + SignedDuration::from_millis(1_900) * i32::try_from(n).unwrap();
            let started_at = end - SignedDuration::from_millis(1_900);
            let sent = Attempt { started_at, latency_ms: 1_900, ..testing::attempt() };
            let call = Call { attempts: vec![sent], ..testing::call(InvocationId::from_uuid(Uuid::nil())) };
            let mut point = SeriesPoint::begin(at(100), end);
            for _ in 0..8 {
                point.charge(&call);
            }
            point
        };
        let buckets = course((1..=20).map(wave).collect(), at(138)).buckets;
        let in_flight: Vec<_> = buckets.iter().filter_map(|bucket| bucket.in_flight).collect();
        assert_eq!((in_flight.len(), buckets[0].from), (39, at(100)));
        // The last bucket begins as the last call ends.
        assert!(in_flight[..38].iter().all(|calls| (calls - 8.0).abs() < 1e-6), "{in_flight:?}");
    }

    #[test]
    fn a_run_at_work_ends_with_what_is_known_in_full() {
        let points = (100..=110).map(|second| SeriesPoint { calls: 1, ..point(second, 1, 900) }).collect();
        let now = at(110) + SignedDuration::from_millis(400);
        let mut buckets = so_far(course(points, now), now).buckets;
        assert_eq!(buckets.last().map(|bucket| (bucket.to, bucket.settled)), Some((at(110), 1)));
        assert!(buckets.iter().all(|bucket| bucket.in_flight.is_some()), "no latency is known");
        for bucket in &mut buckets {
            bucket.latency_p50_ms = Some(900);
        }
        let known: Vec<_> = so_far(RunSeries { buckets }, now).buckets;
        assert_eq!(known.iter().filter(|bucket| bucket.in_flight.is_none()).count(), 1, "{known:?}");
        let short = so_far(course(vec![point(100, 1, 0)], at(100)), at(100));
        assert_eq!(short.buckets.len(), 1, "a run that has begun just now");
    }
}
