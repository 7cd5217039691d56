//! Takes jobs and calls of clients from the queues of each provider's lane.

mod calls;
mod consumer;
mod lane_health;
mod opening;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use runmill_broker::{Heard, Listener, SharedBroker};
use runmill_proto::{ProviderId, api::ExecutorLane, message::Control};
use runmill_quota::Lane;
use runmill_store::ProviderRow;
use tokio::{task::JoinSet, time::interval};
use tokio_util::sync::CancellationToken;

pub use self::lane_health::LaneHealth;
use self::{calls::CallConsumer, consumer::LaneConsumer};
use crate::{ListenerHealth, client_calls::ClientCalls, environment::Environment, job::Pipeline};

/// Interval at which the store is read. A change whose control message was lost is noticed within it.
const REFRESH: Duration = Duration::from_secs(1);

/// The consumers of this executor: for each provider one of jobs and one of clients' calls.
#[derive(Clone)]
pub struct Consumers {
    environment: Arc<Environment>,
    pipeline: Arc<Pipeline>,
    calls: Arc<ClientCalls>,
    health: LaneHealth,
    open: Arc<Mutex<HashMap<ProviderId, OpenConsumer>>>,
}

struct OpenConsumer {
    lane: Arc<Lane>,
    stop: CancellationToken,
}

impl Consumers {
    pub fn new(
        environment: Arc<Environment>,
        pipeline: Arc<Pipeline>,
        calls: Arc<ClientCalls>,
        health: LaneHealth,
    ) -> Self {
        Self { environment, pipeline, calls, health, open: Arc::default() }
    }

    /// Returns the state of each lane from which jobs are taken, for the heartbeat.
    pub fn status(&self) -> Vec<ExecutorLane> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let status = |(&provider_id, consumer): (&ProviderId, &OpenConsumer)| ExecutorLane {
            provider_id,
            concurrency: consumer.lane.concurrency(),
            in_flight: consumer.lane.in_flight(),
            keys: self.environment.factory.keys(provider_id),
            fault: self.health.fault(provider_id),
        };
        open.iter().map(status).collect()
    }

    /// Starts and stops consumers as providers come and go, until `stop`; then waits for the jobs in progress.
    pub async fn run(
        self,
        broker: SharedBroker,
        health: ListenerHealth,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut listener = broker.listen().await.context("listening for control messages")?;
        health.control_began();
        self.environment.leases.present_as(listener.presence());
        let mut running = JoinSet::new();
        let mut refresh = interval(REFRESH);
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = refresh.tick() => {}
                heard = self.next_change(&mut *listener) => {
                    heard.context("the broker was closed")?;
                    self.environment.leases.present_as(listener.presence());
                }
                Some(ended) = running.join_next() => ended.context("a consumer's task")?,
            }
            match self.environment.refresh().await {
                Ok(rows) => self.update(&rows, &broker, &mut running, &stop),
                Err(error) => tracing::warn!(event = "executor.refresh_failed", %error),
            }
        }
        while let Some(ended) = running.join_next().await {
            ended.context("a consumer's task")?;
        }
        Ok(())
    }

    /// Starts a consumer for each new provider, and stops those of providers that are gone.
    fn update(
        &self,
        rows: &[ProviderRow],
        broker: &SharedBroker,
        running: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|id, consumer| {
            let stays = rows.iter().any(|row| row.id == *id);
            if !stays {
                consumer.stop.cancel();
                self.environment.forget(*id);
            }
            stays
        });
        for row in rows {
            open.entry(row.id).or_insert_with(|| {
                let (lane, stop) = (self.environment.lanes.lane(row.id), stop.child_token());
                let consumer = LaneConsumer {
                    provider_id: row.id,
                    lane: lane.clone(),
                    pipeline: self.pipeline.clone(),
                    health: self.health.clone(),
                };
                running.spawn(consumer.run(broker.clone(), stop.clone()));
                let calls = CallConsumer { provider_id: row.id, calls: self.calls.clone() };
                running.spawn(calls.run(broker.clone(), stop.clone()));
                OpenConsumer { lane, stop }
            });
        }
    }

    /// Waits for a message after which the store must be read again. Other messages, such as those about a run, are
    /// applied at once, and the wait goes on.
    async fn next_change(&self, listener: &mut dyn Listener) -> Option<()> {
        loop {
            match listener.next().await? {
                Heard::Gap => return Some(()),
                Heard::Message(message) => match message.decode::<Control>() {
                    Ok(Control::ProviderChanged { .. } | Control::SettingsChanged) => return Some(()),
                    Ok(control) => {
                        self.environment.hear(&control);
                        self.calls.hear(&control);
                    }
                    Err(error) => tracing::warn!(event = "executor.control_unreadable", %error),
                },
            }
        }
    }
}
