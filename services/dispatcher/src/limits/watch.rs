use std::{sync::Arc, time::Duration};

use runmill_proto::{
    ProviderId,
    api::{BudgetLeft, RateLimit},
};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, StoreError};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::budgets;
use crate::metrics::BudgetMetrics;

/// Interval between two looks.
const PERIOD: Duration = Duration::from_secs(10);
/// Number of providers that are read at once.
const PAGE: u32 = 500;

/// Keeper of the metrics of the providers' budgets. Every dispatcher has one, so that they are known while none feeds.
pub struct BudgetWatch {
    pub store: Arc<dyn DispatcherStore>,
    pub clock: Clock,
    pub metrics: BudgetMetrics,
}

impl BudgetWatch {
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut looks = time::interval(PERIOD);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            if let Err(error) = self.look().await {
                tracing::debug!(event = "dispatcher.budgets_unknown", %error);
            }
        }
        Ok(())
    }

    async fn look(&self) -> Result<(), StoreError> {
        let mut found: Vec<(ProviderId, BudgetLeft)> = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.providers(None, after, PAGE).await?;
            for row in page.iter().filter(|row| has_budget(&row.rate_limit)) {
                let budgets = budgets(&*self.store, row.id, &row.rate_limit, self.clock.now()).await?;
                found.extend(budgets.into_iter().map(|budget| (row.id, budget)));
            }
            match page.last() {
                Some(last) => after = Some(last.id),
                None => break,
            }
        }
        self.metrics.observe(&found);
        Ok(())
    }
}

const fn has_budget(limits: &RateLimit) -> bool {
    limits.tokens_per_day.is_some() || limits.cost_per_day_usd.is_some()
}

#[cfg(test)]
mod tests {
    use prometheus::{Registry, TextEncoder};
    use runmill_proto::api::BudgetDay;
    use runmill_quota::budget::{BudgetKey, BudgetOwner, BudgetUnit};
    use runmill_store::{Budgets, ProviderRow, ProviderWriter, Slice};

    use super::*;
    use crate::world::{World, provider};

    async fn spend(world: &World, id: ProviderId, tokens: u64) {
        let day = BudgetDay::at(world.clock.now(), &jiff::tz::TimeZone::UTC).date;
        let key = BudgetKey { owner: BudgetOwner::Day(id, day), unit: BudgetUnit::Tokens }.to_string();
        let slice = Slice { key, limit: 1_000, used_before: 0, spent: 0, wanted: tokens };
        Budgets::take(&world.store, &[slice], world.clock.now()).await.unwrap();
    }

    #[tokio::test]
    async fn the_metrics_follow_the_budgets_of_all_providers() {
        let world = World::new().await;
        let registry = Registry::new();
        let metrics = BudgetMetrics::register(&registry).unwrap();
        let watch = BudgetWatch { store: Arc::new(world.store.clone()), clock: world.clock.clock(), metrics };
        let scraped = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let mut row = ProviderRow {
            rate_limit: RateLimit { tokens_per_day: Some(1_000), ..RateLimit::default() },
            ..provider(8)
        };
        world.store.create_provider(&row).await.unwrap();
        world.store.create_provider(&provider(9)).await.unwrap();
        let line = |name: &str, value: u32| {
            format!("runmill_budget_{name}{{provider_id=\"{}\",unit=\"tokens\"}} {value}\n", row.id)
        };
        let (limit, untouched, rest) = (line("limit", 1_000), line("left", 1_000), line("left", 700));

        watch.look().await.unwrap();
        assert!(scraped().contains(&limit) && scraped().contains(&untouched), "{}", scraped());

        spend(&world, row.id, 300).await;
        watch.look().await.unwrap();
        assert!(scraped().contains(&rest), "{}", scraped());

        (row.rate_limit, row.version) = (RateLimit::default(), 2);
        world.store.update_provider(&row).await.unwrap();
        watch.look().await.unwrap();
        assert_eq!(scraped(), "", "no provider has a budget any more");
    }
}
