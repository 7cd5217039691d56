use std::time::Duration;

use reqwest::StatusCode;
use runmill_proto::api::Run;
use tokio::time::{Instant, timeout};

use super::limit::waits_for;
use crate::client::{Client, ClientError};

/// Looks for the limit that holds a run back. Any failure only means that no limit is told.
#[derive(Default)]
pub struct LimitWatch {
    /// Name of the run's provider.
    provider: Option<String>,
    looked: Option<Instant>,
    found: Option<String>,
    /// True if the server does not show the limits: by its release, or because another tenant shares the provider.
    is_hidden: bool,
}

/// Interval of looks: executors tell their use every two seconds.
const INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait for a look. The display of the progress waits with it.
const ANSWER_MAX: Duration = Duration::from_secs(1);

impl LimitWatch {
    /// Returns the limit for which the run's calls wait, in words.
    ///
    /// Cancel safe: the next call looks again.
    pub async fn look(&mut self, client: &Client, run: &Run) -> Option<&str> {
        let is_due = self.looked.is_none_or(|at| at.elapsed() >= INTERVAL);
        if is_due && !self.is_hidden && !run.status.is_terminal() {
            self.looked = Some(Instant::now());
            let read = timeout(ANSWER_MAX, self.read(client, run)).await;
            self.is_hidden = matches!(
                read,
                Ok(Err(ClientError::Refused { status: StatusCode::NOT_FOUND | StatusCode::FORBIDDEN, .. }))
            );
            self.found = read.ok().and_then(Result::ok).flatten();
        }
        self.found.as_deref()
    }

    async fn read(&mut self, client: &Client, run: &Run) -> Result<Option<String>, ClientError> {
        let name = match self.provider.take() {
            Some(name) => name,
            None => client.provider(run.provider_id).await?.name,
        };
        let name = self.provider.insert(name);
        let limits = client.provider_limits(run.provider_id).await?;
        Ok(waits_for(&limits, &run.model, name))
    }
}
