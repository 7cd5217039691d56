use std::sync::Arc;

use lapin::{
    Channel,
    options::{BasicAckOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};

use super::{flush_acks, get};
use crate::{
    BrokerError, PublishError, Queue,
    amqp::{link::Up, publisher::Publisher, topology::Topology, wire},
};

/// The queue of dead letters of earlier releases. It has no delivery limit of its own, so that a broker from 4.0 on drops
/// a dead letter that was looked at 21 times.
pub(in crate::amqp) struct OldQueue {
    pub up: Up,
    pub topology: Arc<Topology>,
    pub publisher: Publisher,
}

impl OldQueue {
    /// Moves all messages to the queue of today, each published before it is acked, and then deletes the old queue.
    /// Returns their number. Several processes may do so at once.
    pub async fn move_over(&self) -> Result<u64, PublishError> {
        let mut channel = self.topology.declare(&self.up, Queue::Dead).await?;
        if !self.exists(&mut channel).await? {
            return Ok(0);
        }
        let (exchange, key) = (self.topology.dead().exchange, self.topology.dead().key);
        let unbound = channel.queue_unbind(self.topology.old_dead(), exchange, key, FieldTable::default());
        self.up.call("the unbinding of the old dead letters", unbound).await?;
        let moved = self.move_messages(&channel).await?;
        self.delete(&channel).await?;
        Ok(moved)
    }

    async fn exists(&self, channel: &mut Channel) -> Result<bool, BrokerError> {
        let look = self.up.channel().await?;
        let passive = QueueDeclareOptions::durable().passive();
        let found = look.queue_declare(self.topology.old_dead(), passive, FieldTable::default()).await;
        if found.is_ok() {
            *channel = look;
        }
        Ok(found.is_ok())
    }

    async fn move_messages(&self, channel: &Channel) -> Result<u64, PublishError> {
        let mut moved = 0;
        while let Some(raw) = get(&self.up, channel, self.topology.old_dead()).await? {
            let properties = wire::moved_properties(&raw);
            self.publisher.publish(self.topology.dead(), properties, raw.data.into()).await?;
            let acked = raw.acker.ack(BasicAckOptions::default());
            self.up.call("the move of a dead letter", acked).await?;
            moved += 1;
        }
        flush_acks(&self.up, channel, self.topology.old_dead()).await?;
        Ok(moved)
    }

    /// Deletes the queue, unless a process of an earlier release has put something into it meanwhile: the next start moves
    /// that. A quorum queue cannot be deleted on a condition: RabbitMQ then closes the connection (540, not implemented).
    async fn delete(&self, channel: &Channel) -> Result<(), BrokerError> {
        let passive = QueueDeclareOptions::durable().passive();
        let look = channel.queue_declare(self.topology.old_dead(), passive, FieldTable::default());
        let queue = self.up.call("a look at the old dead letters", look).await?;
        if queue.message_count() == 0 && queue.consumer_count() == 0 {
            let deleted = channel.queue_delete(self.topology.old_dead(), QueueDeleteOptions::default());
            self.up.call("the deletion of the old dead letters", deleted).await?;
        }
        Ok(())
    }
}
