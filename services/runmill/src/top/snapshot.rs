use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use reqwest::StatusCode;
use runmill_proto::{
    ProviderId,
    api::{ExecutorStatus, Provider, ProviderLimits, Run},
};

use crate::client::{Client, ClientError};

/// State of an installation at one moment, which the page shows.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Time of the store, or of this process if no provider tells it.
    pub now: Timestamp,
    pub lanes: Vec<Lane>,
    pub executors: Vec<ExecutorStatus>,
    /// Runs that have not ended, then the others; the newest first.
    pub runs: Vec<Run>,
}

/// A provider, with its limits and their use.
#[derive(Clone, Debug)]
pub struct Lane {
    pub provider_id: ProviderId,
    pub name: String,
    /// `None` at a server of a release without leased limits.
    pub limits: Option<ProviderLimits>,
}

/// Maximum number of providers whose limits are read: first those of runs that have not ended.
const LANES_MAX: usize = 50;
/// Number of runs that are read.
const RUNS: u32 = 100;
/// Maximum number of runs that are read singly, which alone tells what holds them back.
const RUNS_IN_FULL_MAX: usize = 20;
/// Maximum number of requests at once.
const REQUESTS_MAX: usize = 8;

impl Snapshot {
    /// Reads the state from the API. `now` is the time of this process.
    pub async fn read(client: &Client, now: Timestamp) -> Result<Self, ClientError> {
        let (providers, executors, runs) =
            tokio::try_join!(client.providers(), client.executors(), client.runs(RUNS, None))?;
        let runs = with_obstacles(client, active_first(runs.items)).await?;
        let lanes = stream::iter(used_first(providers, &runs).into_iter().take(LANES_MAX))
            .map(|provider| lane(client, provider))
            .buffered(REQUESTS_MAX)
            .try_collect::<Vec<_>>()
            .await?;
        let told = lanes.iter().filter_map(|lane| lane.limits.as_ref()).map(|limits| limits.now).max();
        Ok(Self { now: told.unwrap_or(now), lanes, executors, runs })
    }

    pub fn lane(&self, id: ProviderId) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.provider_id == id)
    }
}

/// Returns true if the run has not ended.
pub fn is_active(run: &Run) -> bool {
    !run.status.is_terminal()
}

fn active_first(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort_by_key(|run| !is_active(run));
    runs
}

fn used_first(mut providers: Vec<Provider>, runs: &[Run]) -> Vec<Provider> {
    let is_used =
        |provider: &Provider| runs.iter().any(|run| is_active(run) && run.provider_id == provider.id);
    providers.sort_by_cached_key(|provider| (!is_used(provider), provider.name.clone()));
    providers
}

async fn with_obstacles(client: &Client, runs: Vec<Run>) -> Result<Vec<Run>, ClientError> {
    stream::iter(runs.into_iter().enumerate())
        .map(
            async |(n, run)| {
                if n < RUNS_IN_FULL_MAX && is_active(&run) { client.run(run.id).await } else { Ok(run) }
            },
        )
        .buffered(REQUESTS_MAX)
        .try_collect()
        .await
}

async fn lane(client: &Client, provider: Provider) -> Result<Lane, ClientError> {
    let limits = match client.provider_limits(provider.id).await {
        Ok(limits) => Some(limits),
        // The provider was deleted meanwhile, the server does not have this path, or another tenant shares the provider.
        Err(ClientError::Refused { status: StatusCode::NOT_FOUND | StatusCode::FORBIDDEN, .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(Lane { provider_id: provider.id, name: provider.name, limits })
}
