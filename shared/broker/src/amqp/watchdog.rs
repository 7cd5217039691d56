use std::{sync::Arc, time::Duration};

use lapin::{
    options::QueueDeclareOptions,
    types::{FieldTable, ShortString},
};
use tokio::time;

use super::{link::Link, unacked::Unacked};
use crate::BrokerError;

/// Notices a consumer that silently stopped: connection and channel seem to work, the queue has messages, and none
/// arrives. This was observed with half-open connections, and after the broker's consumer timeout.
pub(super) struct Watchdog {
    /// The publishing link, so that the check does not depend on the connection of the consumer.
    pub link: Arc<Link>,
    pub queue: ShortString,
    pub period: Duration,
}

impl Watchdog {
    /// Returns when nothing was delivered between two checks, although the prefetch had room and messages waited at
    /// both. One check is not enough: a message may just have been published.
    pub async fn silence(&self, unacked: &Unacked) {
        let mut suspected_at = None;
        loop {
            time::sleep(self.period).await;
            let before = unacked.load();
            if before.unacked >= usize::from(before.prefetch) {
                suspected_at = None;
                continue;
            }
            let waits = match self.messages_wait().await {
                Ok(waits) => waits,
                // A failed check is no evidence against the consumer.
                Err(error) => {
                    tracing::debug!(%error, queue.name = %self.queue, "watchdog could not check the queue");
                    false
                }
            };
            match suspected_at {
                Some(received) if waits && received == unacked.load().received => return,
                _ => suspected_at = waits.then_some(before.received),
            }
        }
    }

    async fn messages_wait(&self) -> Result<bool, BrokerError> {
        let up = self.link.up().await?;
        let channel = up.channel().await?;
        let passive = QueueDeclareOptions::durable().passive();
        let declared = channel.queue_declare(self.queue.clone(), passive, FieldTable::default());
        let declared = up.call("a check of a queue", declared).await?;
        Ok(declared.message_count() > 0)
    }
}
