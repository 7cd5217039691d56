//! The broker over `RabbitMQ`, 3.10 to 4.3, with lapin.
//!
//! One `link` publishes and another consumes: when its memory or disk is full, the broker stops reading from
//! connections that publish, and would not read acks from them either. All publishing goes through one task, the
//! `pump`. Each subscription has a channel, and a `supervisor` that replaces a lost channel.

mod backoff;
mod channel_deliveries;
mod confirms;
mod credit;
mod dead_letters;
mod dial;
mod exclusive;
mod existing;
mod faults;
mod link;
mod listener;
mod publisher;
mod pump;
mod renewal;
mod replies;
mod server;
mod session;
mod settings;
mod settle;
mod settlement;
mod shared;
mod size_limit;
mod subscription;
mod supervisor;
mod tls;
mod topology;
mod unacked;
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

use self::{
    dead_letters::OldQueue,
    dial::Dialer,
    exclusive::ExclusiveQueue,
    faults::Faults,
    link::{Link, Up},
    listener::AmqpListener,
    publisher::Publisher,
    replies::{PendingReply, Replies},
    session::Session,
    shared::Shared,
    subscription::AmqpSubscription,
    supervisor::Supervisor,
    topology::{Route, Topology},
    watchdog::Watchdog,
};
pub use self::{
    dead_letters::{DeadLetter, DeadLetters},
    server::server_version,
    settings::AmqpSettings,
};
use crate::{
    Answers, Broker, BrokerError, Depth, Envelope, HealthError, Listener, PublishError, Queue, RequestError,
    Subscription,
};

/// Maximum number of this process's requests that wait for their answers.
const REQUESTS_MAX: usize = 256;

pub struct AmqpBroker {
    settings: AmqpSettings,
    topology: Arc<Topology>,
    publishing: Arc<Link>,
    consuming: Arc<Link>,
    publisher: Publisher,
    faults: Arc<Faults>,
    replies: OnceCell<Arc<Replies>>,
    /// Set once the queue of requests is declared.
    requests_queue: OnceCell<()>,
    requests: Semaphore,
    closing: CancellationToken,
    tasks: TaskTracker,
    _closed_when_dropped: DropGuard,
}

impl AmqpBroker {
    /// Opens two connections, or returns an error after at most [`AmqpSettings::connect_timeout`] for each. From then
    /// on, lost connections are re-established for as long as the broker lives.
    pub async fn connect(settings: AmqpSettings) -> Result<Self, BrokerError> {
        let topology = Arc::new(Topology::new(&settings));
        let publishing = Arc::new(Link::connect(Dialer::new(&settings, "publish")?).await?);
        let consuming = Arc::new(Link::connect(Dialer::new(&settings, "consume")?).await?);
        let faults = Arc::<Faults>::default();
        let (closing, tasks) = (CancellationToken::new(), TaskTracker::new());
        let publisher = Publisher::start(
            publishing.clone(),
            topology.clone(),
            settings.answer_timeout,
            faults.clone(),
            closing.clone(),
            &tasks,
        );
        Ok(Self {
            settings,
            topology,
            publishing,
            consuming,
            publisher,
            faults,
            replies: OnceCell::new(),
            requests_queue: OnceCell::new(),
            requests: Semaphore::new(REQUESTS_MAX),
            _closed_when_dropped: closing.clone().drop_guard(),
            closing,
            tasks,
        })
    }

    /// Opens the queue of dead letters for reading.
    pub async fn dead_letters(&self) -> Result<DeadLetters, BrokerError> {
        DeadLetters::open(&self.consuming, self.topology.clone()).await
    }

    /// Moves the dead letters of earlier releases to the queue of today. Returns their number.
    pub async fn move_old_dead_letters(&self) -> Result<u64, PublishError> {
        let up = self.up(&self.consuming).await?;
        let (topology, publisher) = (self.topology.clone(), self.publisher.clone());
        OldQueue { up, topology, publisher }.move_over().await
    }

    /// Returns the queues that exist with another expiry than [`AmqpSettings::queue_expires`], and their expiry. They
    /// are used as they are.
    pub fn queues_with_other_expiry(&self) -> Vec<(String, Option<Duration>)> {
        self.topology.other_expiry()
    }

    /// Returns the largest number of channels that the broker allows for a connection.
    pub async fn channel_max(&self) -> Result<u16, BrokerError> {
        Ok(self.up(&self.consuming).await?.channel_max())
    }

