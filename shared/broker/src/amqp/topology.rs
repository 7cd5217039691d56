use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use futures::FutureExt;
use lapin::{
    Channel, ErrorKind, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::{AMQPValue, FieldTable, LongString, ShortString},
};
use runmill_proto::message::{ClientCall, SmokeTest};
use uuid::Uuid;

use super::{
    AmqpSettings,
    existing::{self, Expiry},
    link::Up,
};
use crate::{BrokerError, Depth, Queue};

/// Time without a consumer after which the broker deletes a queue of calls.
const CALLS_EXPIRE: Duration = Duration::from_mins(1);

/// Number of calls that wait in one queue, at which the broker rejects more. Each has a client that waits.
const CALLS_MAX: u32 = 10_000;

/// Names and arguments of exchanges and queues. Every argument works from RabbitMQ 3.10 to 4.3. The broker refuses to
/// declare an existing queue with other arguments, so a change of arguments needs a new queue name.
pub(super) struct Topology {
    prefix: String,
    expires: Option<Duration>,
    length_max: u32,
    /// Queues that exist with another expiry than the settings say, and their expiry. They are used as they are.
    other_expiry: Mutex<BTreeMap<String, Option<Duration>>>,
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
            other_expiry: Mutex::default(),
        }
    }

    /// Returns the queues that were found with another expiry than the settings say, and their expiry.
    pub fn other_expiry(&self) -> Vec<(String, Option<Duration>)> {
        self.lock_other_expiry().clone().into_iter().collect()
    }

    fn lock_other_expiry(&self) -> MutexGuard<'_, BTreeMap<String, Option<Duration>>> {
        self.other_expiry.lock().expect("nothing panics while it holds this lock")
    }

    pub fn queue(&self, queue: Queue) -> ShortString {
        let prefix = &self.prefix;
        match queue {
            Queue::Jobs(lane) => format!("{prefix}.jobs.{lane}"),
            Queue::Calls(lane) => format!("{prefix}.calls.{lane}"),
            Queue::Logs(partition) => format!("{prefix}.logs.{partition}"),
            Queue::Requests => format!("{prefix}.requests"),
            Queue::Dead => format!("{prefix}.dead-letters"),
        }
        .into()
    }

    /// Returns the queue of this name, if it is one of those that messages are taken from.
    pub fn queue_named(&self, name: &str) -> Option<Queue> {
        let rest = name.strip_prefix(&self.prefix)?.strip_prefix('.')?;
        match rest.split_once('.')? {
            ("jobs", lane) => lane.parse().ok().map(Queue::Jobs),
            ("logs", partition) => partition.parse().ok().map(Queue::Logs),
            _ => None,
        }
    }

    /// Returns the name of the queue of dead letters of earlier releases. It has the broker's own delivery limit.
    pub fn old_dead(&self) -> ShortString {
        self.name("dead")
    }

    /// Returns a new name for an exclusive queue. It has the prefix, so that rights on the prefix are enough.
    pub fn private_queue(&self) -> ShortString {
        format!("{}.private.{}", self.prefix, Uuid::now_v7().simple()).into()
    }

    pub fn route(&self, queue: Queue) -> Route {
        match queue {
            Queue::Jobs(lane) => Route { exchange: self.name("jobs"), key: lane.to_string().into() },
            Queue::Logs(partition) => {
                Route { exchange: self.name("logs"), key: partition.to_string().into() }
            }
            Queue::Calls(_) | Queue::Requests => self.direct(self.queue(queue)),
            Queue::Dead => self.dead(),
        }
    }

    pub fn dead(&self) -> Route {
        Route { exchange: self.name("dead"), key: ShortString::default() }
    }

    pub fn control(&self) -> Route {
        Route { exchange: self.name("control"), key: ShortString::default() }
    }

    /// Returns a route straight to `queue`, which must be bound to it.
    pub fn direct(&self, queue: ShortString) -> Route {
        Route { exchange: self.name("direct"), key: queue }
    }

    /// Returns the route to the exclusive queue of a requester. That of an earlier release has a name of the broker, and
    /// is reached by the default exchange, on which a user with rights on the prefix alone may have none.
    pub fn reply(&self, queue: ShortString) -> Route {
        match queue.as_str().strip_prefix(&self.prefix) {
            Some(_) => self.direct(queue),
            None => Route { exchange: ShortString::default(), key: queue },
        }
    }

    /// Declares the exchanges. A publish needs them even before there is a queue: the broker closes a channel that
    /// publishes to an exchange that does not exist. A refusal costs the channel, which is then replaced.
    pub async fn declare_exchanges(&self, up: &Up, channel: &mut Channel) -> Result<(), BrokerError> {
        let auto_delete = self.expires.is_some();
        for (name, kind, auto_delete) in [
            ("jobs", ExchangeKind::Direct, auto_delete),
            ("logs", ExchangeKind::Direct, auto_delete),
            ("dead", ExchangeKind::Fanout, auto_delete),
            // These must exist even when no process listens and they have no queue.
            ("control", ExchangeKind::Fanout, false),
            ("direct", ExchangeKind::Direct, false),
        ] {
            declare_exchange(up, channel, self.name(name), kind, auto_delete).await?;
        }
        Ok(())
    }

    /// Declares the queue and all that it needs, and returns a channel that nothing else uses.
    pub async fn declare(&self, up: &Up, queue: Queue) -> Result<Channel, BrokerError> {
        let mut channel = up.channel().await?;
        self.declare_exchanges(up, &mut channel).await?;
        self.declare_queue(up, &mut channel, Queue::Dead).await?;
        if queue != Queue::Dead {
            self.declare_queue(up, &mut channel, queue).await?;
        }
        Ok(channel)
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

    /// Returns true if the exclusive queue of another process exists.
    pub async fn has_exclusive(&self, up: &Up, channel: &Channel, name: &str) -> Result<bool, BrokerError> {
        let what = format!("a look at queue {name}");
        let passive = QueueDeclareOptions::default().passive();
        let asked = channel.queue_declare(name.into(), passive, FieldTable::default()).map(Ok);
        match up.call(&what, asked).await? {
            Ok(_) => Ok(true),
            Err(error) if is_not_found(&error) => Ok(false),
            Err(error) if is_locked(&error) => Ok(true),
            Err(error) => Err(up.explain(&what, &error)),
        }
    }

    async fn declare_queue(&self, up: &Up, channel: &mut Channel, queue: Queue) -> Result<(), BrokerError> {
        let name = self.queue(queue);
        let what = format!("queue {name}");
        let wanted = self.expiry(queue);
        match self.try_declare(up, channel, queue, wanted).await? {
            Ok(()) => self.notice_expiry(&name, wanted, wanted),
            // The expiry decides nothing about messages, so a queue that has another one is used as it is. It is declared
            // again with that expiry, because other arguments may differ, too.
            Err(error) => match existing::expiry_of(&error) {
                Some(Expiry(expires)) => {
                    *channel = up.channel().await?;
                    let declared = self.try_declare(up, channel, queue, expires).await?;
                    declared.map_err(|error| up.explain(&what, &error))?;
                    self.notice_expiry(&name, expires, wanted);
                }
                None => return Err(up.explain(&what, &error)),
            },
        }
        let Route { exchange, key } = self.route(queue);
        let bound =
            channel.queue_bind(name, exchange, key, QueueBindOptions::default(), FieldTable::default());
        up.call(&what, bound).await
    }

    async fn try_declare(
        &self,
        up: &Up,
        channel: &Channel,
        queue: Queue,
        expires: Option<Duration>,
    ) -> Result<Result<(), lapin::Error>, BrokerError> {
        let (name, durable) = (self.queue(queue), QueueDeclareOptions::durable());
        let declared = channel.queue_declare(name.clone(), durable, self.arguments(queue, expires));
        up.call(&format!("queue {name}"), declared.map(|declared| Ok(declared.map(|_queue| ())))).await
    }

    /// Notes the expiry with which a queue exists, and logs it the first time that it is not that of the settings.
    fn notice_expiry(&self, name: &ShortString, expires: Option<Duration>, wanted: Option<Duration>) {
        let mut known = self.lock_other_expiry();
        if expires == wanted {
            known.remove(name.as_str());
        } else if known.insert(name.to_string(), expires).is_none() {
            tracing::warn!(
                queue.name = %name,
                expires = ?expires,
                ?wanted,
                "the queue exists with another expiry and is used as it is; delete it when it is empty to change it"
            );
        }
    }

    /// Returns the time without use after which the broker deletes the queue.
    fn expiry(&self, queue: Queue) -> Option<Duration> {
        match queue {
            // A call is unroutable once no executor took any for this long. That is enough for executors that restart.
            Queue::Calls(_) => Some(CALLS_EXPIRE),
            _ => self.expires,
        }
    }

    fn arguments(&self, queue: Queue, expires: Option<Duration>) -> FieldTable {
        let mut arguments = FieldTable::default();
        let mut set = |name: &str, value: AMQPValue| {
            arguments.insert(name.into(), value);
        };
        set("x-overflow", text("reject-publish"));
        if let Some(expires) = expires {
            set("x-expires", millis(expires));
        }
        if !queue.is_replicated() {
            // A quorum queue writes each message to the disks of several nodes, which a client would wait for. The queue
            // itself is durable: RabbitMQ 4.3 refuses queues that are neither durable nor exclusive. Its messages are
            // transient.
            set("x-queue-type", text("classic"));
            set("x-max-length", number(CALLS_MAX));
            set("x-message-ttl", millis(ClientCall::EXPIRES_AFTER));
            return arguments;
        }
        set("x-queue-type", text("quorum"));
        // Set explicitly, because the broker's default is no limit up to 3.13, and 20 from 4.0 on.
        set("x-delivery-limit", number(queue.broker_limit()));
        if queue == Queue::Dead {
            return arguments;
        }
        set("x-max-length", number(self.length_max));
        if queue.has_dead_letters() {
            set("x-dead-letter-exchange", text(self.name("dead").as_str()));
            set("x-dead-letter-strategy", text("at-least-once"));
        }
        match queue {
            Queue::Logs(_) => set("x-single-active-consumer", AMQPValue::Boolean(true)),
            Queue::Requests => set("x-message-ttl", millis(SmokeTest::EXPIRES_AFTER)),
            _ => {}
        }
        arguments
    }

    fn name(&self, exchange: &str) -> ShortString {
        format!("{}.{exchange}", self.prefix).into()
    }
}

