use std::sync::Arc;

use futures::{
    FutureExt, Stream, StreamExt,
    stream::{self, BoxStream, SelectAll},
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
    settle::{self, Desk},
};
use crate::{BrokerError, Queue};

/// One life of a subscription: a channel with its consumers. When it is lost, so is all it held.
pub(super) struct Session {
    pub up: Up,
    channel: Channel,
    queue: Queue,
    name: ShortString,
    desk: Arc<Desk>,
    credit: Credit,
    /// Consumers above this one are alive.
    cancelled: u32,
    arrivals: SelectAll<BoxStream<'static, (u32, Arrival)>>,
}

/// What comes from a consumer.
pub(super) enum Arrival {
    Delivery(Box<Delivery>),
    /// With the reason.
    Ended(String),
}

impl Session {
    /// A new channel that consumes.
    pub async fn open(up: Up, queue: Queue, desk: Arc<Desk>) -> Result<Self, BrokerError> {
        let channel = up.channel().await?;
        desk.topology.declare(&up, &channel, queue).await?;
        desk.hand.new_channel(up.lost.child_token());
        let name = desk.topology.queue(queue);
        let (credit, arrivals) = (Credit::default(), SelectAll::new());
        let mut session = Self { up, channel, queue, name, desk, credit, cancelled: 0, arrivals };
        session.adjust(true).await?;
        Ok(session)
    }

    /// Brings the consumers in line with the prefetch and with what is held. `asked`: the prefetch was just set.
    pub async fn adjust(&mut self, asked: bool) -> Result<(), BrokerError> {
        loop {
            let load = self.desk.hand.load();
            match self.credit.step(load.prefetch, load.owed, asked, self.is_single()) {
                Step::Nothing => return Ok(()),
                Step::Start(allowance) => self.start(allowance).await?,
                Step::CancelAll => {
                    self.cancel_all().await?;
                    self.hand_back_surplus().await?;
                }
            }
        }
    }

    /// The next arrival; never, without consumers. Cancel safe.
    pub async fn arrival(&mut self) -> (u32, Arrival) {
        match self.arrivals.next().await {
            Some(arrival) => arrival,
            None => std::future::pending().await,
        }
    }

    /// Keeps a delivery; an end that we did not ask for is the end of the session.
    pub fn take(&mut self, (consumer, arrival): (u32, Arrival)) -> Result<(), BrokerError> {
        match arrival {
            Arrival::Delivery(delivery) => self.desk.hand.receive(consumer, *delivery),
            Arrival::Ended(_) if consumer <= self.cancelled => {}
            Arrival::Ended(reason) => {
                return Err(BrokerError::Refused { what: format!("a consumer of {}", self.name), reason });
            }
        }
        Ok(())
    }

    /// Keeps what is there already.
    pub fn take_ready(&mut self) -> Result<(), BrokerError> {
        while let Some(Some(arrival)) = self.arrivals.next().now_or_never() {
            self.take(arrival)?;
        }
        Ok(())
    }

    /// Takes nothing more, and gives to others what nobody has seen. What is in hand can still be settled.
    pub async fn stop(&mut self) -> Result<(), BrokerError> {
        self.desk.hand.end();
        self.cancel_all().await?;
        self.hand_back_surplus().await
    }

    /// Why does nothing come? A connection that does not answer is lost for everyone on it. One that does has a
    /// consumer that is dead; but where one consumer is served at a time, it may rightly be another one.
    pub async fn question(&mut self) -> Result<(), BrokerError> {
        if let Err(error) = self.up.channel().await {
            self.up.lost.cancel();
            return Err(error);
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

    async fn hand_back_surplus(&mut self) -> Result<(), BrokerError> {
        for delivery in self.desk.hand.take_surplus() {
            self.up.call("a message handed back", delivery.acker.nack(settle::HAND_BACK)).await?;
        }
        Ok(())
    }

    async fn cancel_all(&mut self) -> Result<(), BrokerError> {
        for tag in self.credit.take_all() {
            let canceled = self.channel.basic_cancel(tag, BasicCancelOptions::default());
            self.up.call("a cancel", canceled).await?;
        }
        self.cancelled = self.credit.last_number();
        // What the broker sent before it answered is here by now.
        self.take_ready()?;
        self.desk.hand.cancel_through(self.cancelled);
        Ok(())
    }

    /// Ends as it was asked: takes nothing more, and no ack is forgotten.
    ///
    /// RabbitMQ sends a quorum queue some 32 acks ahead of what the queue's log has on disk, and keeps back the
    /// rest; a channel that closes over those forgets them (seen with 3.10.8), and the messages come again. A
    /// consumer's start and its cancel are entries of the same log, and are answered when they are in it.
    pub async fn finish(mut self) {
        let finished = async {
            self.stop().await?;
            if self.desk.hand.has_settled() {
                self.start(1).await?;
                self.cancel_all().await?;
            }
            self.hand_back_surplus().await
        };
        if let Err(error) = finished.await {
            tracing::debug!(%error, queue.name = %self.name, "subscription not ended in order");
        }
        self.close().await;
    }

    /// The broker takes back what is unsettled.
    pub async fn close(self) {
        self.desk.hand.new_channel(CancellationToken::new());
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
        // Holds for consumers that start from now on, each for itself.
        self.up.call("a prefetch", self.channel.basic_qos(allowance, BasicQosOptions::default())).await?;
        let consumer = self.channel.basic_consume(
            self.name.clone(),
            tag.clone(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = self.up.call("a consumer", consumer).await?;
        self.credit.started(tag, allowance);
        self.arrivals.push(arrivals(consumer).map(move |arrival| (number, arrival)).boxed());
        Ok(())
    }
}

fn arrivals(
    consumer: impl Stream<Item = lapin::Result<Delivery>> + Send + 'static,
) -> impl Stream<Item = Arrival> {
    let arrivals = consumer.map(|next| match next {
        Ok(delivery) => Arrival::Delivery(Box::new(delivery)),
        Err(error) => Arrival::Ended(error.to_string()),
    });
    arrivals.chain(stream::once(async { Arrival::Ended("the broker canceled it".into()) }))
}
