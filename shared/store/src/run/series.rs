use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use runmill_proto::{ErrorKind, message::Call};
use serde::{Deserialize, Serialize};

use crate::{columns::stored_as_json, time::micros};

/// Lengths of intervals, each with the age of a run up to which they are taken: some 1,800 intervals for the first day, and
/// 288 for each further one.
const LENGTHS: [(SignedDuration, SignedDuration); 4] = [
    (SignedDuration::from_mins(2), SignedDuration::from_secs(1)),
    (SignedDuration::from_mins(10), SignedDuration::from_secs(5)),
    (SignedDuration::from_hours(1), SignedDuration::from_secs(30)),
    (SignedDuration::from_hours(24), SignedDuration::from_mins(1)),
];
const LONGEST: SignedDuration = SignedDuration::from_mins(5);
/// Largest number of intervals over which the time of a request is told. No request of a run's first hour takes more. What
/// is left is not told: in one interval it would look like many requests.
const BUSY_MAX: usize = 120;

/// Calls of a run whose logs were written in one interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SeriesPoint {
    /// Beginning and end of the interval.
    pub from: Timestamp,
    pub to: Timestamp,
    /// Number of jobs that got their result.
    pub settled: u64,
    /// Number of HTTP requests that reached the provider.
    pub calls: u64,
    pub retries: u64,
    /// Number of failed attempts by kind of error.
    pub errors: BTreeMap<ErrorKind, u64>,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Sum of the costs that are known. `None` if none is.
    pub cost_nanousd: Option<i64>,
    /// Milliseconds of the calls, waits and retries included.
    pub latencies: Times,
    /// Milliseconds to the first tokens of the attempts that were answered.
    pub ttfts: Times,
    /// Milliseconds of the requests that ended in this interval, by when they were in flight: in this interval first, then in
    /// each one before it that is as long.
    pub busy_ms: Vec<u64>,
}

/// Milliseconds, each with how often it occurred. Above 127 they are rounded down, by less than one in 64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Times(BTreeMap<u64, u64>);

stored_as_json! { SeriesPoint }

impl SeriesPoint {
    /// Begins the interval around `now` of a run that started at `started_at`. Intervals of one length begin at its multiples
    /// after the start, so that they are the same for every process.
    pub fn begin(started_at: Timestamp, now: Timestamp) -> Self {
        let age = now.duration_since(started_at).max(SignedDuration::ZERO);
        let length = LENGTHS.iter().find(|(up_to, _)| age < *up_to).map_or(LONGEST, |(_, length)| *length);
        let passed = age.as_millis() / length.as_millis();
        let passed = i32::try_from(passed).unwrap_or(i32::MAX);
        let from = micros(started_at) + length * passed;
        Self { from, to: from + length, ..Self::default() }
    }

    /// Returns true if the interval has ended by `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.to
    }

    /// Counts a call.
    pub fn charge(&mut self, call: &Call) {
        self.calls += call.requests();
        self.retries += call.retries();
        for kind in call.attempts.iter().filter_map(|attempt| attempt.error_kind) {
            *self.errors.entry(kind).or_default() += 1;
        }
        if let Some(usage) = call.usage {
            self.prompt_tokens += usage.prompt_tokens;
            self.completion_tokens += usage.completion_tokens;
        }
        if let Some(cost) = call.cost_nanousd {
            let sum = self.cost_nanousd.get_or_insert(0);
            *sum = sum.saturating_add(cost);
        }
        if call.requests() > 0 {
            self.latencies.record(call.latency_ms);
        }
        for sent in call.attempts.iter().filter(|attempt| !attempt.unsent) {
            let latency = SignedDuration::from_millis(sent.latency_ms.try_into().unwrap_or(i64::MAX));
            let end = sent.started_at.saturating_add(latency).unwrap_or(Timestamp::MAX);
            self.occupy(sent.started_at, end);
        }
        if let Some(ttft) = call.ttft_ms {
            self.ttfts.record(ttft);
        }
    }

    /// Counts the time of a request.
    fn occupy(&mut self, begin: Timestamp, mut end: Timestamp) {
        let length = self.to.duration_since(self.from);
        let mut from = self.from;
        for index in 0..BUSY_MAX {
            let within = end.duration_since(begin.max(from)).as_millis().try_into().unwrap_or(0);
            if self.busy_ms.len() == index {
                self.busy_ms.push(0);
            }
            self.busy_ms[index] = self.busy_ms[index].saturating_add(within);
            if begin >= from {
                break;
            }
            end = end.min(from);
            from = from.saturating_sub(length).unwrap_or(Timestamp::MIN);
        }
    }

    /// Returns the times in which requests were in flight that ended in this interval, each with the sum of their milliseconds.
    pub fn busy(&self) -> impl Iterator<Item = (Timestamp, Timestamp, u64)> {
        let length = self.to.duration_since(self.from);
        let earlier = move |moment: Timestamp| moment.saturating_sub(length).unwrap_or(Timestamp::MIN);
        let spans =
            std::iter::successors(Some((self.from, self.to)), move |(from, _)| Some((earlier(*from), *from)));
        spans.zip(&self.busy_ms).map(|((from, to), ms)| (from, to, *ms))
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("its keys are strings and numbers")
    }

    /// Adds the interval that follows this one, without the time of its requests: [`busy`](Self::busy) tells it of each.
    pub fn extend(&mut self, next: Self) {
        self.to = next.to;
        self.settled += next.settled;
        self.calls += next.calls;
        self.retries += next.retries;
        for (kind, count) in next.errors {
            *self.errors.entry(kind).or_default() += count;
        }
        self.prompt_tokens += next.prompt_tokens;
        self.completion_tokens += next.completion_tokens;
        if let Some(cost) = next.cost_nanousd {
            let sum = self.cost_nanousd.get_or_insert(0);
            *sum = sum.saturating_add(cost);
        }
        self.latencies.extend(&next.latencies);
        self.ttfts.extend(&next.ttfts);
    }
}

