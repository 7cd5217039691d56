use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use runmill_broker::{Heard, Listener, SharedBroker};
use runmill_proto::{ProviderId, api::ExecutorLane, message::Control};
use runmill_quota::Gate;
use runmill_store::{ActiveRuns, ExecutorStore, ProviderReader, ProviderRow};
use tokio::{task::JoinSet, time::interval};
use tokio_util::sync::CancellationToken;

use crate::{gates::Gates, job::JobRunner, lane::Lane, run_states::RunStates, settings::SettingsCache};

/// The longest that a change stays unseen when its hint was lost.
const REFRESH: Duration = Duration::from_secs(1);
const PROVIDERS_AT_ONCE: u32 = 500;

/// All lanes of this executor: one for each provider.
#[derive(Clone)]
pub struct Lanes {
    runner: Arc<JobRunner>,
    gates: Gates,
    open: Arc<Mutex<HashMap<ProviderId, OpenLane>>>,
}

struct OpenLane {
    gate: Arc<Gate>,
    stop: CancellationToken,
}

impl Lanes {
    pub fn new(runner: Arc<JobRunner>, gates: Gates) -> Self {
        Self { runner, gates, open: Arc::default() }
    }

    pub fn report(&self) -> Vec<ExecutorLane> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = |(&provider_id, lane): (&ProviderId, &OpenLane)| ExecutorLane {
            provider_id,
            concurrency: lane.gate.limit(),
            in_flight: lane.gate.in_flight(),
            keys: self.runner.factory.keys(provider_id),
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
                heard = self.next_change(&mut *listener, &states) => {
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
        let asked = states.ask();
        if states.load(asked, &ActiveRuns::active_runs(store).await?) {
            self.runner.factory.forgive_keys();
        }
        let rows = all_providers(store).await?;
        let providers = self.runner.providers.refresh(&rows);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|id, lane| {
            let stays = rows.iter().any(|row| row.id == *id);
            if !stays {
                lane.stop.cancel();
                self.gates.forget(*id);
                self.runner.factory.forget(*id);
            }
            stays
        });
        for row in &rows {
            let gate = self.gates.of(row);
            open.entry(row.id).or_insert_with(|| {
                let stop = stop.child_token();
                let lane = Lane { provider_id: row.id, gate: gate.clone(), runner: self.runner.clone() };
                running.spawn(lane.run(broker.clone(), stop.clone()));
                OpenLane { gate, stop }
            });
        }
        // Also for the calls that wait to be tried again: their next attempt is by the new settings.
        for provider in providers {
            if let Some(lane) = open.get(&provider.id) {
                self.runner.reach(&provider, &lane.gate);
            }
        }
        Ok(())
    }

    /// Waits for a message that changes what is cached here. Those that stop a run take effect at once.
    async fn next_change(&self, listener: &mut dyn Listener, states: &RunStates) -> Option<()> {
        loop {
            match listener.next().await? {
                Heard::Gap => return Some(()),
                Heard::Message(message) => match message.decode::<Control>() {
                    Ok(Control::ProviderChanged { .. } | Control::SettingsChanged) => return Some(()),
                    Ok(control) => self.hear(&control, states),
                    Err(error) => tracing::warn!(event = "executor.control_unreadable", %error),
                },
            }
        }
    }

    fn hear(&self, control: &Control, states: &RunStates) {
        // Whoever resumes a run says that what stopped it is mended; one call of each key finds out. Before the run's
        // jobs may go on, or they would stop by what was.
        if let Control::RunResumed { .. } = control {
            self.runner.factory.forgive_keys();
        }
        states.hear(control);
    }
}

async fn all_providers(store: &dyn ExecutorStore) -> anyhow::Result<Vec<ProviderRow>> {
    let mut rows: Vec<ProviderRow> = Vec::new();
    loop {
        let page = ProviderReader::providers(store, rows.last().map(|row| row.id), PROVIDERS_AT_ONCE).await?;
        let last = page.len() < PROVIDERS_AT_ONCE as usize;
        rows.extend(page);
        if last {
            return Ok(rows);
        }
    }
}
