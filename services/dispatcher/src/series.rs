//! Course of a run over time, for charts.

use jiff::{SignedDuration, Timestamp};
use runmill_proto::{
    InvocationId,
    api::{InvocationRecord, RunSeries, SeriesBucket},
    usd,
};
use runmill_store::{RunRow, StoreError};
use uuid::{NoContext, Uuid};

use crate::api::ApiState;

/// Largest number of invocations of which a course is made: the newest.
const INVOCATIONS_MAX: usize = 5_000;
/// Number of invocations that one query reads.
const CHUNK: u32 = 1_000;
/// Largest number of buckets.
const BUCKETS_MAX: i64 = 72;
/// Lengths of a bucket in seconds.
const LENGTHS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400];

/// Returns the course of a run: all of it, or the newest part of one with many calls.
pub async fn of_run(state: &ApiState, run: &RunRow) -> Result<RunSeries, StoreError> {
    let now = state.clock.now();
    let until = run.finished_at.or_else(|| run.paused_at()).unwrap_or(now);
    let mut invocations = read(state, run, start(run, until).map(first_after)).await?;
    if invocations.is_empty() {
        // All calls were made long before, as in a run that was resumed a moment ago.
        invocations = read(state, run, None).await?;
    }
    let course = course(&invocations, until);
    Ok(if run.status.is_terminal() { course } else { without_unfinished(course, now) })
}

/// Reads the invocations after one, as many as a course has.
async fn read(
    state: &ApiState,
    run: &RunRow,
    mut after: Option<InvocationId>,
) -> Result<Vec<InvocationRecord>, StoreError> {
    let mut invocations: Vec<InvocationRecord> = Vec::new();
    loop {
        let read = state.store.invocations(run.id, after, CHUNK).await?;
        let is_end = read.len() < CHUNK as usize;
        after = read.last().map(|last| last.id);
        invocations.extend(read);
        if is_end || invocations.len() >= INVOCATIONS_MAX {
            return Ok(invocations);
        }
    }
}

/// Returns the time since which the run had about as many calls as are read. `None` for the whole run.
fn start(run: &RunRow, until: Timestamp) -> Option<Timestamp> {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let (calls, most) = (run.counters().calls.max(run.counters().settled) as f64, INVOCATIONS_MAX as f64);
    let taken = until.duration_since(run.started_at?).as_secs_f64();
    // Somewhat less, so that what is read reaches up to now.
    let part = SignedDuration::try_from_secs_f64(taken * most / calls * 0.9).ok()?;
    (calls > most).then(|| until.saturating_sub(part).unwrap_or(until))
}

/// Returns an id of the kind that is made at this time: ids are in the order of their times.
fn first_after(at: Timestamp) -> InvocationId {
    let seconds = at.as_second().try_into().unwrap_or_default();
    let nanoseconds = at.subsec_nanosecond().try_into().unwrap_or_default();
    InvocationId::from_uuid(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanoseconds)))
}

/// Puts invocations into buckets, of which the last one ends at `until` or soon after.
fn course(invocations: &[InvocationRecord], until: Timestamp) -> RunSeries {
    let Some(first) = invocations.iter().map(|one| one.started_at).min() else { return RunSeries::default() };
    let last = invocations.iter().map(ended_at).max().unwrap_or(first).max(until);
    let seconds = last.duration_since(first).as_secs().max(1);
    let length = LENGTHS.into_iter().find(|length| seconds <= length * BUCKETS_MAX).unwrap_or(86_400 * 7);
    let from = first.as_second().div_euclid(length) * length;
    let count = (last.as_second() - from) / length + 1;
    let mut buckets: Vec<_> =
        (0..count.min(BUCKETS_MAX + 1)).map(|n| Bucket::new(from + n * length, length)).collect();
    for invocation in invocations {
        for bucket in &mut buckets {
            bucket.add(invocation);
        }
    }
    RunSeries { buckets: buckets.into_iter().map(Bucket::summed).collect() }
}

/// Leaves the newest bucket out while its time is not over: its rates would seem to fall.
fn without_unfinished(mut course: RunSeries, now: Timestamp) -> RunSeries {
    if course.buckets.len() > 2 && course.buckets.last().is_some_and(|last| now < last.to) {
        course.buckets.pop();
    }
    course
}

fn ended_at(invocation: &InvocationRecord) -> Timestamp {
    end(invocation.started_at, invocation.latency_ms)
}

fn end(begin: Timestamp, latency_ms: u64) -> Timestamp {
    let latency = i64::try_from(latency_ms).map_or(SignedDuration::MAX, SignedDuration::from_millis);
    begin.saturating_add(latency).unwrap_or(Timestamp::MAX)
}

/// A bucket that is being filled.
struct Bucket {
    sums: SeriesBucket,
    cost_nanousd: Option<i64>,
    latencies: Vec<u64>,
    first_tokens: Vec<u64>,
    /// Seconds of all requests within the bucket.
    busy: f64,
}

