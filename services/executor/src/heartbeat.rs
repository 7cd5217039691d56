use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use runmill_broker::{Envelope, HealthError, SharedBroker};
use runmill_proto::{
    ProviderId,
    api::{ExecutorLane, ExecutorStatus},
};
use runmill_store::{Beat, Claim, Exchange, Exchanged, StoreError};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    consumers::Consumers,
    environment::Environment,
    exchange::{Fleet, Times},
    leases::{Keeper, Suspect},
    metrics::ExecutorMetrics,
};

/// Interval of the exchanges while questions are open, and after an exchange that failed.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// Shortest time between two exchanges: questions that come together go together.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest time that an exchange may take.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time that a question to the broker may take.
const BROKER_TIMEOUT: Duration = Duration::from_secs(1);
/// Interval at which executors that are long gone are deleted.
const FORGET_EVERY: Duration = Duration::from_mins(5);
/// Time after which an executor is long gone. Each exchange reads all that are not.
const GONE_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// Exchanges heartbeats, and questions about possible copies, with the other executors through the store.
pub struct Heartbeat {
    pub name: String,
    pub environment: Arc<Environment>,
    pub consumers: Consumers,
    pub fleet: Arc<Fleet>,
    pub leases: Arc<Keeper>,
    pub broker: SharedBroker,
    pub metrics: ExecutorMetrics,
    pub stop: CancellationToken,
    /// Cancelled when the last job has ended.
    pub drained: CancellationToken,
    /// True if the executor can run LightEval.
    pub has_lighteval: bool,
}

impl Heartbeat {
    /// Exchanges until the last job has ended, so that the others get their answers during the drain, too. An executor
    /// that leaves nothing behind then deletes its heartbeat, so that nobody waits for its answers.
    pub async fn run(self) -> anyhow::Result<()> {
        let started_at = self.environment.clock.now();
        let mut forgot: Option<Instant> = None;
        while !self.drained.is_cancelled() {
            let (began, draining) = (Instant::now(), self.stop.is_cancelled());
            let done = self.exchange(started_at, began).await;
            if forgot.is_none_or(|at| at.elapsed() >= FORGET_EVERY) {
                forgot = Some(began);
                self.forget_gone().await;
            }
            self.wait(done, began, draining).await;
        }
        if self.fleet.is_settled() {
            self.leave().await;
        }
        Ok(())
    }

    /// Exchanges once. Returns false if the store did not answer.
    async fn exchange(&self, started_at: Timestamp, began: Instant) -> bool {
        let draining = self.stop.is_cancelled();
        let lanes = self.consumers.status();
        self.metrics.keys.observe(&lanes);
        let claim = self.leases.claim(draining, &self.unable(&lanes));
        let status = ExecutorStatus {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at,
            seen_at: self.environment.clock.now(),
            draining,
            lanes,
            runs: self.fleet.runs(),
            lighteval: self.has_lighteval,
        };
        let beat = Beat { status, talk: self.fleet.talk(), claim };
        let exchange = Exchange::exchange(&*self.environment.store, &beat);
        match timeout(EXCHANGE_TIMEOUT, exchange).await {
            Ok(Ok(exchanged)) => {
                self.metrics.limits.observe(&beat.claim.leases, &exchanged.fleet.lanes, exchanged.now);
                self.hear(&beat.claim, &exchanged, Times { began, ended: Instant::now() });
                self.announce().await;
                // It is tried again with the next heartbeat.
                let _late = timeout(EXCHANGE_TIMEOUT, self.remove_the_dead()).await;
                true
            }
            Ok(Err(error)) => self.missed(&error),
            Err(_) => self.missed(&"the store did not answer in time"),
        }
    }

    fn hear(&self, claim: &Claim, exchanged: &Exchanged, times: Times) {
        self.metrics.last_exchange.set(exchanged.now.as_second());
        self.environment.budgets.hear(exchanged);
        self.fleet.hear(exchanged, times);
        self.leases.hear(claim, exchanged, times);
    }

