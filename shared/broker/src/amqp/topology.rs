use std::time::Duration;

use futures::FutureExt;
use lapin::{
    Channel, ErrorKind, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::{AMQPValue, FieldTable, LongString, ShortString},
};
use runmill_proto::message::SmokeTest;

use super::{AmqpSettings, link::Up};
use crate::{BrokerError, DELIVERY_LIMIT, Depth, Queue};

/// Names and arguments of exchanges and queues. Every argument works from RabbitMQ 3.10 to 4.3. The broker refuses to
/// declare an existing queue with other arguments, so a change of arguments needs a new queue name.
pub(super) struct Topology {
    prefix: String,
    expires: Option<Duration>,
    length_max: u32,
}

/// The exchange and routing key of a publish.
#[derive(Clone)]
pub(super) struct Route {
    pub exchange: ShortString,
    pub key: ShortString,
}

impl Topology {
    pub fn new(settings: &AmqpSettings) -> Self {
        Self {
            prefix: settings.prefix.clone(),
            expires: settings.queue_expires,
            length_max: settings.queue_length_max,
        }
    }

    pub fn queue(&self, queue: Queue) -> ShortString {
        let prefix = &self.prefix;
        match queue {
            Queue::Jobs(lane) => format!("{prefix}.jobs.{lane}"),
            Queue::Logs(partition) => format!("{prefix}.logs.{partition}"),
            Queue::Requests => format!("{prefix}.requests"),
            Queue::Dead => format!("{prefix}.dead"),
        }
        .into()
    }

    pub fn route(&self, queue: Queue) -> Route {
        match queue {
            Queue::Jobs(lane) => Route { exchange: self.name("jobs"), key: lane.to_string().into() },
            Queue::Logs(partition) => {
                Route { exchange: self.name("logs"), key: partition.to_string().into() }
            }
            Queue::Requests => Self::direct(self.queue(queue)),
            Queue::Dead => self.dead(),
        }
    }

    pub fn dead(&self) -> Route {
        Route { exchange: self.name("dead"), key: ShortString::default() }
    }

    pub fn control(&self) -> Route {
        Route { exchange: self.name("control"), key: ShortString::default() }
    }

    /// Returns a route straight to `queue`, by the default exchange.
    pub fn direct(queue: ShortString) -> Route {
        Route { exchange: ShortString::default(), key: queue }
    }

    /// Declares the exchanges. A publish needs them even before there is a queue: the broker closes a channel that
    /// publishes to an exchange that does not exist.
    pub async fn declare_exchanges(&self, up: &Up, channel: &Channel) -> Result<(), BrokerError> {
        let auto_delete = self.expires.is_some();
        for (name, kind, auto_delete) in [
            ("jobs", ExchangeKind::Direct, auto_delete),
            ("logs", ExchangeKind::Direct, auto_delete),
            ("dead", ExchangeKind::Fanout, auto_delete),
            // It must exist even when no process listens and it has no queue.
            ("control", ExchangeKind::Fanout, false),
        ] {
            let name = self.name(name);
            let options = ExchangeDeclareOptions { durable: true, auto_delete, ..Default::default() };
            let declared = channel.exchange_declare(name.clone(), kind, options, FieldTable::default());
            up.call(&format!("exchange {name}"), declared).await?;
        }
        Ok(())
    }

    pub async fn declare(&self, up: &Up, channel: &Channel, queue: Queue) -> Result<(), BrokerError> {
        self.declare_exchanges(up, channel).await?;
        self.declare_queue(up, channel, Queue::Dead).await?;
        if queue != Queue::Dead {
            self.declare_queue(up, channel, queue).await?;
        }
        Ok(())
    }

    /// Returns `None` if the queue does not exist. The broker then closes the channel.
    pub async fn depth(
        &self,
        up: &Up,
        channel: &Channel,
        queue: Queue,
    ) -> Result<Option<Depth>, BrokerError> {
        let name = self.queue(queue);
        let passive = QueueDeclareOptions::durable().passive();
        let asked = channel.queue_declare(name.clone(), passive, FieldTable::default()).map(Ok);
        match up.call(&format!("a look at queue {name}"), asked).await? {
            Ok(found) => Ok(Some(Depth {
                ready: found.message_count().into(),
                consumers: found.consumer_count().into(),
            })),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(up.explain(&format!("a look at queue {name}"), &error)),
        }
    }

    async fn declare_queue(&self, up: &Up, channel: &Channel, queue: Queue) -> Result<(), BrokerError> {
        let name = self.queue(queue);
        let what = format!("queue {name}");
        let durable = QueueDeclareOptions::durable();
        up.call(&what, channel.queue_declare(name.clone(), durable, self.arguments(queue))).await?;

        let Route { exchange, key } = self.route(queue);
        if exchange == ShortString::default() {
            return Ok(());
        }
        let bound =
            channel.queue_bind(name, exchange, key, QueueBindOptions::default(), FieldTable::default());
        up.call(&what, bound).await
    }

    fn arguments(&self, queue: Queue) -> FieldTable {
        let mut arguments = FieldTable::default();
        let mut set = |name: &str, value: AMQPValue| {
            arguments.insert(name.into(), value);
        };
        set("x-queue-type", text("quorum"));
        set("x-overflow", text("reject-publish"));
        if let Some(expires) = self.expires {
            set("x-expires", millis(expires));
        }
        if queue == Queue::Dead {
            return arguments;
        }
        // Set explicitly, because the broker's default is no limit up to 3.13, and 20 from 4.0 on.
        set("x-delivery-limit", number(DELIVERY_LIMIT));
        set("x-max-length", number(self.length_max));
        if queue.has_dead_letters() {
            set("x-dead-letter-exchange", text(self.name("dead").as_str()));
            set("x-dead-letter-strategy", text("at-least-once"));
        }
        match queue {
            Queue::Logs(_) => set("x-single-active-consumer", AMQPValue::Boolean(true)),
            Queue::Requests => set("x-message-ttl", millis(SmokeTest::EXPIRES_AFTER)),
            Queue::Jobs(_) | Queue::Dead => {}
        }
        arguments
    }

    fn name(&self, exchange: &str) -> ShortString {
        format!("{}.{exchange}", self.prefix).into()
    }
}

fn is_not_found(error: &lapin::Error) -> bool {
    let not_found = AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND);
    matches!(error.kind(), ErrorKind::ProtocolError(refusal) if *refusal.kind() == not_found)
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

fn number(value: u32) -> AMQPValue {
    AMQPValue::LongLongInt(i64::from(value))
}

fn millis(value: Duration) -> AMQPValue {
    AMQPValue::LongLongInt(i64::try_from(value.as_millis()).unwrap_or(i64::MAX))
}
