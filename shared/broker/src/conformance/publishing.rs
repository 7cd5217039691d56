use bytes::Bytes;
use futures::future::join_all;
use uuid::Uuid;

use super::{
    MESSAGE_SIZE_MAX, QUEUE_LENGTH_MAX,
    fixture::{Fixture, drain, message, take_one, unused_lane},
};
use crate::{Broker, BrokerError, Envelope, PublishError, Queue};

pub async fn a_published_message_arrives_as_it_was_sent(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let sent = Envelope {
        id: Uuid::now_v7(),
        message_type: "job.v1".into(),
        // The body takes more than one frame of AMQP.
        body: Bytes::from(vec![7; 300_000]),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        reason: None,
    };

    broker.publish(fixture.queue, sent.clone()).await.unwrap();

    let delivery = take_one(&mut *fixture.subscribe(1).await).await;
    assert_eq!(delivery.message, sent);
    assert_eq!(delivery.delivery_count, 0);
    delivery.ack().await.unwrap();
}

pub async fn messages_arrive_in_order(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    fixture.publish(0..50).await;

    let drained = drain(&mut *fixture.subscribe(10).await, 50).await;

    assert_eq!(drained, (0..50).collect::<Vec<_>>());
}

pub async fn publishing_to_a_queue_that_nobody_declared_is_unroutable(broker: &dyn Broker) {
    let published = broker.publish(unused_lane(), message(1)).await;

    assert!(matches!(published, Err(PublishError::Unroutable(_))), "{published:?}");
}

/// A broker reports unroutable messages and stored ones separately. An implementation must not mix them up when many
/// are on their way.
pub async fn only_what_has_no_queue_is_unroutable(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let nowhere = unused_lane();

    let all = (0..150).map(|n| {
        let queue = if n % 3 == 0 { nowhere } else { fixture.queue };
        async move { (n, broker.publish(queue, message(n)).await) }
    });

    for (n, published) in join_all(all).await {
        match published {
            Ok(()) => assert_ne!(n % 3, 0, "{n} has no queue"),
            Err(error) => assert!(n % 3 == 0 && matches!(error, PublishError::Unroutable(_)), "{n}: {error}"),
        }
    }
    let mut drained = drain(&mut *fixture.subscribe(100).await, 100).await;
    drained.sort_unstable();
    assert_eq!(drained, (0..150).filter(|n| n % 3 != 0).collect::<Vec<_>>());
}

pub async fn a_full_queue_rejects(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;

    // A broker may take somewhat more than the limit before it notices.
    for n in 0..4 * u32::try_from(QUEUE_LENGTH_MAX).expect("small") {
        match broker.publish(fixture.queue, message(n)).await {
            Ok(()) => {}
            Err(PublishError::Rejected) => return,
            Err(other) => panic!("{other}"),
        }
    }

    panic!("never full");
}

/// Needs a broker with the limit [`MESSAGE_SIZE_MAX`]. The other messages may have to be published again, because the
/// refusal can cost them their channel.
pub async fn a_message_that_is_too_large_is_refused_alone(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let sized = |size| Envelope { body: Bytes::from(vec![7; size]), ..message(0) };
    let max = usize::try_from(MESSAGE_SIZE_MAX).expect("small");

    for _ in 0..3 {
        let large = broker.publish(fixture.queue, sized(max + 1));
        let others = join_all((0..20).map(|_| persist(broker, fixture.queue, sized(max))));
        let (large, _stored) = tokio::join!(large, others);
        let too_large = matches!(large, Err(PublishError::TooLarge { size, max: MESSAGE_SIZE_MAX })
            if size == MESSAGE_SIZE_MAX + 1);
        assert!(too_large, "{large:?}");
    }

    let mut subscription = fixture.subscribe(100).await;
    for _ in 0..60 {
        let delivery = take_one(&mut *subscription).await;
        assert_eq!(delivery.message.body.len(), max);
        delivery.ack().await.unwrap();
    }
}

/// Publishes until the broker has taken responsibility.
async fn persist(broker: &dyn Broker, queue: Queue, message: Envelope) {
    while let Err(error) = broker.publish(queue, message.clone()).await {
        assert!(matches!(error, PublishError::Broker(BrokerError::Unreachable { .. })), "{error}");
    }
}

pub async fn a_closed_broker_ends_its_streams_and_takes_nothing(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut subscription = fixture.subscribe(1).await;
    let mut listener = broker.listen().await.unwrap();
    assert_eq!(broker.health(), Ok(()));

    broker.close().await;

    assert!(subscription.next().await.is_none());
    assert!(listener.next().await.is_none());
    let published = broker.publish(fixture.queue, message(1)).await;
    assert!(matches!(published, Err(PublishError::Broker(BrokerError::Closed))), "{published:?}");
    assert!(broker.broadcast(message(1)).await.is_err());
    assert!(broker.subscribe(Queue::Dead, 1).await.is_err());
    assert!(broker.listen().await.is_err());
    assert!(broker.health().is_err());
}
