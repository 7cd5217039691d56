use std::{any::Any, sync::Arc};

use async_trait::async_trait;

use super::{
    asker::Asker,
    queue::{HolderId, MemoryQueue, Parcel},
};
use crate::{BrokerError, Delivery, Envelope, PublishError, Settle};

/// One held message, as its holder settles it.
pub(super) struct MemorySettle {
    queue: Arc<MemoryQueue>,
    holder: HolderId,
    tag: u64,
    asker: Option<Asker>,
}

impl MemorySettle {
    pub fn delivery(queue: Arc<MemoryQueue>, holder: HolderId, tag: u64, parcel: Parcel) -> Delivery {
        let settle = Self { queue, holder, tag, asker: parcel.asker };
        Delivery::new(parcel.message, parcel.returns, Box::new(settle))
    }

    /// Not a request: nobody waits for an answer.
    pub fn answer(&self, answer: Envelope) {
        if let Some(asker) = &self.asker {
            asker.answer(answer);
        }
    }

    pub fn ack_through(&self) {
        self.queue.ack_through(self.holder, self.tag);
    }
}

#[async_trait]
impl Settle for MemorySettle {
    async fn ack(&self) -> Result<(), BrokerError> {
        self.queue.ack(self.holder, self.tag);
        Ok(())
    }

    async fn hand_back(&self) -> Result<(), BrokerError> {
        self.queue.put_back(self.holder, self.tag);
        Ok(())
    }

    async fn reject(&self) -> Result<(), BrokerError> {
        self.queue.put_back(self.holder, self.tag);
        Ok(())
    }

    async fn dead_letter(&self, _message: &Envelope, reason: &str) -> Result<(), BrokerError> {
        let put_aside = self.queue.dead_letter(self.holder, self.tag, reason);
        if put_aside.is_err() {
            self.reject().await?;
        }
        put_aside.map_err(PublishError::of_dead_letter)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
