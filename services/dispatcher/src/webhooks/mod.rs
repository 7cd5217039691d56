//! Tells the webhooks of runs that their runs have ended: signed, at least once, and again until the receiver has taken it.

mod body;
mod post;
mod schedule;
mod settings;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use runmill_proto::RunId;
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, RunRow, StoreError, WebhookRow};
use runmill_vault::Signer;
use tokio::time::sleep;

use self::{post::Post, schedule::after};
pub use settings::WebhookSettings;

/// Interval of the looks for runs that have ended, and pause after a failure of the store.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Number of webhooks that one look reads.
const PAGE: u32 = 20;
/// Maximum number of requests in flight.
const IN_FLIGHT: usize = 8;

/// Sender of the requests to webhooks. The leader runs it; two leaders at once send a request twice, with the same id.
#[derive(Clone)]
pub struct Webhooks {
    pub store: Arc<dyn DispatcherStore>,
    pub clock: Clock,
    pub settings: WebhookSettings,
}

impl Webhooks {
    /// Works until it is dropped. The next leader repeats a request whose outcome was not recorded.
    pub async fn run(self) {
        let Some(signer) = self.settings.signer.clone() else { return };
        loop {
            match self.tell_due(&signer).await {
                // There may be more.
                Ok(found) if found == PAGE as usize => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(event = "webhooks.failed", %error),
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Makes one request to each webhook that is due, up to a bound, and returns their number.
    async fn tell_due(&self, signer: &Signer) -> Result<usize, StoreError> {
        let due = self.store.due_webhooks(self.clock.now(), PAGE).await?;
        let found = due.len();
        let ids: Vec<RunId> = due.iter().map(|row| row.run_id).collect();
        let rows = if ids.is_empty() { Vec::new() } else { self.store.run_rows(&ids).await? };
        let mut runs: HashMap<RunId, RunRow> = rows.into_iter().map(|run| (run.id, run)).collect();
        // A run that was deleted meanwhile has no webhook any more.
        let due = due.into_iter().filter_map(|row| Some((runs.remove(&row.run_id)?, row)));
        let telling: Vec<_> = due.map(|(run, row)| self.tell(run, row, signer)).collect();
        stream::iter(telling).buffer_unordered(IN_FLIGHT).try_collect::<()>().await?;
        Ok(found)
    }

    async fn tell(&self, run: RunRow, row: WebhookRow, signer: &Signer) -> Result<(), StoreError> {
        // It goes on since the look.
        let Some(body) = body::of(&run) else { return Ok(()) };
        let id = format!("{}_{}", run.id, row.ends);
        let sent_at = self.clock.now();
        let post = Post { id: &id, sent_at, body, settings: &self.settings, signer };
        let done = post.send(&row.url).await;
        let row = after(row, done, sent_at, self.clock.now(), rand::random());
        match (&row.last_error, row.abandoned_at) {
            (None, _) => tracing::info!(event = "webhook.delivered", run_id = %run.id, id),
            (Some(error), None) => tracing::info!(event = "webhook.refused", run_id = %run.id, id, error),
            (Some(error), Some(_)) => {
                tracing::warn!(event = "webhook.abandoned", run_id = %run.id, id, error);
            }
        }
        self.store.record_webhook(&row).await
    }
}
