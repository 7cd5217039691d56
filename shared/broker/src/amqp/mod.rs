//! The broker over `RabbitMQ`, 3.10 to 4.3, with lapin.
//!
//! One `link` publishes and one consumes, because the broker stops reading from a connection that publishes
//! when its memory or disk is full, acks and all. All publishing goes through one task, the `pump`. Each
//! subscription has a channel and a `supervisor` that makes it anew when it is lost.

mod backoff;
mod confirms;
mod credit;
mod dial;
mod hand;
mod link;
mod listener;
mod private;
mod publisher;
mod pump;
mod replies;
mod session;
mod settings;
mod settle;
mod subscription;
mod supervisor;
mod topology;
mod watchdog;
mod wire;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{
    sync::{OnceCell, Semaphore, mpsc},
    time::{self, Instant},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

pub use self::settings::AmqpSettings;
use self::{
    dial::Dialer,
    link::{Link, Up},
    listener::AmqpListener,
    private::PrivateQueue,
    publisher::Publisher,
    replies::Replies,
    session::Session,
    settle::{AmqpSettle, Desk},
    subscription::AmqpSubscription,
    supervisor::Supervisor,
    topology::{Route, Topology},
    watchdog::Watchdog,
};
use crate::{
    Broker, BrokerError, Delivery, Envelope, Listener, PublishError, Queue, RequestError, Subscription,
};

/// Requests of this process that wait at once.
const REQUESTS_MAX: usize = 256;

pub struct AmqpBroker {
    settings: AmqpSettings,
    topology: Arc<Topology>,
    publishing: Arc<Link>,
    consuming: Arc<Link>,
    publisher: Publisher,
    replies: OnceCell<Arc<Replies>>,
    requests: Semaphore,
    closing: CancellationToken,
    tasks: TaskTracker,
    _closed_when_dropped: DropGuard,
}

impl AmqpBroker {
    /// Connects, or says within [`AmqpSettings::connect_timeout`] for each of two connections why that is not
    /// possible. From then on lost connections are made again without end.
    pub async fn connect(settings: AmqpSettings) -> Result<Self, BrokerError> {
        let topology = Arc::new(Topology::new(&settings));
        let publishing = Arc::new(Link::connect(Dialer::new(&settings, "publish")?).await?);
        let consuming = Arc::new(Link::connect(Dialer::new(&settings, "consume")?).await?);
        let (closing, tasks) = (CancellationToken::new(), TaskTracker::new());
        let publisher = Publisher::start(
            publishing.clone(),
            topology.clone(),
            settings.answer_timeout,
            closing.clone(),
            &tasks,
        );
        Ok(Self {
            settings,
            topology,
            publishing,
            consuming,
            publisher,
            replies: OnceCell::new(),
            requests: Semaphore::new(REQUESTS_MAX),
            _closed_when_dropped: closing.clone().drop_guard(),
            closing,
            tasks,
        })
    }

    async fn up(&self, link: &Link) -> Result<Up, BrokerError> {
        if self.closing.is_cancelled() {
            return Err(BrokerError::Closed);
        }
        link.up_within(self.settings.connect_timeout).await
    }

    /// Opens what needs a connection, and tries again what a fault of the broker or of the connection spoiled, for as
    /// long as connecting may take. A refusal is final.
    async fn persist<T, O: Future<Output = Result<T, BrokerError>>>(
        &self,
        link: &Link,
        open: impl Fn(Up) -> O,
    ) -> Result<T, BrokerError> {
        let until = Instant::now() + self.settings.connect_timeout;
        let mut failures = 0;
        loop {
            let error = match open(self.up(link).await?).await {
                Ok(opened) => return Ok(opened),
                Err(error) => error,
            };
            failures += 1;
            let delay = backoff::delay(failures, rand::random());
            if !matches!(error, BrokerError::Unreachable { .. }) || Instant::now() + delay > until {
                return Err(error);
            }
            tracing::warn!(%error, failures, "trying again");
            time::sleep(delay).await;
        }
    }

    fn private_queue(&self, source: Option<Route>) -> PrivateQueue {
        PrivateQueue { link: self.consuming.clone(), topology: self.topology.clone(), source }
    }

