use std::sync::Arc;

use async_trait::async_trait;

use super::{
    queue::{HolderId, MemoryQueue, Next},
    settle::MemorySettle,
};
use crate::{BrokerError, Delivery, Subscription};

/// Takes messages when asked: nothing is ever buffered, so stopping has nothing to hand back.
pub(super) struct MemorySubscription {
    queue: Arc<MemoryQueue>,
    holder: HolderId,
}

impl MemorySubscription {
    pub fn new(queue: Arc<MemoryQueue>, prefetch: u16) -> Self {
        let holder = queue.join(prefetch);
        Self { queue, holder }
    }
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            let mut changed = std::pin::pin!(self.queue.changed.notified());
            // Before looking, so that a message that comes while we look is not missed.
            changed.as_mut().enable();
            match self.queue.next(self.holder) {
                Next::Message { tag, parcel } => {
                    return Some(MemorySettle::delivery(self.queue.clone(), self.holder, tag, parcel));
                }
                Next::Nothing => changed.await,
                Next::Ended => return None,
            }
        }
    }

    async fn set_prefetch(&mut self, prefetch: u16) {
        self.queue.set_prefetch(self.holder, prefetch);
    }

    async fn ack_through(&mut self, last: Delivery) -> Result<(), BrokerError> {
        if let Some(settle) = last.settle().as_any().downcast_ref::<MemorySettle>() {
            settle.ack_through();
        }
        Ok(())
    }

    async fn stop(&mut self) {
        self.queue.stop(self.holder);
    }
}

impl Drop for MemorySubscription {
    fn drop(&mut self) {
        self.queue.leave(self.holder);
    }
}