    /// Sends a message to an exclusive queue of this process and waits for it, as an answer to a request is sent.
    pub async fn round_trip(&self, message: Envelope) -> Result<(), RequestError> {
        let timeout = self.settings.answer_timeout;
        let (address, mut answers) = self.replies().await.map_err(PublishError::from)?.expect_reply();
        let properties = wire::transient_properties(&message).with_correlation_id(address.correlation_id);
        self.publisher.publish(self.topology.reply(address.queue), properties, message.body).await?;
        match time::timeout(timeout, answers.next()).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) | Err(_) => Err(RequestError::NoAnswer(timeout)),
        }
    }

    async fn up(&self, link: &Link) -> Result<Up, BrokerError> {
        if self.closing.is_cancelled() {
            return Err(BrokerError::Closed);
        }
        link.up_within(self.settings.connect_timeout).await
    }

    /// Runs `open` on the connection, and repeats it with backoff after a fault of the broker or of the connection, for
    /// at most [`AmqpSettings::connect_timeout`]. A refusal by the broker is final.
    async fn open_with_retry<T, O: Future<Output = Result<T, BrokerError>>>(
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
            tracing::warn!(%error, failures, "an operation of the broker failed and is retried");
            time::sleep(delay).await;
        }
    }

    fn exclusive_queue(&self, source: Option<Route>) -> ExclusiveQueue {
        ExclusiveQueue { link: self.consuming.clone(), topology: self.topology.clone(), source }
    }

    async fn replies(&self) -> Result<Arc<Replies>, BrokerError> {
        let opened = self.replies.get_or_try_init(async || {
            let queue = self.exclusive_queue(None);
            let opened = queue.open(self.up(&self.consuming).await?).await?;
            let (replies, task) = Replies::new(queue, opened, self.closing.clone());
            self.tasks.spawn(task);
            Ok(replies)
        });
        opened.await.cloned()
    }

    /// Publishes a request, and returns its pending answers.
    async fn send(&self, queue: Queue, message: Envelope) -> Result<PendingReply, PublishError> {
        let (address, answers) = self.replies().await?.expect_reply();
        let properties = wire::properties_in(queue, &message)
            .with_reply_to(address.queue)
            .with_correlation_id(address.correlation_id);
        self.publisher.publish(self.topology.route(queue), properties, message.body).await?;
        Ok(answers)
    }

    async fn ask(&self, message: Envelope) -> Result<Option<Envelope>, PublishError> {
        let _permit = self.requests.acquire().await.expect("this semaphore is never closed");
        self.requests_queue.get_or_try_init(|| self.declare(Queue::Requests)).await?;
        Ok(self.send(Queue::Requests, message).await?.next().await)
    }
}

#[async_trait]
impl Broker for AmqpBroker {
    async fn declare(&self, queue: Queue) -> Result<(), BrokerError> {
        let declared = self
            .open_with_retry(&self.publishing, |up| async move {
                let channel = self.topology.declare(&up, queue).await?;
                let _gone = channel.close(200, "done".into()).await;
                Ok(())
            })
            .await;
        self.faults.note(self.topology.queue(queue).as_str(), &declared);
        declared
    }

    async fn depth(&self, queue: Queue) -> Result<Option<Depth>, BrokerError> {
        let up = self.up(&self.publishing).await?;
        let channel = up.channel().await?;
        let depth = self.topology.depth(&up, &channel, queue).await?;
        let _gone = channel.close(200, "done".into()).await;
        Ok(depth)
    }

    async fn publish(&self, queue: Queue, message: Envelope) -> Result<(), PublishError> {
        let properties = wire::properties_in(queue, &message);
        self.publisher.publish(self.topology.route(queue), properties, message.body).await
    }

    async fn subscribe(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        let shared = Arc::new(Shared::new(queue, prefetch, self.publisher.clone(), self.topology.clone()));
        let opened =
            self.open_with_retry(&self.consuming, |up| Session::open(up, queue, shared.clone())).await;
        self.faults.note(self.topology.queue(queue).as_str(), &opened);
        let session = opened?;
        let watchdog = Watchdog {
            link: self.publishing.clone(),
            queue: self.topology.queue(queue),
            period: self.settings.watchdog_period,
        };
        // The subscription waits for the answer to each command, so there is at most one at a time.
        let (sender, commands) = mpsc::channel(1);
        let supervisor = Supervisor {
            link: self.consuming.clone(),
            queue,
            shared: shared.clone(),
            watchdog,
            faults: self.faults.clone(),
            commands,
            closing: self.closing.clone(),
        };
        self.tasks.spawn(supervisor.run(session));
        Ok(Box::new(AmqpSubscription::new(shared, sender)))
    }

    async fn broadcast(&self, message: Envelope) -> Result<(), PublishError> {
        let properties = wire::properties(&message);
        match self.publisher.publish(self.topology.control(), properties, message.body).await {
            // No process listens, which is no error.
            Err(PublishError::Unroutable(_)) => Ok(()),
            published => published,
        }
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, BrokerError> {
        let queue = self.exclusive_queue(Some(self.topology.control()));
        let opened = self.open_with_retry(&self.consuming, |up| queue.open(up)).await?;
        let (listener, task) = AmqpListener::new(queue, opened, &self.closing);
        self.tasks.spawn(task);
        Ok(Box::new(listener))
    }

    async fn request(&self, message: Envelope, timeout: Duration) -> Result<Envelope, RequestError> {
        match time::timeout(timeout, self.ask(message)).await {
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(None)) | Err(_) => Err(RequestError::NoAnswer(timeout)),
        }
    }

    async fn request_stream(
        &self,
        queue: Queue,
        message: Envelope,
    ) -> Result<Box<dyn Answers>, RequestError> {
        let answers = self.send(queue, message).await.map_err(RequestError::of_publish)?;
        Ok(Box::new(answers))
    }

    async fn stray_answers(&self) -> Result<Box<dyn Answers>, BrokerError> {
        Ok(Box::new(self.replies().await?.strays()))
    }

    async fn is_present(&self, presence: &str) -> Result<bool, BrokerError> {
        let up = self.up(&self.publishing).await?;
        let channel = up.channel().await?;
        let present = self.topology.has_exclusive(&up, &channel, presence).await?;
        let _gone = channel.close(200, "done".into()).await;
        Ok(present)
    }

    fn health(&self) -> Result<(), HealthError> {
        self.publishing.health()?;
        self.faults.check()
    }

    async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        tokio::join!(self.publishing.close(), self.consuming.close());
    }
}