impl Bucket {
    fn new(from: i64, length: i64) -> Self {
        let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let sums = SeriesBucket {
            from: at(from),
            to: at(from + length),
            settled: 0,
            calls: 0,
            retries: 0,
            errors: std::collections::BTreeMap::new(),
            input_tokens: 0,
            output_tokens: 0,
            cost_usd: None,
            latency_p50_ms: None,
            latency_p99_ms: None,
            ttft_p50_ms: None,
            ttft_p99_ms: None,
            in_flight: 0.0,
        };
        Self { sums, cost_nanousd: None, latencies: Vec::new(), first_tokens: Vec::new(), busy: 0.0 }
    }

    fn add(&mut self, invocation: &InvocationRecord) {
        let sums = &mut self.sums;
        let sent: Vec<_> = invocation.attempts.iter().filter(|attempt| !attempt.unsent).collect();
        for attempt in &sent {
            let (begin, end) = (attempt.started_at, end(attempt.started_at, attempt.latency_ms));
            let within = end.min(sums.to).duration_since(begin.max(sums.from)).as_secs_f64();
            self.busy += within.max(0.0);
        }
        let end = ended_at(invocation);
        if end < sums.from || end >= sums.to {
            return;
        }
        sums.settled += u64::from(invocation.outcome.is_some());
        let requests = sent.len() as u64;
        sums.calls += requests;
        sums.retries += requests.saturating_sub(1);
        for kind in invocation.attempts.iter().filter_map(|attempt| attempt.error_kind) {
            *sums.errors.entry(kind).or_default() += 1;
        }
        let usage = invocation.usage.unwrap_or_default();
        sums.input_tokens = sums.input_tokens.saturating_add(usage.prompt_tokens);
        sums.output_tokens = sums.output_tokens.saturating_add(usage.completion_tokens);
        if let Some(cost) = invocation.cost_nanousd {
            self.cost_nanousd = Some(self.cost_nanousd.unwrap_or_default().saturating_add(cost));
        }
        // A job that is put off before its first request has waited for nothing of the provider's.
        self.latencies.extend((requests > 0).then_some(invocation.latency_ms));
        self.first_tokens.extend(invocation.ttft_ms);
    }

    fn summed(mut self) -> SeriesBucket {
        let seconds = self.sums.to.duration_since(self.sums.from).as_secs_f64().max(1.0);
        self.latencies.sort_unstable();
        self.first_tokens.sort_unstable();
        SeriesBucket {
            cost_usd: self.cost_nanousd.map(usd),
            latency_p50_ms: percentile(&self.latencies, 50),
            latency_p99_ms: percentile(&self.latencies, 99),
            ttft_p50_ms: percentile(&self.first_tokens, 50),
            ttft_p99_ms: percentile(&self.first_tokens, 99),
            in_flight: self.busy / seconds,
            ..self.sums
        }
    }
}

/// Returns the smallest value that so many percent of the sorted values do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use runmill_proto::{ErrorKind, Outcome, message::Attempt, testing};

    use super::*;

    fn invocation(second: i64, latency_ms: u64) -> InvocationRecord {
        let call = testing::call(first_after(Timestamp::from_second(second).unwrap()));
        let started_at = Timestamp::from_second(second).unwrap();
        let answered = Attempt { started_at, latency_ms, ..testing::attempt() };
        let failed = Attempt { error_kind: Some(ErrorKind::Overloaded), latency_ms: 0, ..answered.clone() };
        InvocationRecord {
            id: call.id,
            ordinal: 0,
            sample: 0,
            provider_id: call.provider_id,
            model: call.model,
            outcome: Some(Outcome::Succeeded),
            error_kind: None,
            attempts: vec![failed, answered],
            usage: None,
            cost_nanousd: Some(500_000_000),
            streamed: true,
            started_at,
            latency_ms,
            ttft_ms: None,
            remarks: call.remarks,
            client: None,
        }
    }

    #[test]
    fn calls_count_where_they_end_and_are_in_flight_where_they_run() {
        let all = [invocation(100, 2_500), invocation(101, 500), invocation(101, 1_500)];
        let buckets = course(&all, Timestamp::from_second(103).unwrap()).buckets;
        let settled: Vec<_> = buckets.iter().map(|bucket| bucket.settled).collect();
        assert_eq!(settled, [0, 1, 2, 0]);
        let in_flight: Vec<_> = buckets.iter().map(|bucket| bucket.in_flight).collect();
        assert_eq!(in_flight, [1.0, 2.5, 1.0, 0.0]);
        let third = &buckets[2];
        assert_eq!((third.calls, third.retries, third.errors[&ErrorKind::Overloaded]), (4, 2, 2));
        assert_eq!(
            (third.latency_p50_ms, third.latency_p99_ms, third.ttft_p50_ms),
            (Some(1_500), Some(2_500), None)
        );
        assert_eq!(third.cost_usd, Some(1.0));
        assert_eq!(third.to, buckets[3].from);
    }

    #[test]
    fn a_long_run_has_no_more_buckets_than_a_chart_shows() {
        for seconds in [1, 71, 73, 3_600, 1_000_000, 30_000_000] {
            let buckets = course(&[invocation(0, 0)], Timestamp::from_second(seconds).unwrap()).buckets;
            assert!((1..=73).contains(&buckets.len()), "{seconds}: {}", buckets.len());
        }
        assert!(course(&[], Timestamp::UNIX_EPOCH).buckets.is_empty());
    }
}
