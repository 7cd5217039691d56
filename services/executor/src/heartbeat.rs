use std::sync::Arc;

use runmill_proto::api::ExecutorStatus;
use runmill_store::{Beat, Exchange, Talk};
use tokio_util::sync::CancellationToken;

use crate::{consumers::Consumers, environment::Environment};

/// Reports to the store that this executor is alive, with the state of its lanes.
pub struct Heartbeat {
    pub name: String,
    pub environment: Arc<Environment>,
    pub consumers: Consumers,
    pub stop: CancellationToken,
}

impl Heartbeat {
    /// Reports at every interval until the stop, and then once more that the executor drains.
    pub async fn run(self) -> anyhow::Result<()> {
        let started_at = self.environment.clock.now();
        loop {
            let draining = self.stop.is_cancelled();
            let status = ExecutorStatus {
                name: self.name.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started_at,
                seen_at: self.environment.clock.now(),
                draining,
                lanes: self.consumers.status(),
                runs: Vec::new(),
            };
            let beat = Beat { status, talk: Talk::default() };
            if let Err(error) = Exchange::exchange(&*self.environment.store, &beat).await {
                tracing::warn!(event = "executor.report_failed", %error);
            }
            if draining {
                return Ok(());
            }
            self.stop.run_until_cancelled(tokio::time::sleep(ExecutorStatus::REPORTS_EVERY)).await;
        }
    }
}
