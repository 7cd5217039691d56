use std::sync::Arc;

use async_trait::async_trait;

use super::{
    queue::{MemoryQueue, Next},
    settle::MemorySettle,
};
use crate::{BrokerError, ChannelId, Delivery, Subscription};

/// Takes each message when `next` is called. It buffers none, so `stop` has none to requeue.
pub(super) struct MemorySubscription {
    queue: Arc<MemoryQueue>,
    channel: ChannelId,
}

impl MemorySubscription {
    pub fn new(queue: Arc<MemoryQueue>, prefetch: u16) -> Self {
        let channel = queue.add_consumer(prefetch);
        Self { queue, channel }
    }
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            let mut changed = std::pin::pin!(self.queue.changed.notified());
            // The notification is enabled before the queue is read, so that a message that arrives in between is not
            // missed.
            changed.as_mut().enable();
            match self.queue.next(self.channel) {
                Next::Message(tag, queued) => {
                    return Some(MemorySettle::delivery(self.queue.clone(), tag, queued));
                }
                Next::Nothing => changed.await,
                Next::Ended => return None,
            }
        }
    }

    async fn set_prefetch(&mut self, prefetch: u16) {
        self.queue.set_prefetch(self.channel, prefetch);
    }

    async fn ack_through(&mut self, last: Delivery) -> Result<(), BrokerError> {
        let tag = last.tag();
        if tag.channel == self.channel {
            self.queue.ack_through(tag);
        }
        Ok(())
    }

    async fn stop(&mut self) {
        self.queue.stop(self.channel);
    }
}

impl Drop for MemorySubscription {
    fn drop(&mut self) {
        self.queue.remove_consumer(self.channel);
    }
}
