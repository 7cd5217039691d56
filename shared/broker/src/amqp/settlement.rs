use lapin::{
    Acker,
    options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions},
};
use tokio_util::sync::CancellationToken;

/// Options of the `basic.nack` that puts one message back into its queue.
pub(super) const REQUEUE: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };

/// Permission to settle one delivery once. [`Unacked`](super::unacked::Unacked) gives it out for deliveries that are
/// unacked on the current channel: an ack for a lost channel, or a second ack, would make the broker close the
/// current one.
#[must_use]
pub(super) struct Settlement {
    acker: Acker,
    /// Token that is cancelled when the channel is lost.
    lost: CancellationToken,
}

impl Settlement {
    pub fn new(acker: Acker, lost: CancellationToken) -> Self {
        Self { acker, lost }
    }

    pub async fn ack(self) {
        self.finish(self.acker.ack(BasicAckOptions::default())).await;
    }

    /// Acks this delivery and all earlier ones of its channel.
    pub async fn ack_multiple(self) {
        self.finish(self.acker.ack(BasicAckOptions { multiple: true })).await;
    }

    /// Sends `basic.nack`, which `RabbitMQ` does not count from 4.3 on.
    pub async fn requeue(self) {
        self.finish(self.acker.nack(REQUEUE)).await;
    }

    /// Sends `basic.reject`, which every version of `RabbitMQ` counts.
    pub async fn requeue_as_failed(self) {
        self.finish(self.acker.reject(BasicRejectOptions { requeue: true })).await;
    }

    /// Waits for the answer, but no longer than the channel exists, because lapin may never answer on a lost channel.
    /// The broker redelivers the messages that were not settled on that channel.
    async fn finish(&self, answer: impl Future<Output = lapin::Result<bool>>) {
        if let Some(Err(error)) = self.lost.run_until_cancelled(answer).await {
            tracing::debug!(%error, "settled on a channel that is lost");
        }
    }
}