    /// Returns the providers whose jobs cannot be taken. A share would be of no use there, and is of use to others.
    fn unable(&self, lanes: &[ExecutorLane]) -> BTreeSet<ProviderId> {
        let is_cut_off = is_cut_off(&self.broker.health());
        let unable = lanes.iter().filter(|lane| is_cut_off || lane.fault.is_some());
        unable.map(|lane| lane.provider_id).collect()
    }

    /// Tells the other executors of refusals at once. A failure is ignored: they learn them from the store.
    async fn announce(&self) {
        let announced = async {
            for control in self.leases.announcements() {
                let _failed = self.broker.broadcast(Envelope::new(&control)).await;
            }
        };
        let _late = timeout(BROKER_TIMEOUT, announced).await;
    }

    /// Removes the executors that died with shares, so that these need not wait until no call can be open. One that is
    /// frozen has its connection to the store, and one that is cut off from the store has that to the broker.
    async fn remove_the_dead(&self) {
        let store = &*self.environment.store;
        for Suspect { name, presence, valid_until } in self.leases.suspects() {
            let present = timeout(BROKER_TIMEOUT, self.broker.is_present(&presence));
            if !matches!(present.await, Ok(Ok(false))) {
                continue;
            }
            let connected = timeout(EXCHANGE_TIMEOUT, Exchange::is_connected(store, &name));
            if matches!(connected.await, Ok(Ok(false))) {
                self.note(Exchange::remove_dead(store, &name, valid_until)).await;
            }
        }
    }

    fn missed(&self, error: &dyn std::fmt::Display) -> bool {
        self.metrics.exchange_failures.inc();
        tracing::warn!(event = "executor.report_failed", %error);
        self.fleet.missed();
        self.leases.missed();
        false
    }

    /// Waits until the next exchange is due.
    async fn wait(&self, done: bool, began: Instant, was_draining: bool) {
        let every = if !done || self.fleet.is_asking() { POLL_EVERY } else { ExecutorStatus::REPORTS_EVERY };
        let soon = async {
            if done {
                tokio::select! {
                    () = self.fleet.urgent.notified() => {}
                    () = self.leases.urgent() => {}
                }
                sleep(PAUSE).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = self.drained.cancelled() => {}
            () = tokio::time::sleep_until(began + every) => {}
            () = soon => {}
            // Everybody learns at once that this executor drains.
            () = self.stop.cancelled(), if !was_draining => {}
        }
    }

    async fn forget_gone(&self) {
        let before = self.environment.clock.now() - GONE_AFTER;
        self.note(Exchange::forget_executors(&*self.environment.store, before)).await;
    }

    async fn leave(&self) {
        self.note(Exchange::leave(&*self.environment.store, &self.name)).await;
    }

    /// Logs the failure of a deletion. It may fail: the rows only tell of executors that are gone.
    async fn note(&self, deletion: impl Future<Output = Result<(), StoreError>>) {
        let error = match timeout(EXCHANGE_TIMEOUT, deletion).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the store did not answer in time".to_owned(),
        };
        tracing::warn!(event = "executor.report_failed", %error);
    }
}

/// Returns true if no lane can be served. A queue that the broker refuses says nothing of the other queues: a lane whose own is
/// refused has a fault.
const fn is_cut_off(health: &Result<(), HealthError>) -> bool {
    !matches!(health, Ok(()) | Err(HealthError::Queue { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_queue_that_is_refused_stops_no_other_lane() {
        let (address, reason) = (String::new(), String::new());
        let table = [
            (Ok(()), false),
            (Err(HealthError::Queue { queue: "runmill.calls.1".into(), reason: reason.clone() }), false),
            (Err(HealthError::Disconnected { address: address.clone(), reason }), true),
            (Err(HealthError::Blocked { address }), true),
            (Err(HealthError::Closed), true),
        ];
        for (health, want) in table {
            assert_eq!(is_cut_off(&health), want, "{health:?}");
        }
    }
}
