use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt};
use lapin::{
    Channel, Connection, ErrorKind, Event,
    protocol::{AMQPErrorKind, AMQPHardError},
};
use tokio::{sync::watch, time};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{backoff, dial::Dialer};
use crate::BrokerError;

/// One connection, kept up: when it is lost, it is made again, for as long as the link lives.
///
/// lapin has a recovery of its own, which is off. It replays the topology and consumers of a lost connection
/// but not of a channel that the broker closed (a wrong tag, the consumer timeout, a deleted queue), so a
/// rebuild of channels is needed anyway; two mechanisms at once would race for the same consumers.
pub(super) struct Link {
    state: watch::Receiver<State>,
    dialer: Arc<Dialer>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Clone)]
enum State {
    Up(Up),
    /// With the reason.
    Down(String),
}

/// A connection that was there a moment ago.
#[derive(Clone)]
pub(super) struct Up {
    connection: Arc<Connection>,
    dialer: Arc<Dialer>,
    /// Cancelled when the connection is found to be lost; whoever cancels it says so.
    pub lost: CancellationToken,
}

impl Link {
    /// Connects, or says why that is not possible now.
    pub async fn connect(dialer: Dialer) -> Result<Self, BrokerError> {
        let dialer = Arc::new(dialer);
        let first = Up::new(dialer.dial().await?, dialer.clone());
        let (sender, state) = watch::channel(State::Up(first.clone()));
        let link = Self { state, dialer, stop: CancellationToken::new(), tasks: TaskTracker::new() };
        link.tasks.spawn(keep_up(link.dialer.clone(), first, sender, link.stop.clone()));
        Ok(link)
    }

    /// The connection, waiting for it while it is down. Cancel safe.
    pub async fn up(&self) -> Result<Up, BrokerError> {
        let mut state = self.state.clone();
        let found = state.wait_for(|state| matches!(state, State::Up(_))).await;
        match found.as_deref() {
            Ok(State::Up(up)) => Ok(up.clone()),
            // Its task has ended.
            Ok(State::Down(_)) | Err(_) => Err(BrokerError::Closed),
        }
    }

    /// The connection, if it is there within `patience`.
    pub async fn up_within(&self, patience: Duration) -> Result<Up, BrokerError> {
        time::timeout(patience, self.up()).await.unwrap_or_else(|_elapsed| Err(self.unreachable()))
    }

    pub fn unreachable(&self) -> BrokerError {
        let reason = self.health().err().unwrap_or_else(|| "the connection was lost".into());
        self.dialer.unreachable(reason)
    }

    /// Why nothing can be published now.
    pub fn health(&self) -> Result<(), String> {
        if self.stop.is_cancelled() {
            return Err(BrokerError::Closed.to_string());
        }
        match &*self.state.borrow() {
            State::Down(reason) => Err(format!("not connected to {}: {reason}", self.dialer.address())),
            State::Up(up) if up.connection.status().blocked() => {
                Err(format!("{} takes no messages: its memory or disk is full", self.dialer.address()))
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
        Self { connection: Arc::new(connection), dialer, lost: CancellationToken::new() }
    }

    pub fn answer_timeout(&self) -> Duration {
        self.dialer.answer_timeout()
    }

    pub async fn channel(&self) -> Result<Channel, BrokerError> {
        self.call("a channel", self.connection.create_channel()).await
    }

    /// Waits for the broker's answer to a call about `what`, for as long as it may take.
    pub async fn call<T>(
        &self,
        what: &str,
        answer: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, BrokerError> {
        let patience = self.answer_timeout();
        match time::timeout(patience, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.explain(what, &error)),
            Err(_elapsed) => Err(BrokerError::TimedOut(patience)),
        }
    }

    pub fn explain(&self, what: &str, error: &lapin::Error) -> BrokerError {
        match error.kind() {
            ErrorKind::ProtocolError(refusal) if !is_fault(refusal.kind()) => {
                BrokerError::Refused { what: what.into(), reason: refusal.to_string() }
            }
            _ => self.dialer.unreachable(error.to_string()),
        }
    }

    /// Ends when the connection is lost, with the reason.
    async fn ended(&self, events: &mut (impl Stream<Item = Event> + Unpin)) -> String {
        // Not every end is an event.
        let mut look = time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                () = self.lost.cancelled() => return "it stopped answering".into(),
                Some(event) = events.next() => match event {
                    Event::Error(error) if !self.connection.status().connected() => return error.to_string(),
                    Event::ConnectionBlocked(reason) => tracing::warn!(%reason, "the broker blocks publishing"),
                    Event::ConnectionUnblocked => tracing::info!("the broker takes messages again"),
                    _ => {}
                },
                _ = look.tick() => if !self.connection.status().connected() {
                    return "the broker closed the connection".into();
                },
            }
        }
    }

    /// Says goodbye. A peer that no longer answers is not waited for.
    async fn hang_up(&self) {
        const PATIENCE: Duration = Duration::from_secs(2);
        let _gone = time::timeout(PATIENCE, self.connection.close(200, "goodbye".into())).await;
    }
}

/// The broker's own trouble, and no verdict on what it was asked: it stops, or stumbled, as `RabbitMQ` 3.10 does over two
/// that declare the same quorum queue at once.
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
        up.hang_up().await;
        if ended.is_none() {
            return;
        }
        let Some(connection) = stop.run_until_cancelled(redial(&dialer, &state)).await else { return };
        up = Up::new(connection, dialer.clone());
        state.send_replace(State::Up(up.clone()));
        tracing::info!(broker.address = dialer.address(), "broker connection made again");
    }
}

async fn redial(dialer: &Dialer, state: &watch::Sender<State>) -> Connection {
    let mut failures = 0;
    loop {
        match dialer.dial().await {
            Ok(connection) => return connection,
            Err(error) => {
                failures += 1;
                tracing::debug!(%error, failures, "broker still away");
                state.send_replace(State::Down(error.to_string()));
            }
        }
        time::sleep(backoff::delay(failures, rand::random())).await;
    }
}
