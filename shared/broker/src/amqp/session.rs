use std::sync::Arc;

use futures::{
    FutureExt, Stream, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream, FuturesUnordered, SelectAll},
};
use lapin::{
    Channel,
    message::Delivery,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::{FieldTable, ShortString},
};
use tokio_util::sync::CancellationToken;

use super::{
    credit::{Credit, Step},
    link::Up,
    renewal,
    settlement::REQUEUE,
    shared::Shared,
};
use crate::{BrokerError, Queue};

/// The current channel of a subscription, with its consumers. When it is lost, its unacked deliveries are lost with it
/// and the broker delivers them again.
pub(super) struct Session {
    pub up: Up,
    channel: Channel,
    queue: Queue,
    name: ShortString,
    shared: Arc<Shared>,
    credit: Credit,
    /// Number up to which consumers are cancelled.
    cancelled: u32,
    /// Events of all consumers, with the consumer's number.
    events: SelectAll<BoxStream<'static, (u32, ConsumerEvent)>>,
    /// Messages that are being renewed: at most the prefetch.
    renewals: FuturesUnordered<BoxFuture<'static, ()>>,
}

/// An item of a consumer's stream.
pub(super) enum ConsumerEvent {
    Delivery(Box<Delivery>),
    /// The consumer has ended, for this reason.
    Ended(String),
}

impl Session {
    /// Opens a channel and starts to consume.
    pub async fn open(up: Up, queue: Queue, shared: Arc<Shared>) -> Result<Self, BrokerError> {
        let channel = shared.topology.declare(&up, queue).await?;
        shared.unacked.new_channel(up.lost.child_token());
        let name = shared.topology.queue(queue);
        let mut session = Self {
            up,
            channel,
            queue,
            name,
            shared,
            credit: Credit::default(),
            cancelled: 0,
            events: SelectAll::new(),
            renewals: FuturesUnordered::new(),
        };
        session.adjust(true).await?;
        Ok(session)
    }

    /// Starts and cancels consumers as the prefetch and the unacked deliveries require.
    ///
    /// * `just_set` — the prefetch was set a moment ago.
    pub async fn adjust(&mut self, just_set: bool) -> Result<(), BrokerError> {
        loop {
            let load = self.shared.unacked.load();
            match self.credit.step(load.prefetch, load.leftovers, just_set, self.is_single()) {
                Step::Nothing => return Ok(()),
                Step::Start(allowance) => self.start(allowance).await?,
                Step::CancelAll => {
                    self.cancel_all().await?;
                    self.requeue_surplus().await?;
                }
            }
        }
    }

    /// Waits for the next event of a consumer. Without consumers it waits for ever. Cancel safe.
    pub async fn event(&mut self) -> (u32, ConsumerEvent) {
        loop {
            tokio::select! {
                Some(event) = self.events.next() => return event,
                Some(()) = self.renewals.next() => {}
                else => std::future::pending().await,
            }
        }
    }

    /// Buffers a delivery. Returns an error, which ends the session, if a consumer ended that was not cancelled.
    pub fn take(&mut self, (consumer, event): (u32, ConsumerEvent)) -> Result<(), BrokerError> {
        match event {
            ConsumerEvent::Delivery(delivery)
                if self.queue.has_dead_letters() && renewal::is_due(&delivery) =>
            {
                let tag = self.shared.unacked.receive_for_renewal(consumer, &delivery);
                self.renewals.push(renewal::renew(self.shared.clone(), tag, *delivery).boxed());
            }
            ConsumerEvent::Delivery(delivery) => self.shared.unacked.receive(consumer, *delivery),
            ConsumerEvent::Ended(_) if consumer <= self.cancelled => {}
            ConsumerEvent::Ended(reason) => {
                return Err(BrokerError::Refused { what: format!("a consumer of {}", self.name), reason });
            }
        }
        Ok(())
    }

    /// Takes the events that are ready, without waiting.
    pub fn take_ready(&mut self) -> Result<(), BrokerError> {
        while let Some(Some(event)) = self.events.next().now_or_never() {
            self.take(event)?;
        }
        Ok(())
    }

