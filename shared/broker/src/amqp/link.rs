use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{Stream, StreamExt};
use lapin::{
    Channel, Connection, ErrorKind, Event,
    protocol::{AMQPErrorKind, AMQPHardError},
};
use tokio::{sync::watch, time};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{backoff, dial::Dialer};
use crate::{BrokerError, HealthError};

/// One connection that is re-established when it is lost, for as long as the link lives.
///
/// The recovery of lapin is off. It restores the topology and consumers of a lost connection, but not of a channel that
/// the broker closed (after a wrong tag, the consumer timeout or a deleted queue). So channels must be rebuilt here
/// anyway, and two mechanisms would race for the same consumers.
pub(super) struct Link {
    state: watch::Receiver<State>,
    dialer: Arc<Dialer>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Clone)]
enum State {
    Up(Up),
    /// The link is not connected, for this reason.
    Down(String),
}

/// A connection that was open when the link returned it, and may have been lost since then.
#[derive(Clone)]
pub(super) struct Up {
    connection: Arc<Connection>,
    dialer: Arc<Dialer>,
    /// Token that is cancelled when the connection is lost. A task that finds the connection unresponsive cancels the
    /// token, so that the connection is replaced.
    pub lost: CancellationToken,
    id: u64,
}

impl Link {
    /// Connects, or returns an error with the reason after one attempt.
    pub async fn connect(dialer: Dialer) -> Result<Self, BrokerError> {
        let dialer = Arc::new(dialer);
        let first = Up::new(dialer.dial().await?, dialer.clone());
        let (sender, state) = watch::channel(State::Up(first.clone()));
        let link = Self { state, dialer, stop: CancellationToken::new(), tasks: TaskTracker::new() };
        link.tasks.spawn(keep_up(link.dialer.clone(), first, sender, link.stop.clone()));
        Ok(link)
    }

    /// Returns the connection. While it is down, waits until it is re-established. Cancel safe.
    pub async fn up(&self) -> Result<Up, BrokerError> {
        let mut state = self.state.clone();
        let found = state.wait_for(|state| matches!(state, State::Up(_))).await;
        match found.as_deref() {
            Ok(State::Up(up)) => Ok(up.clone()),
            // The task that re-establishes the connection has ended.
            Ok(State::Down(_)) | Err(_) => Err(BrokerError::Closed),
        }
    }

    pub fn answer_timeout(&self) -> Duration {
        self.dialer.answer_timeout()
    }

    /// Returns the connection, or an error if it is still down after `timeout`.
    pub async fn up_within(&self, timeout: Duration) -> Result<Up, BrokerError> {
        time::timeout(timeout, self.up()).await.unwrap_or_else(|_elapsed| Err(self.unreachable()))
    }

    pub fn unreachable(&self) -> BrokerError {
        let reason = self.health().err().map(|error| error.to_string());
        self.dialer.unreachable(reason.unwrap_or_else(|| "the connection was lost".into()))
    }

