//! Estimate of a run's calls, tokens, cost and time. Calls no model and submits no run.

use anyhow::Context;
use runmill_estimate::{Assumptions, Estimate, Estimator, Names, ProviderFacts, Subject};

use super::{
    dataset::Items,
    provider::{ProviderChoice, known},
    submit::Request,
};
use crate::{client::Client, exit::UsageError, process::Process, screen::Sheet};

/// Names of what a user of the command line can set.
const NAMES: Names = Names { max_tokens: "--max-tokens", prices: "--prices FILE or RUNMILL_PRICES" };

/// Estimates a run from all of its items.
pub async fn estimate(
    process: &Process,
    client: Option<&Client>,
    request: &Request,
    items: &mut Items,
    assumptions: Assumptions,
) -> anyhow::Result<Estimate> {
    let estimator = Estimator::new(&Subject {
        model: &request.model,
        config: &request.config,
        job: &request.job()?,
        provider: &facts(client, &request.provider).await?,
        prices: &process.config.prices,
        lane_concurrency: process.config.lane_concurrency,
        assumptions,
    });
    let mut estimator = estimator.map_err(UsageError::new)?;
    for item in items.read_again().context("reading the items again")? {
        estimator.add(&item?).map_err(UsageError::new)?;
    }
    Ok(estimator.finish())
}

/// Returns the estimate as a table, with the assumptions behind each number.
pub fn table(estimate: &Estimate) -> Sheet {
    let mut sheet = Sheet::framed();
    for (name, value) in estimate.rows(&NAMES) {
        sheet.row(name, value);
    }
    sheet
}

async fn facts(client: Option<&Client>, choice: &ProviderChoice) -> anyhow::Result<ProviderFacts> {
    match choice {
        ProviderChoice::At(address) => Ok(ProviderFacts {
            kind: address.kind(),
            base_url: address.base_url.clone(),
            limit: address.rate_limit(client).await?,
            takes_images: false,
        }),
        ProviderChoice::Known(name) => {
            let client = client.context("--provider needs --server")?;
            let provider = known(client, name).await?;
            Ok(ProviderFacts {
                kind: provider.kind,
                base_url: provider.base_url,
                limit: provider.rate_limit,
                takes_images: provider.capabilities.images == Some(true),
            })
        }
    }
}
