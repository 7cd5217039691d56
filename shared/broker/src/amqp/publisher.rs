use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use lapin::BasicProperties;
use tokio::{
    sync::{mpsc, oneshot},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    faults::Faults,
    link::Link,
    pump::Pump,
    topology::{Route, Topology},
};
use crate::{BrokerError, PublishError};

/// A message on its way to the channel, and the sender to report its confirm to.
pub(super) struct Outgoing {
    pub route: Route,
    pub properties: BasicProperties,
    pub body: Bytes,
    pub done: oneshot::Sender<Result<(), PublishError>>,
}

/// Publishes for any number of tasks at once, through the one task that owns the channel: the [`Pump`].
#[derive(Clone)]
pub(super) struct Publisher {
    link: Arc<Link>,
    outbox: mpsc::Sender<Outgoing>,
    answer_timeout: Duration,
}

impl Publisher {
    /// Maximum number of messages that wait for the pump: enough to keep it busy. Further publishers wait.
    const OUTBOX_MAX: usize = 256;

    pub fn start(
        link: Arc<Link>,
        topology: Arc<Topology>,
        answer_timeout: Duration,
        faults: Arc<Faults>,
        closing: CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        let (outbox, outgoing) = mpsc::channel(Self::OUTBOX_MAX);
        tasks.spawn(Pump::new(link.clone(), topology, outgoing, faults, closing).run());
        Self { link, outbox, answer_timeout }
    }

    /// Returns once the broker has taken responsibility for the message. While the connection is down, the message
    /// waits, which counts towards the answer timeout.
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
            // The pump drops the senders of messages in flight when its channel is lost, and all senders when it ends.
            confirmed.await.unwrap_or_else(|_dropped| Err(self.dropped().into()))
        };
        time::timeout(self.answer_timeout, publishing).await.unwrap_or_else(|_elapsed| Err(self.overdue()))
    }

    fn dropped(&self) -> BrokerError {
        if self.outbox.is_closed() { BrokerError::Closed } else { self.link.unreachable() }
    }

    fn overdue(&self) -> PublishError {
        match self.link.health() {
            Ok(()) => PublishError::TimedOut(self.answer_timeout),
            Err(_) => self.link.unreachable().into(),
        }
    }
}