    /// Returns an error if nothing can be published now.
    pub fn health(&self) -> Result<(), HealthError> {
        if self.stop.is_cancelled() {
            return Err(HealthError::Closed);
        }
        let address = || self.dialer.address().to_owned();
        match &*self.state.borrow() {
            State::Down(reason) => {
                Err(HealthError::Disconnected { address: address(), reason: reason.clone() })
            }
            State::Up(up) if up.connection.status().blocked() => {
                Err(HealthError::Blocked { address: address() })
            }
            State::Up(_) => Ok(()),
        }
    }

    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Up {
    fn new(connection: Connection, dialer: Arc<Dialer>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            connection: Arc::new(connection),
            dialer,
            lost: CancellationToken::new(),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Returns an id of the connection, which no other one of this process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns true if the connection is lost, also when the link has not noticed it yet.
    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled() || !self.connection.status().connected()
    }

    pub fn answer_timeout(&self) -> Duration {
        self.dialer.answer_timeout()
    }

    pub async fn channel(&self) -> Result<Channel, BrokerError> {
        self.call("a channel", self.connection.create_channel()).await
    }

    /// Waits for the broker's answer to a call, for at most the answer timeout. `what` names the call in errors.
    pub async fn call<T>(
        &self,
        what: &str,
        answer: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, BrokerError> {
        let timeout = self.answer_timeout();
        match time::timeout(timeout, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.explain(what, &error)),
            Err(_elapsed) => Err(BrokerError::TimedOut(timeout)),
        }
    }

    /// Returns the error of a call whose channel was lost for a reason that need not be the call's.
    pub fn lost_channel(&self, error: &lapin::Error) -> BrokerError {
        self.dialer.unreachable(format!("the channel was lost: {error}"))
    }

    /// Converts an error of lapin into a refusal of `what`, or into a failure of the connection.
    pub fn explain(&self, what: &str, error: &lapin::Error) -> BrokerError {
        match error.kind() {
            ErrorKind::ProtocolError(refusal) if !is_fault(refusal.kind()) => {
                BrokerError::Refused { what: what.into(), reason: refusal.to_string() }
            }
            ErrorKind::ChannelsLimitReached => {
                BrokerError::TooManyChannels { max: self.connection.configuration().channel_max() }
            }
            _ => self.dialer.unreachable(error.to_string()),
        }
    }

    pub fn channel_max(&self) -> u16 {
        self.connection.configuration().channel_max()
    }

    /// Waits until the connection is lost, and returns the reason.
    async fn ended(&self, events: &mut (impl Stream<Item = Event> + Unpin)) -> String {
        // lapin does not report every end as an event.
        let mut check = time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                () = self.lost.cancelled() => return "it stopped answering".into(),
                Some(event) = events.next() => match event {
                    Event::Error(error) if !self.connection.status().connected() => return error.to_string(),
                    Event::ConnectionBlocked(reason) => tracing::warn!(%reason, "the broker blocks publishing"),
                    Event::ConnectionUnblocked => tracing::info!("the broker accepts messages again"),
                    _ => {}
                },
                _ = check.tick() => if !self.connection.status().connected() {
                    return "the broker closed the connection".into();
                },
            }
        }
    }

    /// Closes the connection. If the peer no longer answers, this takes the time-out.
    async fn close(&self) {
        const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
        let _gone = time::timeout(CLOSE_TIMEOUT, self.connection.close(200, "goodbye".into())).await;
    }
}

/// Returns true for an error that the call did not cause: the broker is stopping, or failed internally, as `RabbitMQ`
/// 3.10 does when two processes declare the same quorum queue at once.
fn is_fault(kind: &AMQPErrorKind) -> bool {
    matches!(kind, AMQPErrorKind::Hard(AMQPHardError::INTERNALERROR | AMQPHardError::CONNECTIONFORCED))
}

async fn keep_up(dialer: Arc<Dialer>, first: Up, state: watch::Sender<State>, stop: CancellationToken) {
    let mut up = first;
    loop {
        let mut events = Box::pin(up.connection.events_listener());
        let ended = stop.run_until_cancelled(up.ended(&mut events)).await;
        up.lost.cancel();
        if let Some(reason) = &ended {
            tracing::warn!(broker.address = dialer.address(), %reason, "broker connection lost");
            state.send_replace(State::Down(reason.clone()));
        }
        up.close().await;
        if ended.is_none() {
            return;
        }
        let Some(connection) = stop.run_until_cancelled(redial(&dialer, &state)).await else { return };
        up = Up::new(connection, dialer.clone());
        state.send_replace(State::Up(up.clone()));
        tracing::info!(broker.address = dialer.address(), "broker connection re-established");
    }
}

async fn redial(dialer: &Dialer, state: &watch::Sender<State>) -> Connection {
    let mut failures = 0;
    loop {
        match dialer.dial().await {
            Ok(connection) => return connection,
            Err(error) => {
                failures += 1;
                tracing::debug!(%error, failures, "broker not yet reachable");
                state.send_replace(State::Down(error.to_string()));
            }
        }
        time::sleep(backoff::delay(failures, rand::random())).await;
    }
}