    /// Cancels all consumers and requeues the buffered deliveries. Those that `next` has returned can still be settled.
    pub async fn stop(&mut self) -> Result<(), BrokerError> {
        self.shared.unacked.end();
        self.cancel_all().await?;
        self.requeue_surplus().await
    }

    /// Checks why nothing is delivered although messages wait, and returns an error if the session must be replaced.
    /// A connection that does not answer is given up for all its users. If it answers, a consumer is dead, unless the
    /// queue serves one consumer at a time: then the messages may go to another process.
    pub async fn check_silence(&mut self) -> Result<(), BrokerError> {
        match self.up.channel().await {
            // Without a free channel there is no check, and the connection works.
            Ok(_) | Err(BrokerError::TooManyChannels { .. }) => {}
            Err(error) => {
                self.up.lost.cancel();
                return Err(error);
            }
        }
        if self.is_single() {
            return Ok(());
        }
        let reason = "messages wait and none comes".to_owned();
        Err(BrokerError::Refused { what: format!("a consumer of {}", self.name), reason })
    }

    fn is_single(&self) -> bool {
        matches!(self.queue, Queue::Logs(_))
    }

    async fn requeue_surplus(&mut self) -> Result<(), BrokerError> {
        for delivery in self.shared.unacked.take_surplus() {
            self.up.call("the requeue of a message", delivery.acker.nack(REQUEUE)).await?;
        }
        Ok(())
    }

    async fn cancel_all(&mut self) -> Result<(), BrokerError> {
        for tag in self.credit.take_all() {
            let canceled = self.channel.basic_cancel(tag, BasicCancelOptions::default());
            self.up.call("a cancel", canceled).await?;
        }
        self.cancelled = self.credit.last_number();
        // Deliveries that the broker sent before it answered have arrived by now.
        self.take_ready()?;
        self.shared.unacked.cancel_through(self.cancelled);
        Ok(())
    }

    /// Ends the session in order: takes nothing more, and makes sure that the broker has applied all acks.
    ///
    /// A RabbitMQ channel sends a quorum queue at most some 32 acks that are not yet in the queue's log on disk, and
    /// holds the others back. If it is closed then, it forgets these (observed with 3.10.8), and the messages are
    /// redelivered. The start and the cancel of a consumer are entries of the same log, and are answered once they
    /// are in it.
    pub async fn finish(mut self) {
        let finished = async {
            self.stop().await?;
            if self.shared.unacked.has_settled() {
                self.start(1).await?;
                self.cancel_all().await?;
            }
            self.requeue_surplus().await
        };
        if let Err(error) = finished.await {
            tracing::debug!(%error, queue.name = %self.name, "subscription not ended in order");
        }
        self.close().await;
    }

    /// Closes the channel. The broker then requeues the unacked deliveries.
    pub async fn close(self) {
        self.shared.unacked.new_channel(CancellationToken::new());
        if self.up.lost.is_cancelled() {
            return;
        }
        let closed = self.channel.close(200, "done".into());
        if let Err(error) = self.up.call("a channel's end", closed).await {
            tracing::debug!(%error, queue.name = %self.name, "channel not closed in order");
        }
    }

    async fn start(&mut self, allowance: u16) -> Result<(), BrokerError> {
        let number = self.credit.next_number();
        let tag: ShortString = format!("{}-{number}", self.name).into();
        // The prefetch applies separately to each consumer that starts from now on.
        self.up.call("a prefetch", self.channel.basic_qos(allowance, BasicQosOptions::default())).await?;
        let consumer = self.channel.basic_consume(
            self.name.clone(),
            tag.clone(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = self.up.call("a consumer", consumer).await?;
        self.credit.started(tag, allowance);
        self.events.push(events(consumer).map(move |event| (number, event)).boxed());
        Ok(())
    }
}

fn events(
    consumer: impl Stream<Item = lapin::Result<Delivery>> + Send + 'static,
) -> impl Stream<Item = ConsumerEvent> {
    let events = consumer.map(|next| match next {
        Ok(delivery) => ConsumerEvent::Delivery(Box::new(delivery)),
        Err(error) => ConsumerEvent::Ended(error.to_string()),
    });
    events.chain(stream::once(async { ConsumerEvent::Ended("the broker canceled it".into()) }))
}
