use std::sync::Arc;

use futures::StreamExt;
use lapin::{
    Channel, Consumer,
    message::Delivery,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{
    backoff,
    link::{Link, Up},
    topology::{Route, Topology},
};
use crate::BrokerError;

/// An exclusive queue, for messages that only this process can use: broadcasts and answers. It lives as long as its
/// connection, and its messages are not acked.
pub(super) struct ExclusiveQueue {
    pub link: Arc<Link>,
    pub topology: Arc<Topology>,
    /// The exchange that the queue is bound to. With `None` it gets the messages that are sent to its name.
    pub source: Option<Route>,
}

/// An item that [`ExclusiveQueue::run`] passes on.
pub(super) enum Event {
    Message(Box<Delivery>),
    /// The queue is lost, with its messages.
    Lost,
    /// A queue of this name has replaced the previous one.
    Reopened(ShortString),
}

/// A declared exclusive queue with its consumer.
pub(super) struct Opened {
    pub name: ShortString,
    consumer: Consumer,
    up: Up,
    /// Channel of the consumer, which is closed when this is dropped.
    _channel: Channel,
}

impl ExclusiveQueue {
    pub async fn open(&self, up: Up) -> Result<Opened, BrokerError> {
        let mut channel = up.channel().await?;
        self.topology.declare_exchanges(&up, &mut channel).await?;
        // The queue is classic, because a quorum queue cannot be exclusive.
        let (name, options) = (self.topology.private_queue(), QueueDeclareOptions::exclusive().auto_delete());
        let declared = channel.queue_declare(name.clone(), options, FieldTable::default());
        up.call("an exclusive queue", declared).await?;
        let source = self.source.clone().unwrap_or_else(|| self.topology.direct(name.clone()));
        let Route { exchange, key } = source;
        let bound = channel.queue_bind(
            name.clone(),
            exchange,
            key,
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        up.call("an exclusive queue", bound).await?;
        let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..Default::default() };
        let consumer =
            channel.basic_consume(name.clone(), ShortString::default(), options, FieldTable::default());
        let consumer = up.call("a consumer of an exclusive queue", consumer).await?;
        Ok(Opened { name, consumer, up, _channel: channel })
    }

    /// Passes messages to `on` until `stop`, and replaces the queue whenever it is lost.
    pub async fn run(self, first: Opened, stop: CancellationToken, on: impl Fn(Event)) {
        let mut opened = first;
        while stop.run_until_cancelled(pass_on(&mut opened, &on)).await.is_some() {
            on(Event::Lost);
            let Some(next) = stop.run_until_cancelled(self.reopen()).await else { return };
            opened = next;
            on(Event::Reopened(opened.name.clone()));
        }
    }

    async fn reopen(&self) -> Opened {
        let mut failures = 0;
        loop {
            failures += 1;
            time::sleep(backoff::delay(failures, rand::random())).await;
            let opened = match self.link.up().await {
                Ok(up) => self.open(up).await,
                Err(error) => Err(error),
            };
            match opened {
                Ok(opened) => return opened,
                Err(error) => tracing::warn!(%error, failures, "exclusive queue not yet re-established"),
            }
        }
    }
}

/// Passes messages to `on` until the consumer or its connection is lost.
async fn pass_on(opened: &mut Opened, on: &impl Fn(Event)) {
    let Opened { consumer, up, .. } = opened;
    let passing = async {
        while let Some(Ok(delivery)) = consumer.next().await {
            on(Event::Message(Box::new(delivery)));
        }
    };
    let _lost = up.lost.run_until_cancelled(passing).await;
}
