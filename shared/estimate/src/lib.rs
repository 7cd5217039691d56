//! Estimate of a run's calls, tokens, cost and time, from its items and what has to be assumed. Calls no model.

mod sum;
mod tokens;
mod words;

use runmill_pricing::{Price, PriceTable, Seller};
use runmill_prompt::{Prompt, PromptError};
use runmill_proto::{
    Item, JobConfig, RunConfig,
    api::{ProviderKind, RateLimit},
};
use runmill_quota::{fleet_concurrency, run_concurrency};

pub use sum::{Estimate, Span};
pub use words::Names;

use sum::{Basis, Pace};
use tokens::Counter;

/// Facts that are not known before the run and have to be assumed.
#[derive(Clone, Copy, Debug)]
pub struct Assumptions {
    /// Duration of a call, above 0.
    pub seconds_per_call: f64,
    /// Minimum number of tokens in an answer.
    pub answer_tokens: u64,
}

/// Facts about the provider on which an estimate depends.
pub struct ProviderFacts {
    pub kind: ProviderKind,
    pub base_url: String,
    pub limit: RateLimit,
    pub takes_images: bool,
}

/// Run to estimate.
pub struct Subject<'a> {
    pub model: &'a str,
    pub config: &'a RunConfig,
    pub job: &'a JobConfig,
    pub provider: &'a ProviderFacts,
    pub prices: &'a PriceTable,
    /// Number of calls in flight for a provider that states no limit.
    pub lane_concurrency: u32,
    pub assumptions: Assumptions,
}

/// Adds up the items of a run, whose prompts are rendered as the run would render them.
pub struct Estimator {
    prompt: Prompt,
    counter: Counter,
    estimate: Estimate,
}

impl Estimator {
    /// Returns an error if the run's prompt template does not compile.
    pub fn new(subject: &Subject<'_>) -> Result<Self, PromptError> {
        let Subject { model, config, job, provider, prices, lane_concurrency, assumptions } = subject;
        let seller = Seller::at(provider.kind, &provider.base_url);
        let price = prices.price(seller, model);
        let fleet = fleet_concurrency(provider.limit.concurrency, *lane_concurrency, 1);
        let estimate = Estimate::new(Basis {
            model: (*model).to_owned(),
            samples: config.asked_samples(),
            answer_tokens: answer_tokens(assumptions.answer_tokens, job.generation.max_new_tokens, price),
            price: price.cloned(),
            place: seller.place(),
            pace: Pace {
                concurrency: run_concurrency(fleet, config.concurrency()),
                seconds_per_call: assumptions.seconds_per_call,
                calls_per_minute: calls_per_minute(&provider.limit),
                tokens_per_minute: provider.limit.tpm,
            },
        });
        let prompt = Prompt::compile(job.prompt_template.as_deref())?;
        Ok(Self { prompt, counter: Counter::new(job, provider.takes_images), estimate })
    }

    /// Adds an item. An error says, in words, why no prompt can be made of it.
    pub fn add(&mut self, item: &Item) -> Result<(), String> {
        let text = self.prompt.render(item).map_err(|fault| format!("item {}: {fault}", item.id))?;
        let tokens = Counter::tokens_before(item) + self.counter.prompt_tokens(&text);
        self.estimate.add(tokens, self.counter.images(item));
        Ok(())
    }

    pub fn finish(self) -> Estimate {
        self.estimate
    }
}

/// Returns the range of an answer's tokens: from the assumed minimum to the run's or the model's limit, whichever is lower.
fn answer_tokens(assumed: u64, of_run: Option<u32>, price: Option<&Price>) -> Span<u64> {
    let of_model = price.and_then(Price::max_output);
    let high = of_run.map(u64::from).into_iter().chain(of_model).min();
    Span { low: high.map_or(assumed, |high| assumed.min(high)), high }
}

fn calls_per_minute(limit: &RateLimit) -> Option<f64> {
    let rpm = limit.rpm.map(f64::from);
    let rps = limit.rps.map(|rps| rps * 60.0);
    rpm.into_iter().chain(rps).reduce(f64::min).filter(|calls| *calls > 0.0)
}

#[cfg(test)]
mod tests {
    use runmill_pricing::PriceTable;

    use super::*;

    #[test]
    fn an_answer_is_bounded_by_the_run_and_the_model() {
        let table =
            PriceTable::load(r#"{"models": {"m": {"input": 1, "output": 1, "max_output": 100}}}"#).unwrap();
        let known = table.price(ProviderKind::Custom, "m");
        let rows = [
            // assumed, of the run, price; low, high
            (0, None, None, 0, None),
            (7, None, None, 7, None),
            (7, Some(50), None, 7, Some(50)),
            (7, None, known, 7, Some(100)),
            (7, Some(50), known, 7, Some(50)),
            (7, Some(500), known, 7, Some(100)),
            (70, Some(50), known, 50, Some(50)),
        ];
        for (assumed, of_run, price, low, high) in rows {
            assert_eq!(answer_tokens(assumed, of_run, price), Span { low, high }, "{assumed} {of_run:?}");
        }
    }

    #[test]
    fn the_smallest_limit_holds() {
        for (rpm, rps, want) in [
            (None, None, None),
            (Some(60), None, Some(60.0)),
            (Some(600), Some(0.5), Some(30.0)),
            (None, Some(0.0), None),
        ] {
            let limit = RateLimit { rpm, rps, ..RateLimit::default() };
            assert_eq!(calls_per_minute(&limit), want, "{rpm:?} {rps:?}");
        }
    }
}
