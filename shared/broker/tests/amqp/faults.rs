//! Tests with connections that break, brokers that restart, and servers that stop answering.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use runmill_broker::{
    Broker, Heard, PublishError, Queue, Subscription,
    amqp::{AmqpBroker, AmqpSettings},
};
use runmill_testkit::{PrivateRabbit, Proxy, amqp_url};
use tokio::{sync::mpsc, time};

use super::{lane, message, number, settings};

pub const MESSAGES: u32 = 2_000;

pub async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    time::timeout(Duration::from_mins(1), event).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// Publishes each message until it is confirmed, and then sends its number.
pub async fn publish_all(broker: Arc<AmqpBroker>, queue: Queue, confirmed: mpsc::Sender<u32>) {
    for n in 0..MESSAGES {
        while let Err(error) = broker.publish(queue, message(n)).await {
            assert!(!matches!(error, PublishError::Unroutable(_)), "{error}");
        }
        confirmed.send(n).await.unwrap();
    }
}

/// Takes and acks until every message was delivered, and returns how often each was.
pub async fn take_all(subscription: &mut dyn Subscription) -> BTreeMap<u32, u32> {
    let mut seen = BTreeMap::new();
    while seen.len() < MESSAGES as usize {
        let delivery = subscription.next().await.unwrap();
        *seen.entry(number(&delivery.message)).or_default() += 1;
        delivery.ack().await.unwrap();
    }
    seen
}