    async fn replies(&self) -> Result<Arc<Replies>, BrokerError> {
        let opened = self.replies.get_or_try_init(async || {
            self.declare(Queue::Requests).await?;
            let queue = self.private_queue(None);
            let opened = queue.open(self.up(&self.consuming).await?).await?;
            let (replies, passing) = Replies::new(queue, opened, self.closing.clone());
            self.tasks.spawn(passing);
            Ok(replies)
        });
        opened.await.cloned()
    }

    async fn ask(&self, message: Envelope) -> Result<Option<Envelope>, PublishError> {
        let _one_of_many = self.requests.acquire().await.expect("this semaphore is never closed");
        let (address, mut waiting) = self.replies().await?.expect();
        let properties = wire::properties(&message)
            .with_reply_to(address.queue)
            .with_correlation_id(address.correlation_id);
        self.publisher.publish(self.topology.route(Queue::Requests), properties, message.body).await?;
        Ok((&mut waiting.answer).await.ok())
    }
}

#[async_trait]
impl Broker for AmqpBroker {
    async fn declare(&self, queue: Queue) -> Result<(), BrokerError> {
        self.persist(&self.publishing, |up| async move {
            // A channel of its own: a refusal closes it.
            let channel = up.channel().await?;
            self.topology.declare(&up, &channel, queue).await
        })
        .await
    }

    async fn publish(&self, queue: Queue, message: Envelope) -> Result<(), PublishError> {
        let properties = wire::properties(&message);
        self.publisher.publish(self.topology.route(queue), properties, message.body).await
    }

    async fn subscribe(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        let desk = Arc::new(Desk::new(self.publisher.clone(), self.topology.clone()));
        desk.hand.set_prefetch(prefetch);
        let session = self.persist(&self.consuming, |up| Session::open(up, queue, desk.clone())).await?;
        let watchdog = Watchdog {
            link: self.publishing.clone(),
            queue: self.topology.queue(queue),
            period: self.settings.watchdog_period,
        };
        // Its holder waits for the answer to each command, so one is there at a time.
        let (asking, commands) = mpsc::channel(1);
        let supervisor = Supervisor {
            link: self.consuming.clone(),
            queue,
            desk: desk.clone(),
            watchdog,
            commands,
            closing: self.closing.clone(),
        };
        self.tasks.spawn(supervisor.run(session));
        Ok(Box::new(AmqpSubscription::new(desk, asking)))
    }

    async fn broadcast(&self, message: Envelope) -> Result<(), PublishError> {
        let properties = wire::properties(&message);
        match self.publisher.publish(self.topology.control(), properties, message.body).await {
            // Nobody listens.
            Err(PublishError::Unroutable(_)) => Ok(()),
            told => told,
        }
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, BrokerError> {
        let queue = self.private_queue(Some(self.topology.control()));
        let opened = self.persist(&self.consuming, |up| queue.open(up)).await?;
        let (listener, hearing) = AmqpListener::new(queue, opened, &self.closing);
        self.tasks.spawn(hearing);
        Ok(Box::new(listener))
    }

    async fn request(&self, message: Envelope, timeout: Duration) -> Result<Envelope, RequestError> {
        match time::timeout(timeout, self.ask(message)).await {
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(None)) | Err(_) => Err(RequestError::NoAnswer(timeout)),
        }
    }

    async fn reply(&self, to: &Delivery, answer: Envelope) -> Result<(), PublishError> {
        let settle = to.settle().as_any().downcast_ref::<AmqpSettle>();
        let Some(address) = settle.and_then(AmqpSettle::reply_to).cloned() else { return Ok(()) };
        let properties = wire::properties(&answer).with_correlation_id(address.correlation_id);
        match self.publisher.publish(Topology::direct(address.queue), properties, answer.body).await {
            // The asker has gone.
            Err(PublishError::Unroutable(_)) => Ok(()),
            told => told,
        }
    }

    fn health(&self) -> Result<(), String> {
        self.publishing.health()
    }

    async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        tokio::join!(self.publishing.close(), self.consuming.close());
    }
}
