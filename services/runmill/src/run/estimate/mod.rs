//! Estimate of a run's calls, tokens, cost and time. Calls no model and submits no run.

mod sum;
mod table;
mod tokens;

use anyhow::Context;
use runmill_pricing::{Price, Seller};
use runmill_prompt::Prompt;
use runmill_proto::api::{ProviderKind, RateLimit};
use runmill_quota::{fleet_concurrency, run_concurrency};

use self::{
    sum::{Basis, Pace, Span},
    tokens::Counter,
};
use super::{
    dataset::Items,
    provider::{ProviderChoice, known},
    submit::Request,
};
use crate::{client::Client, exit::UsageError, process::Process};

pub use sum::Estimate;

/// Facts that are not known before the run and have to be assumed.
pub struct Assumptions {
    /// Duration of a call, above 0.
    pub seconds_per_call: f64,
    /// Minimum number of tokens in an answer.
    pub answer_tokens: u64,
}

/// Estimates a run from all of its items, whose prompts are rendered as the run would render them.
pub async fn estimate(
    process: &Process,
    client: Option<&Client>,
    request: &Request,
    items: &mut Items,
    assumptions: &Assumptions,
) -> anyhow::Result<Estimate> {
    let job = request.job()?;
    let provider = ProviderFacts::of(client, &request.provider).await?;
    let seller = Seller::at(provider.kind, &provider.base_url);
    let price = process.config.prices.price(seller, &request.model);
    let prompt = Prompt::compile(job.prompt_template.as_deref()).map_err(UsageError::new)?;
    let counter = Counter::new(&job, provider.takes_images);
    let mut estimate = Estimate::new(Basis {
        model: request.model.clone(),
        samples: request.config.asked_samples(),
        answer_tokens: answer_tokens(assumptions.answer_tokens, job.generation.max_new_tokens, price),
        price: price.cloned(),
        place: seller.place(),
        pace: Pace {
            concurrency: run_concurrency(
                fleet_concurrency(provider.limit.concurrency, process.config.lane_concurrency, 1),
                request.config.concurrency(),
            ),
            seconds_per_call: assumptions.seconds_per_call,
            calls_per_minute: calls_per_minute(&provider.limit),
            tokens_per_minute: provider.limit.tpm,
        },
    });
    for item in items.read_again().context("reading the items again")? {
        let item = item?;
        let text = prompt
            .render(&item)
            .map_err(|fault| UsageError::new(format_args!("item {}: {fault}", item.id)))?;
        let tokens = Counter::tokens_before(&item) + counter.prompt_tokens(&text);
        estimate.add(tokens, counter.images(&item));
    }
    Ok(estimate)
}

/// Facts about the provider on which an estimate depends.
struct ProviderFacts {
    kind: ProviderKind,
    base_url: String,
    limit: RateLimit,
    takes_images: bool,
}

impl ProviderFacts {
    async fn of(client: Option<&Client>, choice: &ProviderChoice) -> anyhow::Result<Self> {
        match choice {
            ProviderChoice::At(address) => Ok(Self {
                kind: address.kind(),
                base_url: address.base_url.clone(),
                limit: address.rate_limit(client).await?,
                takes_images: false,
            }),
            ProviderChoice::Known(name) => {
                let client = client.context("--provider needs --server")?;
                let provider = known(client, name).await?;
                Ok(Self {
                    kind: provider.kind,
                    base_url: provider.base_url,
                    limit: provider.rate_limit,
                    takes_images: provider.capabilities.images == Some(true),
                })
            }
        }
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
