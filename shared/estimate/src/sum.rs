use runmill_pricing::{Hours, Place, Price, Terms};
use runmill_proto::Usage;

/// Range from `low` to `high`, where `None` means no upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<T> {
    pub low: T,
    pub high: Option<T>,
}

/// All that an estimate depends on, except the prompts.
pub struct Basis {
    pub model: String,
    pub samples: u32,
    pub answer_tokens: Span<u64>,
    /// Price of the model. `None` if no price table has one.
    pub price: Option<Price>,
    /// Place where the provider processes calls.
    pub place: Place,
    pub pace: Pace,
}

/// Limits and durations that decide how long a run takes.
pub struct Pace {
    /// Maximum number of calls in flight, at least 1.
    pub concurrency: u32,
    pub seconds_per_call: f64,
    /// Maximum number of calls per minute, greater than 0.
    pub calls_per_minute: Option<f64>,
    pub tokens_per_minute: Option<u64>,
}

/// Sums for a run in which every job needs one call.
pub struct Estimate {
    pub(super) basis: Basis,
    pub(super) items: u64,
    /// Number of prompt tokens of all calls.
    pub(super) prompt_tokens: u64,
    /// Cost of all calls in nanodollars; meaningless without a price.
    cost: Span<i64>,
    /// Number of images that are sent. Their tokens and their cost are not estimated.
    pub(super) images: u64,
    /// Number of items whose prompt exceeds the model's context window.
    pub(super) too_long: u64,
}

impl Estimate {
    pub fn new(basis: Basis) -> Self {
        let cost = Span { low: 0, high: basis.answer_tokens.high.map(|_| 0) };
        Self { basis, items: 0, prompt_tokens: 0, cost, images: 0, too_long: 0 }
    }

    /// Adds an item, with the tokens and the images of its prompt.
    pub fn add(&mut self, prompt_tokens: u64, images: usize) {
        let samples = u64::from(self.basis.samples);
        self.items += 1;
        self.prompt_tokens += prompt_tokens * samples;
        self.images += images as u64 * samples;
        let Some(price) = &self.basis.price else { return };
        self.too_long += u64::from(price.context_window().is_some_and(|most| prompt_tokens > most));
        let samples = i64::from(self.basis.samples);
        let place = self.basis.place;
        // Each item is priced alone, because a long prompt may have another price. The answer may consist of
        // reasoning completely or not at all, and the model may be cheaper at some hours.
        let costs = |answer: u64| {
            let usages = [0, answer].map(|reasoning| usage(prompt_tokens, answer, reasoning));
            let cost =
                |hours| usages.map(|usage| price.cost(&usage, Terms { hours, place, ..Terms::default() }));
            let known = [Hours::Peak, Hours::OffPeak].map(cost).into_iter().flatten();
            known.map(|cost| cost.expect("text has a price").saturating_mul(samples))
        };
        let Span { low, high } = self.basis.answer_tokens;
        self.cost.low = self.cost.low.saturating_add(costs(low).min().unwrap_or_default());
        if let (Some(sum), Some(high)) = (&mut self.cost.high, high) {
            *sum = sum.saturating_add(costs(high).max().unwrap_or_default());
        }
    }

    pub fn calls(&self) -> u64 {
        self.items * u64::from(self.basis.samples)
    }

    /// Returns the completion tokens of all calls.
    pub fn completion_tokens(&self) -> Span<u64> {
        let Span { low, high } = self.basis.answer_tokens;
        let all = |tokens: u64| tokens.saturating_mul(self.calls());
        Span { low: all(low), high: high.map(all) }
    }

    /// Returns the cost in nanodollars, or `None` if the price is not known.
    pub fn cost(&self) -> Option<Span<i64>> {
        self.basis.price.as_ref().map(|_| self.cost)
    }

    /// Returns the time in seconds, which the slowest limit decides.
    pub fn seconds(&self) -> Span<f64> {
        let pace = &self.basis.pace;
        let calls = number(self.calls());
        let in_flight = calls.min(f64::from(pace.concurrency)).max(1.0);
        let calling = calls * pace.seconds_per_call / in_flight;
        let started = pace.calls_per_minute.map_or(0.0, |most| calls / most * 60.0);
        let Some(tokens_per_minute) = pace.tokens_per_minute.filter(|most| *most > 0) else {
            let seconds = calling.max(started);
            return Span { low: seconds, high: Some(seconds) };
        };
        let completion = self.completion_tokens();
        let with = |answers: u64| {
            let tokens = number(self.prompt_tokens.saturating_add(answers));
            calling.max(started).max(tokens / number(tokens_per_minute) * 60.0)
        };
        Span { low: with(completion.low), high: completion.high.map(with) }
    }
}

