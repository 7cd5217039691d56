//! Tests of settings that an operator changes while queues exist.

use std::time::Duration;

use runmill_broker::{
    Broker, BrokerError,
    amqp::{AmqpBroker, AmqpSettings},
};
use runmill_testkit::amqp_url;

use super::{lane, message, number, settings};

#[tokio::test]
async fn a_changed_expiry_leaves_queues_as_they_are_and_usable() {
    for (first, then) in [(Some(60), None), (Some(60), Some(90))] {
        let expiring = |seconds: Option<u64>| seconds.map(Duration::from_secs);
        let before = AmqpSettings { queue_expires: expiring(first), ..settings(&amqp_url()) };
        let queue = lane();
        AmqpBroker::connect(before.clone()).await.unwrap().declare(queue).await.unwrap();

        let after = AmqpSettings { queue_expires: expiring(then), ..before };
        let broker = AmqpBroker::connect(after).await.unwrap();
        broker.declare(queue).await.unwrap();
        let mut subscription = broker.subscribe(queue, 1).await.unwrap();
        broker.publish(queue, message(7)).await.unwrap();

        let delivery = subscription.next().await.unwrap();
        assert_eq!(number(&delivery.message), 7);
        delivery.ack().await.unwrap();
        assert_eq!(broker.health(), Ok(()));
        let others = broker.queues_with_other_expiry();
        assert_eq!(others.len(), 2, "the lane and the dead letters: {others:?}");
        assert!(others.iter().all(|(_, expiry)| *expiry == expiring(first)), "{others:?}");
    }
}

#[tokio::test]
async fn another_difference_is_still_refused_and_health_names_the_queue() {
    let before = settings(&amqp_url());
    let queue = lane();
    AmqpBroker::connect(before.clone()).await.unwrap().declare(queue).await.unwrap();
    let after = AmqpSettings { queue_expires: None, queue_length_max: 7, ..before };
    let broker = AmqpBroker::connect(after).await.unwrap();

    let declared = broker.declare(queue).await;

    let Err(BrokerError::Refused { what, reason }) = declared else { panic!("{declared:?}") };
    assert!(reason.contains("x-max-length"), "{reason}");
    let unhealthy = broker.health().unwrap_err().to_string();
    assert!(unhealthy.contains(what.trim_start_matches("queue ")), "{unhealthy}");
}
