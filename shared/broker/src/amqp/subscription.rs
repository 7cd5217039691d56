use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::{
    hand::Found,
    settle::{AmqpSettle, Desk},
};
use crate::{BrokerError, Delivery, Subscription};

/// What a subscription asks of its supervisor, which answers when it is done.
pub(super) enum Command {
    SetPrefetch(u16, oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// A holder's side of a subscription; the other side is the `Supervisor`, which ends when this is dropped.
pub(super) struct AmqpSubscription {
    desk: Arc<Desk>,
    supervisor: mpsc::Sender<Command>,
}

impl AmqpSubscription {
    pub fn new(desk: Arc<Desk>, supervisor: mpsc::Sender<Command>) -> Self {
        Self { desk, supervisor }
    }

    async fn tell(&self, command: impl FnOnce(oneshot::Sender<()>) -> Command) {
        let (done, answer) = oneshot::channel();
        // A supervisor that has ended holds nothing and takes nothing.
        if self.supervisor.send(command(done)).await.is_ok() {
            let _ended = answer.await;
        }
    }
}

#[async_trait]
impl Subscription for AmqpSubscription {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            match self.desk.hand.next() {
                Found::Delivery(taken) => return Some(self.desk.delivery(taken)),
                Found::Ended => return None,
                Found::Nothing => self.desk.hand.ready.notified().await,
            }
        }
    }

    async fn set_prefetch(&mut self, prefetch: u16) {
        self.tell(|done| Command::SetPrefetch(prefetch, done)).await;
    }

    async fn ack_through(&mut self, last: Delivery) -> Result<(), BrokerError> {
        if let Some(settle) = last.settle().as_any().downcast_ref::<AmqpSettle>() {
            settle.ack_through().await;
        }
        Ok(())
    }

    async fn stop(&mut self) {
        self.tell(Command::Stop).await;
    }
}