fn usage(prompt_tokens: u64, completion_tokens: u64, reasoning_tokens: u64) -> Usage {
    Usage { prompt_tokens, completion_tokens, reasoning_tokens, ..Usage::default() }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate, and counts are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
pub(crate) mod tests {
    use runmill_pricing::PriceTable;
    use runmill_proto::api::ProviderKind;

    use super::*;

    /// Returns a price of $2 per million prompt tokens and $10 per million completion tokens; $4 and $20 for prompts above
    /// 1,000 tokens. The context window has 2,000.
    pub fn price() -> Price {
        let table = r#"{"source": "a test", "date": "2026-01-31", "models": {"m": {
            "input": 2, "output": 10, "context_window": 2000,
            "tiers": [{"above": 1000, "input": 4, "output": 20}]
        }}}"#;
        price_of(table)
    }

    fn price_of(table: &str) -> Price {
        PriceTable::load(table).unwrap().price(ProviderKind::Custom, "m").unwrap().clone()
    }

    pub fn basis() -> Basis {
        Basis {
            model: "m".to_owned(),
            samples: 2,
            answer_tokens: Span { low: 10, high: Some(100) },
            price: Some(price()),
            place: Place::Global,
            pace: Pace {
                concurrency: 4,
                seconds_per_call: 3.0,
                calls_per_minute: None,
                tokens_per_minute: None,
            },
        }
    }

    pub fn estimate(basis: Basis, prompts: &[u64]) -> Estimate {
        let mut estimate = Estimate::new(basis);
        for tokens in prompts {
            estimate.add(*tokens, 0);
        }
        estimate
    }

    #[test]
    fn tokens_and_money_are_of_every_sample_of_every_item() {
        let estimate = estimate(basis(), &[100, 1_000, 1_001]);

        assert_eq!((estimate.calls(), estimate.prompt_tokens), (6, 4_202));
        assert_eq!(estimate.completion_tokens(), Span { low: 60, high: Some(600) });
        let prompts = 2 * (100 * 2_000 + 1_000 * 2_000 + 1_001 * 4_000);
        let answers = |tokens: i64| 2 * tokens * (10_000 + 10_000 + 20_000);
        let want = Span { low: prompts + answers(10), high: Some(prompts + answers(100)) };
        assert_eq!(estimate.cost(), Some(want));
    }

    #[test]
    fn an_answer_may_be_all_reasoning_or_none() {
        for (reasoning, low, high) in [(30, 10 * 10_000, 100 * 30_000), (1, 10 * 1_000, 100 * 10_000)] {
            let table =
                format!(r#"{{"models": {{"m": {{"input": 0, "output": 10, "reasoning": {reasoning}}}}}}}"#);
            let price = Some(price_of(&table));
            let estimate = estimate(Basis { price, samples: 1, ..basis() }, &[1]);
            assert_eq!(estimate.cost(), Some(Span { low, high: Some(high) }), "{reasoning}");
        }
    }

    #[test]
    fn the_hours_and_the_place_count() {
        let table = r#"{"models": {"m": {"input": 0, "output": 10, "uplift": {"eu": 1.1},
            "off_peak": {"hours_utc": "16:30-00:30", "output": 5}}}}"#;
        let basis = Basis { price: Some(price_of(table)), place: Place::Eu, samples: 1, ..basis() };
        assert_eq!(estimate(basis, &[1]).cost(), Some(Span { low: 10 * 5_500, high: Some(100 * 11_000) }));
    }

    #[test]
    fn without_a_price_there_is_no_cost_and_without_a_bound_no_highest() {
        let unpriced = estimate(Basis { price: None, ..basis() }, &[100]);
        assert_eq!((unpriced.cost(), unpriced.prompt_tokens), (None, 200));

        let unbounded = Span { low: 0, high: None };
        let estimate = estimate(Basis { answer_tokens: unbounded, ..basis() }, &[100]);
        assert_eq!(estimate.completion_tokens(), unbounded);
        assert_eq!(estimate.cost(), Some(Span { low: 2 * 100 * 2_000, high: None }));
    }

    #[test]
    fn a_prompt_beyond_the_models_window_is_counted() {
        assert_eq!(estimate(basis(), &[1_999, 2_000, 2_001]).too_long, 1);
    }

    #[test]
    fn time_is_of_what_holds_the_calls_up_longest() {
        let rows = [
            // Concurrency, calls and tokens per minute; seconds for 6 calls of 100 prompt and 10 to 100 completion tokens.
            (1, None, None, 18.0, 18.0),
            (4, None, None, 4.5, 4.5),
            (6, None, None, 3.0, 3.0),
            (64, None, None, 3.0, 3.0),
            (64, Some(60.0), None, 6.0, 6.0),
            (1, Some(60.0), None, 18.0, 18.0),
            (64, None, Some(600), 66.0, 120.0),
            (64, None, Some(0), 3.0, 3.0),
            (64, None, Some(1_000_000), 3.0, 3.0),
        ];
        for (concurrency, calls_per_minute, tokens_per_minute, low, high) in rows {
            let pace = Pace { concurrency, seconds_per_call: 3.0, calls_per_minute, tokens_per_minute };
            let estimate = estimate(Basis { pace, ..basis() }, &[100; 3]);
            assert_eq!(estimate.seconds(), Span { low, high: Some(high) }, "{concurrency}");
        }
    }

    #[test]
    fn no_items_take_nothing() {
        let estimate = estimate(basis(), &[]);
        assert_eq!(estimate.cost(), Some(Span { low: 0, high: Some(0) }));
        assert_eq!(estimate.seconds(), Span { low: 0.0, high: Some(0.0) });
    }
}
