use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use runmill_broker::{Heard, Listener, SharedBroker};
use runmill_proto::{ProviderId, api::ExecutorLane, message::Control};
use runmill_quota::Gate;
use runmill_store::{ExecutorStore, Feed, ProviderRow, Providers};
use tokio::{task::JoinSet, time::interval};
use tokio_util::sync::CancellationToken;

use crate::{job::JobRunner, lane::Lane, run_states::RunStates, settings::SettingsCache};

/// The longest that a change stays unseen when its hint was lost.
const REFRESH: Duration = Duration::from_secs(2);
const PROVIDERS_AT_ONCE: u32 = 500;

/// All lanes of this executor: one for each provider.
#[derive(Clone)]
pub struct Lanes {
    runner: Arc<JobRunner>,
    default_concurrency: u32,
    open: Arc<Mutex<HashMap<ProviderId, OpenLane>>>,
}

struct OpenLane {
    gate: Arc<Gate>,
    stop: CancellationToken,
}

impl Lanes {
    pub fn new(runner: Arc<JobRunner>, default_concurrency: u32) -> Self {
        Self { runner, default_concurrency, open: Arc::default() }
    }

    pub fn report(&self) -> Vec<ExecutorLane> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = |(&provider_id, lane): (&ProviderId, &OpenLane)| ExecutorLane {
            provider_id,
            concurrency: lane.gate.limit(),
            in_flight: lane.gate.in_flight(),
            keys: Vec::new(),
        };
        open.iter().map(lane).collect()
    }

    /// Opens and closes lanes as providers come and go, until `stop`; then waits for the jobs in hand.
    pub async fn run(
        self,
        store: Arc<dyn ExecutorStore>,
        broker: SharedBroker,
        states: RunStates,
        settings: SettingsCache,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut listener = broker.listen().await.context("listening for control messages")?;
        let mut running = JoinSet::new();
        let mut refresh = interval(REFRESH);
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = refresh.tick() => {}
                heard = next_change(&mut *listener, &states) => {
                    heard.context("the broker was closed")?;
                }
                Some(ended) = running.join_next() => ended.context("a lane's task")??,
            }
            if let Err(error) = self.refresh(&*store, &broker, &states, &settings, &mut running, &stop).await
            {
                tracing::warn!(event = "executor.refresh_failed", error = format!("{error:#}"));
            }
        }
        while let Some(ended) = running.join_next().await {
            ended.context("a lane's task")??;
        }
        Ok(())
    }

    async fn refresh(
        &self,
        store: &dyn ExecutorStore,
        broker: &SharedBroker,
        states: &RunStates,
        settings: &SettingsCache,
        running: &mut JoinSet<anyhow::Result<()>>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        settings.refresh(store).await?;
        states.load(&Feed::active_runs(store).await?);
        let rows = all_providers(store).await?;
        self.runner.providers.keep_current(&rows);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|id, lane| {
            let stays = rows.iter().any(|row| row.id == *id);
            if !stays {
                lane.stop.cancel();
            }
            stays
        });
        for row in &rows {
            let concurrency = row.rate_limit.concurrency.unwrap_or(self.default_concurrency);
            let lane = open.entry(row.id).or_insert_with(|| {
                let (gate, stop) = (Arc::new(Gate::new(concurrency)), stop.child_token());
                let lane = Lane { provider_id: row.id, gate: gate.clone(), runner: self.runner.clone() };
                running.spawn(lane.run(broker.clone(), stop.clone()));
                OpenLane { gate, stop }
            });
            lane.gate.set_limit(concurrency);
        }
        Ok(())
    }
}

/// Waits for a message that changes what is cached here. Those that stop a run take effect at once.
async fn next_change(listener: &mut dyn Listener, states: &RunStates) -> Option<()> {
    loop {
        match listener.next().await? {
            Heard::Gap => return Some(()),
            Heard::Message(message) => match message.decode::<Control>() {
                Ok(Control::ProviderChanged { .. } | Control::SettingsChanged) => return Some(()),
                Ok(control) => states.hear(&control),
                Err(error) => tracing::warn!(event = "executor.control_unreadable", %error),
            },
        }
    }
}

async fn all_providers(store: &dyn ExecutorStore) -> anyhow::Result<Vec<ProviderRow>> {
    let mut rows: Vec<ProviderRow> = Vec::new();
    loop {
        let page = Providers::providers(store, rows.last().map(|row| row.id), PROVIDERS_AT_ONCE).await?;
        let last = page.len() < PROVIDERS_AT_ONCE as usize;
        rows.extend(page);
        if last {
            return Ok(rows);
        }
    }
}
