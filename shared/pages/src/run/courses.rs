use std::collections::BTreeMap;

use jiff::Timestamp;
use maud::{Markup, html};
use runmill_proto::{ErrorKind, api::SeriesBucket};

use super::{RunPage, budget_usd};
use crate::{
    chart::{Chart, Series},
    number::{decimal, float, millis, usd},
};

/// Largest number of error kinds with a colour of their own. The rest is one.
const KINDS: usize = 5;

/// Returns the charts of a run's course.
pub fn charts(page: &RunPage<'_>) -> Markup {
    let buckets = &page.series.buckets;
    let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else {
        return html! { p.empty { "No call has ended yet." } };
    };
    let of = Course { buckets, from: first.from, to: last.to };
    html! {
        (of.settled().figure())
        (of.in_flight(page.limit).figure())
        (of.latency().figure())
        (of.first_token().figure())
        (of.tokens().figure())
        (of.calls().figure())
        (of.errors().figure())
        (of.cost(page).figure())
    }
}

struct Course<'a> {
    buckets: &'a [SeriesBucket],
    from: Timestamp,
    to: Timestamp,
}

impl Course<'_> {
    fn chart(&self, title: &'static str, unit: fn(f64) -> String, lines: Vec<Series>) -> Chart {
        Chart { title, unit, lines, bars: Vec::new(), limit: None, from: self.from, to: self.to }
    }

    fn series(&self, name: &str, value: impl Fn(&SeriesBucket) -> Option<f64>) -> Series {
        Series::new(name, self.buckets.iter().map(value))
    }

    fn settled(&self) -> Chart {
        let settled = self.series("settled", |bucket| Some(float(bucket.settled) / bucket.seconds()));
        self.chart("Items per second", decimal, vec![settled])
    }

    fn in_flight(&self, limit: Option<f64>) -> Chart {
        let calls = self.series("mean", |bucket| bucket.in_flight);
        let chart = self.chart("Calls in flight", decimal, vec![calls]);
        Chart { limit: limit.map(|limit| ("limit", limit)), ..chart }
    }

    fn latency(&self) -> Chart {
        let p50 = self.series("p50", |bucket| bucket.latency_p50_ms.map(float));
        let p99 = self.series("p99", |bucket| bucket.latency_p99_ms.map(float));
        self.chart("Latency", duration, vec![p50, p99])
    }

    fn first_token(&self) -> Chart {
        let p50 = self.series("p50", |bucket| bucket.ttft_p50_ms.map(float));
        let p99 = self.series("p99", |bucket| bucket.ttft_p99_ms.map(float));
        self.chart("Time to first token", duration, vec![p50, p99])
    }

    fn tokens(&self) -> Chart {
        let answers = self.series("answers", |bucket| Some(float(bucket.output_tokens) / bucket.seconds()));
        let prompts = self.series("prompts", |bucket| Some(float(bucket.input_tokens) / bucket.seconds()));
        self.chart("Tokens per second", decimal, vec![answers, prompts])
    }

    fn calls(&self) -> Chart {
        let calls = self.series("calls", |bucket| Some(float(bucket.calls) / bucket.seconds()));
        self.chart("Calls per second", decimal, vec![calls])
    }

    fn errors(&self) -> Chart {
        let retries = self.series("retries", |bucket| Some(float(bucket.retries)));
        let chart = self.chart("Retries and errors", decimal, vec![retries]);
        Chart { bars: self.kinds(), ..chart }
    }

    /// Returns a series for each of the commonest kinds of error, and one for the others.
    fn kinds(&self) -> Vec<Series> {
        let mut sums: BTreeMap<ErrorKind, u64> = BTreeMap::new();
        for (kind, count) in self.buckets.iter().flat_map(|bucket| &bucket.errors) {
            *sums.entry(*kind).or_default() += count;
        }
        let mut kinds: Vec<_> = sums.into_iter().collect();
        kinds.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
        let (own, others) = kinds.split_at(kinds.len().min(KINDS));
        let number = |bucket: &SeriesBucket, kind| bucket.errors.get(kind).copied().unwrap_or_default();
        let mut series: Vec<_> = own
            .iter()
            .map(|(kind, _)| self.series(&words(*kind), |bucket| Some(float(number(bucket, kind)))))
            .collect();
        if !others.is_empty() {
            let rest = |bucket: &SeriesBucket| others.iter().map(|(kind, _)| number(bucket, kind)).sum();
            series.push(self.series("other kinds", |bucket| Some(float(rest(bucket)))));
        }
        series
    }

    /// Draws the cost so far. What was spent before the first bucket is its beginning.
    fn cost(&self, page: &RunPage<'_>) -> Chart {
        let is_known = self.buckets.iter().any(|bucket| bucket.cost_usd.is_some());
        let drawn: f64 = self.buckets.iter().filter_map(|bucket| bucket.cost_usd).sum();
        let mut sum = (page.head.run.cost_usd.unwrap_or_default() - drawn).max(0.0);
        let sums = self.buckets.iter().map(|bucket| {
            sum += bucket.cost_usd.unwrap_or_default();
            is_known.then_some(sum)
        });
        let spent = Series::new("spent", sums);
        let chart = self.chart("Cost", |value| usd(Some(value)), vec![spent]);
        let budget = budget_usd(page.head.run);
        Chart { limit: budget.map(|budget| ("budget", budget)), ..chart }
    }
}

/// Returns the name of a kind of error in words.
pub fn words(kind: ErrorKind) -> String {
    kind.as_str().replace('_', " ")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn duration(value: f64) -> String {
    millis(Some(value.round() as u64))
}
