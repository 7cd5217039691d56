use std::time::Duration;

use reqwest::StatusCode;
use runmill_proto::api::Run;
use tokio::time::{Instant, timeout};

use super::limit::{calls_in_flight, waits_for};
use crate::client::{Client, ClientError};

/// Use of the limits of a run's provider, in words.
#[derive(Clone, Debug, Default)]
pub struct InUse {
    /// Limit for which the run's calls wait.
    pub waits_for: Option<String>,
    pub calls_in_flight: Option<String>,
}

/// Looks for the limits of a run's provider. Any failure only means that no limit is told.
#[derive(Default)]
pub struct LimitWatch {
    /// Name of the run's provider.
    provider: Option<String>,
    looked: Option<Instant>,
    found: InUse,
    /// True if the server does not show the limits: by its release, or because another tenant shares the provider.
    is_hidden: bool,
}

/// Interval of looks: executors tell their use every two seconds.
const INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait for a look. The display of the progress waits with it.
const ANSWER_MAX: Duration = Duration::from_secs(1);

impl LimitWatch {
    /// Returns how the limits are used.
    ///
    /// Cancel safe: the next call looks again.
    pub async fn look(&mut self, client: &Client, run: &Run) -> &InUse {
        let is_due = self.looked.is_none_or(|at| at.elapsed() >= INTERVAL);
        if is_due && !self.is_hidden && !run.status.is_terminal() {
            self.looked = Some(Instant::now());
            let read = timeout(ANSWER_MAX, self.read(client, run)).await;
            self.is_hidden = matches!(
                read,
                Ok(Err(ClientError::Refused { status: StatusCode::NOT_FOUND | StatusCode::FORBIDDEN, .. }))
            );
            self.found = read.ok().and_then(Result::ok).unwrap_or_default();
        }
        &self.found
    }

    async fn read(&mut self, client: &Client, run: &Run) -> Result<InUse, ClientError> {
        let name = match self.provider.take() {
            Some(name) => name,
            None => client.provider(run.provider_id).await?.name,
        };
        let name = self.provider.insert(name);
        let limits = client.provider_limits(run.provider_id).await?;
        let model = &run.model;
        Ok(InUse {
            waits_for: waits_for(&limits, model, name),
            calls_in_flight: calls_in_flight(&limits, model),
        })
    }
}