/// Declares an exchange. One that exists with another `auto_delete` is used as it is: this was changed together with the
/// expiry of queues.
async fn declare_exchange(
    up: &Up,
    channel: &mut Channel,
    name: ShortString,
    kind: ExchangeKind,
    auto_delete: bool,
) -> Result<(), BrokerError> {
    let what = format!("exchange {name}");
    let declare = async |channel: &Channel, auto_delete| {
        let options = ExchangeDeclareOptions { durable: true, auto_delete, ..Default::default() };
        let declared = channel.exchange_declare(name.clone(), kind.clone(), options, FieldTable::default());
        up.call(&what, declared.map(Ok)).await
    };
    let Err(error) = declare(channel, auto_delete).await? else { return Ok(()) };
    match existing::auto_delete_of(&error) {
        Some(current) => {
            *channel = up.channel().await?;
            declare(channel, current).await?.map_err(|error| up.explain(&what, &error))
        }
        None => Err(up.explain(&what, &error)),
    }
}

fn is_not_found(error: &lapin::Error) -> bool {
    let not_found = AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND);
    matches!(error.kind(), ErrorKind::ProtocolError(refusal) if *refusal.kind() == not_found)
}

/// Returns true for the answer about an exclusive queue of another connection.
fn is_locked(error: &lapin::Error) -> bool {
    let locked = AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED);
    matches!(error.kind(), ErrorKind::ProtocolError(refusal) if *refusal.kind() == locked)
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
