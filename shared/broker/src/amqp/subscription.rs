use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::{shared::Shared, unacked::Next};
use crate::{BrokerError, Delivery, Subscription};

/// A command of a subscription to its supervisor, which answers when the command is done.
pub(super) enum Command {
    SetPrefetch(u16, oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// The caller's side of a subscription. The other side is the `Supervisor`, which ends when this is dropped.
pub(super) struct AmqpSubscription {
    shared: Arc<Shared>,
    supervisor: mpsc::Sender<Command>,
}

impl AmqpSubscription {
    pub fn new(shared: Arc<Shared>, supervisor: mpsc::Sender<Command>) -> Self {
        Self { shared, supervisor }
    }

    async fn send(&self, command: impl FnOnce(oneshot::Sender<()>) -> Command) {
        let (done, answer) = oneshot::channel();
        // The command needs no answer if the supervisor has ended, because it then holds no deliveries and takes
        // none.
        if self.supervisor.send(command(done)).await.is_ok() {
            let _ended = answer.await;
        }
    }
}

#[async_trait]
impl Subscription for AmqpSubscription {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            match self.shared.unacked.next() {
                Next::Delivery(raw, tag) => return Some(self.shared.delivery(*raw, tag)),
                Next::Ended => return None,
                Next::Nothing => self.shared.unacked.ready.notified().await,
            }
        }
    }

    async fn set_prefetch(&mut self, prefetch: u16) {
        self.send(|done| Command::SetPrefetch(prefetch, done)).await;
    }

    async fn ack_through(&mut self, last: Delivery) -> Result<(), BrokerError> {
        self.shared.ack_through(last.tag()).await;
        Ok(())
    }

    async fn stop(&mut self) {
        self.send(Command::Stop).await;
    }
}