/// Waits for `many` more confirms.
pub async fn confirms(confirmed: &mut mpsc::Receiver<u32>, many: usize) {
    for _ in 0..many {
        within("a confirm", confirmed.recv()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_connections_are_cut() {
    let (proxy, url) = Proxy::before(&amqp_url()).await.unwrap();
    let broker = Arc::new(AmqpBroker::connect(settings(&url)).await.unwrap());
    let queue = lane();
    let mut subscription = broker.subscribe(queue, 20).await.unwrap();
    let (sender, mut confirmed) = mpsc::channel(1);
    let publishing = tokio::spawn(publish_all(broker.clone(), queue, sender));
    let cutting = tokio::spawn(async move {
        for _ in 0..3 {
            confirms(&mut confirmed, 300).await;
            proxy.cut();
        }
        // The publisher waits for room in this channel, so it is read to its end.
        while confirmed.recv().await.is_some() {}
        proxy
    });

    let seen = within("the last message", take_all(&mut *subscription)).await;

    within("the last confirm", publishing).await.unwrap();
    let proxy = cutting.await.unwrap();
    assert!(proxy.accepted() > 2, "connections were made again");
    // A cut can cost a redelivery of each held message, and a second copy of each unconfirmed one.
    let again: u32 = seen.values().map(|times| times - 1).sum();
    assert!(again <= 3 * 22, "{again} came again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_broker_restarts_in_order_and_after_a_kill() {
    let mut rabbit = PrivateRabbit::start().await.unwrap();
    let broker = Arc::new(AmqpBroker::connect(settings(&rabbit.url())).await.unwrap());
    let queue = lane();
    let mut subscription = broker.subscribe(queue, 20).await.unwrap();
    let mut listener = broker.listen().await.unwrap();
    let (sender, mut confirmed) = mpsc::channel(1);
    let publishing = tokio::spawn(publish_all(broker.clone(), queue, sender));
    let taking = tokio::spawn(async move { take_all(&mut *subscription).await });

    confirms(&mut confirmed, 500).await;
    rabbit.stop().await.unwrap();
    within("the notice", unhealthy(&broker)).await;
    rabbit.start_again().await.unwrap();
    confirms(&mut confirmed, 500).await;
    rabbit.kill();
    within("the notice", unhealthy(&broker)).await;
    rabbit.start_again().await.unwrap();
    confirms(&mut confirmed, MESSAGES as usize - 1000).await;

    publishing.await.unwrap();
    assert_eq!(within("the last message", taking).await.unwrap().len(), MESSAGES as usize);
    assert!(matches!(within("the gap", listener.next()).await, Some(Heard::Gap)));
    assert_eq!(broker.health(), Ok(()));
    broker.close().await;
}

pub async fn unhealthy(broker: &AmqpBroker) {
    while broker.health().is_ok() {
        time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_is_noticed_and_replaced() {
    let (proxy, url) = Proxy::before(&amqp_url()).await.unwrap();
    // Both are much shorter than the time in which the heartbeat would notice it.
    let impatient = AmqpSettings {
        watchdog_period: Duration::from_millis(200),
        answer_timeout: Duration::from_secs(2),
        ..settings(&url)
    };
    let broker = AmqpBroker::connect(impatient).await.unwrap();
    let queue = lane();
    let mut subscription = broker.subscribe(queue, 5).await.unwrap();
    broker.publish(queue, message(1)).await.unwrap();
    subscription.next().await.unwrap().ack().await.unwrap();

    // The first connection publishes, the second consumes. The broker counts messages that it sends there as unacked,
    // up to the prefetch. The watchdog sees that the message beyond it waits.
    proxy.hold(1);
    for n in 2..8 {
        broker.publish(queue, message(n)).await.unwrap();
    }

    for n in 2..8 {
        let delivery = within("the notice", subscription.next()).await.unwrap();
        assert_eq!(number(&delivery.message), n);
        delivery.ack().await.unwrap();
    }
    assert_eq!(proxy.accepted(), 3);
}

#[tokio::test]
async fn deliveries_of_a_lost_connection_settle_to_nothing() {
    let (proxy, url) = Proxy::before(&amqp_url()).await.unwrap();
    let broker = AmqpBroker::connect(settings(&url)).await.unwrap();
    let queue = lane();
    let mut subscription = broker.subscribe(queue, 2).await.unwrap();
    for n in 0..3 {
        broker.publish(queue, message(n)).await.unwrap();
    }
    let stale = [subscription.next().await.unwrap(), subscription.next().await.unwrap()];

    proxy.cut();
    let again = within("the redelivery", subscription.next()).await.unwrap();
    let [first, second] = stale;
    first.ack().await.unwrap();
    subscription.ack_through(second).await.unwrap();

    assert_eq!((number(&again.message), again.delivery_count), (0, 1));
    again.ack().await.unwrap();
    for n in [1, 2] {
        let delivery = within("the rest", subscription.next()).await.unwrap();
        assert_eq!(number(&delivery.message), n);
        delivery.ack().await.unwrap();
    }
}

#[tokio::test]
async fn answers_come_again_after_a_cut() {
    let (proxy, url) = Proxy::before(&amqp_url()).await.unwrap();
    let broker = AmqpBroker::connect(settings(&url)).await.unwrap();
    let mut requests = broker.subscribe(Queue::Requests, 1).await.unwrap();
    let answering = async {
        loop {
            let request = requests.next().await.unwrap();
            // The answer to a request of before the cut is lost with the connection.
            let _lost = request.reply(message(number(&request.message))).await;
            request.ack().await.unwrap();
        }
    };
    let asking = async {
        broker.request(message(0), Duration::from_secs(20)).await.unwrap();
        proxy.cut();
        // A request that was made while the connection was down may be lost.
        while broker.request(message(1), Duration::from_secs(1)).await.is_err() {}
    };

    within("an answer", async {
        tokio::select! {
            () = asking => {}
            () = answering => {}
        }
    })
    .await;
}

/// A connection that is lost gives back what was unsettled on it, and the broker counts that.
#[tokio::test]
async fn lost_connections_never_make_a_dead_letter() {
    let (proxy, url) = Proxy::before(&amqp_url()).await.unwrap();
    let broker = AmqpBroker::connect(settings(&url)).await.unwrap();
    let queue = lane();
    let other = lane();
    broker.declare(other).await.unwrap();
    // There is room for the copies of messages whose renewal is cut off.
    let mut subscription = broker.subscribe(queue, 200).await.unwrap();
    for n in 0..3 {
        broker.publish(queue, message(n)).await.unwrap();
    }

    for losses in 0..runmill_broker::DELIVERY_LIMIT + 3 {
        // Each connection lives for as long as it takes to hand all messages out, and for some round trips, so that they can be
        // renewed. Deliveries of the connection before may still be buffered.
        let mut seen = BTreeSet::new();
        while seen.len() < 3 {
            let delivery = within("a delivery", subscription.next()).await.unwrap();
            if delivery.delivery_count >= losses {
                seen.insert(number(&delivery.message));
            }
        }
        for n in 0..3 {
            broker.publish(other, message(n)).await.unwrap();
        }
        proxy.cut();
    }

    // Three messages, and copies of those whose renewal was cut off.
    let mut left = BTreeSet::new();
    while left.len() < 3 {
        let delivery = within("the rest", subscription.next()).await.unwrap();
        left.insert(number(&delivery.message));
        delivery.ack().await.unwrap();
    }
    assert_eq!(broker.depth(Queue::Dead).await.unwrap().map(|dead| dead.ready), Some(0));
}
