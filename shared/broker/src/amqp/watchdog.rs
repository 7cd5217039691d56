use std::{sync::Arc, time::Duration};

use lapin::{
    options::QueueDeclareOptions,
    types::{FieldTable, ShortString},
};
use tokio::time;

use super::{hand::Hand, link::Link};
use crate::BrokerError;

/// Notices a consumer that silently stopped: connection and channel seem well, the queue has messages, and
/// none arrives. Seen with half-open connections, and after the consumer timeout.
pub(super) struct Watchdog {
    /// The publishing one, because it must not share the fate of the consumer.
    pub link: Arc<Link>,
    pub queue: ShortString,
    pub period: Duration,
}

impl Watchdog {
    /// Returns when nothing was delivered between two looks, though there was room for it and messages waited
    /// at both. One look is not enough: a message may just have come.
    pub async fn silence(&self, hand: &Hand) {
        let mut suspected_at = None;
        loop {
            time::sleep(self.period).await;
            let before = hand.load();
            if before.unsettled >= usize::from(before.prefetch) {
                suspected_at = None;
                continue;
            }
            let waits = match self.messages_wait().await {
                Ok(waits) => waits,
                // What cannot be seen is not held against the consumer.
                Err(error) => {
                    tracing::debug!(%error, queue.name = %self.queue, "watchdog could not look");
                    false
                }
            };
            match suspected_at {
                Some(received) if waits && received == hand.load().received => return,
                _ => suspected_at = waits.then_some(before.received),
            }
        }
    }

    async fn messages_wait(&self) -> Result<bool, BrokerError> {
        let up = self.link.up().await?;
        let channel = up.channel().await?;
        let passive = QueueDeclareOptions::durable().passive();
        let seen = channel.queue_declare(self.queue.clone(), passive, FieldTable::default());
        let seen = up.call("a look at a queue", seen).await?;
        Ok(seen.message_count() > 0)
    }
}