impl Times {
    fn record(&mut self, ms: u64) {
        let dropped = (u64::BITS - ms.leading_zeros()).saturating_sub(7);
        *self.0.entry(ms >> dropped << dropped).or_default() += 1;
    }

    fn extend(&mut self, other: &Self) {
        for (ms, count) in &other.0 {
            *self.0.entry(*ms).or_default() += count;
        }
    }

    /// Returns the milliseconds that `percent` of 100 do not exceed. `None` if there are none.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let total: u64 = self.0.values().sum();
        let wanted = (total * percent).div_ceil(100).max(1);
        let mut passed = 0;
        self.0.iter().find_map(|(ms, count)| {
            passed += count;
            (passed >= wanted).then_some(*ms)
        })
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{InvocationId, testing};
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn intervals_grow_with_the_age_of_the_run_and_follow_each_other() {
        for (age, from, to) in [
            (0, 0, 1),
            (119, 119, 120),
            (120, 120, 125),
            (599, 595, 600),
            (3_601, 3_600, 3_660),
            (86_401, 86_400, 86_700),
        ] {
            let point = SeriesPoint::begin(at(1_000), at(1_000 + age));
            assert_eq!((point.from, point.to), (at(1_000 + from), at(1_000 + to)), "{age}");
            assert!(!point.is_over(at(999 + to)) && point.is_over(at(1_000 + to)), "{age}");
        }
        let early = SeriesPoint::begin(at(1_000), at(5));
        assert_eq!(early.from, at(1_000), "a log that is older than its run");
    }

    #[test]
    fn two_intervals_add_up_to_one() {
        let mut call = testing::call(InvocationId::from_uuid(Uuid::nil()));
        call.attempts = vec![testing::attempt()];
        call.attempts[0].error_kind = Some(ErrorKind::Overloaded);
        (call.latency_ms, call.ttft_ms, call.cost_nanousd) = (1_000, Some(40), Some(7));
        let (mut first, mut second) = (SeriesPoint::begin(at(0), at(0)), SeriesPoint::begin(at(0), at(1)));
        first.charge(&call);
        call.latency_ms = 3_000;
        second.charge(&call);
        second.settled = 2;
        first.extend(second);

        assert_eq!((first.from, first.to, first.settled, first.calls), (at(0), at(2), 2, 2));
        assert_eq!(first.errors[&ErrorKind::Overloaded], 2);
        assert_eq!(first.cost_nanousd, Some(14));
        assert_eq!(
            (first.latencies.percentile(50), first.latencies.percentile(99)),
            (Some(1_000), Some(2_976))
        );
        assert_eq!((first.ttfts.percentile(50), Times::default().percentile(50)), (Some(40), None));
        let stored = serde_json::to_string(&first).unwrap();
        assert_eq!(serde_json::from_str::<SeriesPoint>(&stored).unwrap(), first);
    }

    #[test]
    fn a_request_is_told_where_it_was_in_flight() {
        let millis = |ms| Timestamp::from_millisecond(ms).unwrap();
        for (begin, end, want) in [
            (10_200, 10_900, vec![700]),
            (9_700, 10_400, vec![400, 300]),
            // It ended before its log was written in this interval.
            (8_500, 9_500, vec![0, 500, 500]),
            (10_500, 11_200, vec![700]),
        ] {
            let mut point = SeriesPoint::begin(at(0), at(10));
            point.occupy(millis(begin), millis(end));
            assert_eq!(point.busy_ms, want, "{begin} to {end}");
        }
        let mut point = SeriesPoint::begin(at(0), at(100));
        point.occupy(at(0), at(101));
        assert_eq!(point.busy_ms, [1_000; 101], "a request as long as the run");
        point.occupy(at(-900), at(101));
        assert_eq!(
            (point.busy_ms.len(), point.busy_ms.last()),
            (BUSY_MAX, Some(&1_000)),
            "no second has more than one"
        );
        let spans: Vec<_> = point.busy().take(2).collect();
        assert_eq!(spans, [(at(100), at(101), 2_000), (at(99), at(100), 2_000)]);
    }
}
