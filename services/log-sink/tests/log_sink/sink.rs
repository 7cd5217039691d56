use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use prometheus::Registry;
use runmill_broker::{Broker, Delivery, Envelope, Queue, memory::MemoryBroker};
use runmill_log_sink::{ConsumerHealth, LogSink, LogSinkMetrics, StoreHealth};
use runmill_proto::{
    InvocationId, Outcome,
    message::{Evaluation, EvaluationPart},
    testing,
};
use runmill_runtime::Clock;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::scripted::ScriptedStore;

pub const LOGS: Queue = Queue::Logs(0);

/// A running log-sink.
pub struct Sink {
    pub store: ScriptedStore,
    pub broker: Arc<MemoryBroker>,
    pub metrics: LogSinkMetrics,
    pub store_health: StoreHealth,
    pub consumer_health: ConsumerHealth,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Sink {
    /// Starts a log-sink with `messages` in its queue.
    pub async fn start(store: ScriptedStore, messages: impl IntoIterator<Item = Envelope>) -> Self {
        Self::start_with(Arc::new(MemoryBroker::new()), store, messages).await
    }

    pub async fn start_with(
        broker: Arc<MemoryBroker>,
        store: ScriptedStore,
        messages: impl IntoIterator<Item = Envelope>,
    ) -> Self {
        broker.declare(LOGS).await.unwrap();
        for message in messages {
            broker.publish(LOGS, message).await.unwrap();
        }
        let metrics = LogSinkMetrics::register(&Registry::new()).unwrap();
        let store_health = StoreHealth::default();
        let consumer_health = ConsumerHealth::new(1);
        let sink = LogSink {
            drain_wait: Duration::from_millis(100),
            broker: broker.clone(),
            results: Arc::new(store.clone()),
            clock: Clock::fixed(Timestamp::UNIX_EPOCH),
            metrics: metrics.clone(),
            store_health: store_health.clone(),
            consumer_health: consumer_health.clone(),
            partitions: 1,
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(sink.run(stop.clone()));
        Self { store, broker, metrics, store_health, consumer_health, stop, running }
    }

    /// Waits until the log-sink has tried to write `count` times.
    pub async fn tried(&self, count: u32) {
        self.store.state.subscribe().wait_for(|state| state.tries >= count).await.unwrap();
    }

    pub fn ended(&self, how: &str) -> u64 {
        self.metrics.messages.with_label_values(&[how]).get()
    }

    /// Stops the log-sink, and returns the messages left in the queue of logs and in that of dead letters.
    pub async fn stop(self) -> (Vec<Delivery>, Vec<Delivery>) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        (left(&*self.broker, LOGS).await, left(&*self.broker, Queue::Dead).await)
    }
}

/// Returns the messages that another consumer gets.
async fn left(broker: &dyn Broker, queue: Queue) -> Vec<Delivery> {
    let mut subscription = broker.subscribe(queue, u16::MAX).await.unwrap();
    let mut left = Vec::new();
    while let Ok(delivery) = timeout(Duration::from_secs(1), subscription.next()).await {
        left.push(delivery.unwrap());
    }
    left
}

/// Returns the message about an invocation that succeeded.
pub fn log(ordinal: u32) -> Envelope {
    let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
    Envelope::new(&testing::invocation(testing::key(ordinal), call, Outcome::Succeeded))
}

/// Returns the message about an invocation with an answer of `bytes`.
pub fn large(ordinal: u32, bytes: usize) -> Envelope {
    let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
    let mut invocation = testing::invocation(testing::key(ordinal), call, Outcome::Succeeded);
    invocation.response = Some("a".repeat(bytes));
    Envelope::new(&invocation)
}

/// Returns the message about a part of an evaluation.
pub fn evaluation(attempt: u32) -> Envelope {
    let part = EvaluationPart::Lines { number: 1, lines: vec!["loading".into()] };
    Envelope::new(&Evaluation { run_id: testing::key(0).run_id, attempt, part })
}
