use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use lapin::BasicProperties;
use tokio::{
    sync::{mpsc, oneshot},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    link::Link,
    pump::Pump,
    topology::{Route, Topology},
};
use crate::{BrokerError, PublishError};

/// A message on its way to the channel, and who waits for its confirm.
pub(super) struct Outgoing {
    pub route: Route,
    pub properties: BasicProperties,
    pub body: Bytes,
    pub done: oneshot::Sender<Result<(), PublishError>>,
}

/// Publishes from any number of tasks at once. All goes through one task, the [`Pump`], which owns the
/// channel.
#[derive(Clone)]
pub(super) struct Publisher {
    link: Arc<Link>,
    outbox: mpsc::Sender<Outgoing>,
    answer_timeout: Duration,
}

impl Publisher {
    /// Enough to keep the pump busy; whoever comes when it is full waits.
    const OUTBOX_MAX: usize = 256;

    pub fn start(
        link: Arc<Link>,
        topology: Arc<Topology>,
        answer_timeout: Duration,
        closing: CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        let (outbox, outgoing) = mpsc::channel(Self::OUTBOX_MAX);
        tasks.spawn(Pump::new(link.clone(), topology, outgoing, closing).run());
        Self { link, outbox, answer_timeout }
    }

    /// Returns once the broker has taken responsibility for the message. While the connection is down the
    /// message waits for it; the waiting is part of the time a confirm may take.
    pub async fn publish(
        &self,
        route: Route,
        properties: BasicProperties,
        body: Bytes,
    ) -> Result<(), PublishError> {
        let (done, confirmed) = oneshot::channel();
        let publishing = async {
            let outgoing = Outgoing { route, properties, body, done };
            self.outbox.send(outgoing).await.map_err(|_ended| BrokerError::Closed)?;
            // The pump lets go of what it had sent when the channel was lost, and of all when it ends.
            confirmed.await.unwrap_or_else(|_let_go| Err(self.let_go().into()))
        };
        time::timeout(self.answer_timeout, publishing).await.unwrap_or_else(|_elapsed| Err(self.overdue()))
    }

    fn let_go(&self) -> BrokerError {
        if self.outbox.is_closed() { BrokerError::Closed } else { self.link.unreachable() }
    }

    fn overdue(&self) -> PublishError {
        match self.link.health() {
            Ok(()) => PublishError::TimedOut(self.answer_timeout),
            Err(_) => self.link.unreachable().into(),
        }
    }
}
