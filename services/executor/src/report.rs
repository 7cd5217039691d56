use std::sync::Arc;

use runmill_proto::api::Executor;
use runmill_runtime::Clock;
use runmill_store::{ExecutorStore, Heartbeats};
use tokio_util::sync::CancellationToken;

use crate::lanes::Lanes;

/// Says that this executor lives, and what it does.
pub struct Report {
    pub name: String,
    pub store: Arc<dyn ExecutorStore>,
    pub clock: Clock,
    pub lanes: Lanes,
    pub stop: CancellationToken,
}

impl Report {
    /// Reports every period until the stop; then once more that it is on its way out.
    pub async fn run(self) -> anyhow::Result<()> {
        let started_at = self.clock.now();
        loop {
            let draining = self.stop.is_cancelled();
            let report = Executor {
                name: self.name.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started_at,
                seen_at: self.clock.now(),
                draining,
                lanes: self.lanes.report(),
            };
            if let Err(error) = Heartbeats::report_executor(&*self.store, &report).await {
                tracing::warn!(event = "executor.report_failed", %error);
            }
            if draining {
                return Ok(());
            }
            self.stop.run_until_cancelled(tokio::time::sleep(Executor::REPORTS_EVERY)).await;
        }
    }
}
