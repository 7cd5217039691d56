//! Shows that a broker can be decorated: a wrapper that counts passes the whole conformance suite.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runmill_broker::{
    Answers, Broker, BrokerError, Delivery, Depth, Envelope, HealthError, Listener, PublishError, Queue,
    RequestError, Settle, Subscription, conformance,
    memory::{MemoryBroker, MemorySettings},
};

#[derive(Default)]
struct Counts {
    published: AtomicU32,
    delivered: AtomicU32,
    /// Number of deliveries that were settled one by one.
    settled: AtomicU32,
    acked_through: AtomicU32,
    replied: AtomicU32,
}

struct CountingBroker<B> {
    inner: B,
    counts: Arc<Counts>,
}

struct CountingSubscription {
    inner: Box<dyn Subscription>,
    counts: Arc<Counts>,
}

struct CountingSettle {
    inner: Box<dyn Settle>,
    counts: Arc<Counts>,
}

fn count(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[async_trait]
impl<B: Broker> Broker for CountingBroker<B> {
    async fn declare(&self, queue: Queue) -> Result<(), BrokerError> {
        self.inner.declare(queue).await
    }

    async fn depth(&self, queue: Queue) -> Result<Option<Depth>, BrokerError> {
        self.inner.depth(queue).await
    }

    async fn publish(&self, queue: Queue, message: Envelope) -> Result<(), PublishError> {
        count(&self.counts.published);
        self.inner.publish(queue, message).await
    }

    async fn subscribe(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        let inner = self.inner.subscribe(queue, prefetch).await?;
        Ok(Box::new(CountingSubscription { inner, counts: self.counts.clone() }))
    }

    async fn broadcast(&self, message: Envelope) -> Result<(), PublishError> {
        self.inner.broadcast(message).await
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, BrokerError> {
        self.inner.listen().await
    }

    async fn request(&self, message: Envelope, timeout: Duration) -> Result<Envelope, RequestError> {
        self.inner.request(message, timeout).await
    }

    async fn request_stream(
        &self,
        queue: Queue,
        message: Envelope,
    ) -> Result<Box<dyn Answers>, RequestError> {
        self.inner.request_stream(queue, message).await
    }

    async fn stray_answers(&self) -> Result<Box<dyn Answers>, BrokerError> {
        self.inner.stray_answers().await
    }

    async fn is_present(&self, presence: &str) -> Result<bool, BrokerError> {
        self.inner.is_present(presence).await
    }

    fn health(&self) -> Result<(), HealthError> {
        self.inner.health()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[async_trait]
impl Subscription for CountingSubscription {
    async fn next(&mut self) -> Option<Delivery> {
        let delivery = self.inner.next().await?;
        count(&self.counts.delivered);
        let counts = self.counts.clone();
        Some(delivery.map_settle(|inner| Box::new(CountingSettle { inner, counts })))
    }

    async fn set_prefetch(&mut self, prefetch: u16) {
        self.inner.set_prefetch(prefetch).await;
    }

    async fn ack_through(&mut self, last: Delivery) -> Result<(), BrokerError> {
        count(&self.counts.acked_through);
        self.inner.ack_through(last).await
    }

    async fn stop(&mut self) {
        self.inner.stop().await;
    }
}

#[async_trait]
impl Settle for CountingSettle {
    async fn ack(&self) -> Result<(), BrokerError> {
        count(&self.counts.settled);
        self.inner.ack().await
    }

    async fn requeue(&self) -> Result<(), BrokerError> {
        count(&self.counts.settled);
        self.inner.requeue().await
    }

    async fn requeue_as_failed(&self, message: &Envelope) -> Result<(), BrokerError> {
        count(&self.counts.settled);
        self.inner.requeue_as_failed(message).await
    }

    async fn dead_letter(&self, message: &Envelope, reason: &str) -> Result<(), BrokerError> {
        count(&self.counts.settled);
        self.inner.dead_letter(message, reason).await
    }

    async fn reply(&self, answer: Envelope) -> Result<bool, PublishError> {
        count(&self.counts.replied);
        self.inner.reply(answer).await
    }
}

fn counting<B>(inner: B) -> CountingBroker<B> {
    CountingBroker { inner, counts: Arc::default() }
}

/// A decorated broker is decorated once more, because a decorator must not depend on the broker that it wraps,
/// either.
fn broker() -> CountingBroker<CountingBroker<MemoryBroker>> {
    let settings = MemorySettings { queue_length_max: conformance::QUEUE_LENGTH_MAX, ..Default::default() };
    counting(counting(MemoryBroker::with_settings(settings)))
}

runmill_broker::broker_conformance!(std::future::ready(broker()));

#[tokio::test]
async fn a_decorator_sees_all_that_passes_through_it() {
    let broker = broker();
    conformance::ack_through_acks_the_earlier_ones_and_no_later_one(&broker).await;
    conformance::an_answer_reaches_who_asked(&broker).await;

    for counts in [&broker.counts, &broker.inner.counts] {
        let counted =
            [&counts.published, &counts.delivered, &counts.settled, &counts.acked_through, &counts.replied]
                .map(|counter| counter.load(Ordering::Relaxed));
        // Six messages were published and taken, four were acked together, and two were taken again and acked. One
        // request was answered and acked.
        assert_eq!(counted, [6, 9, 3, 1, 1]);
    }
}
