use super::fixture::{Fixture, ack_all, drain, message, number, numbers, take, take_one};
use crate::{Broker, DELIVERY_LIMIT, Queue};

pub async fn unsettled_messages_come_again_in_order_and_counted(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(3).await;
    fixture.publish(0..5).await;
    let held = take(&mut *first, 3).await;

    drop((held, first));
    while broker.depth(fixture.queue).await.unwrap().is_none_or(|depth| depth.ready < 5) {
        tokio::task::yield_now().await;
    }

    let again = take(&mut *fixture.subscribe(10).await, 5).await;
    let counts: Vec<_> = again.iter().map(|delivery| delivery.delivery_count).collect();
    assert_eq!(numbers(&again), [0, 1, 2, 3, 4]);
    assert_eq!(counts, [1, 1, 1, 0, 0]);
}

pub async fn a_delivery_settled_after_its_subscription_has_no_effect(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(1).await;
    fixture.publish(0..1).await;
    let late = take_one(&mut *first).await;
    drop(first);
    let mut second = fixture.subscribe(1).await;
    let current = take_one(&mut *second).await;

    late.ack().await.unwrap();
    drop((current, second));

    assert_eq!(drain(&mut *fixture.subscribe(1).await, 1).await, [0]);
}

pub async fn what_is_handed_back_comes_before_the_rest(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(2).await;
    fixture.publish(0..4).await;
    for delivery in take(&mut *first, 2).await {
        first.set_prefetch(0).await;
        delivery.requeue().await.unwrap();
    }

    assert_eq!(drain(&mut *fixture.subscribe(4).await, 4).await, [0, 1, 2, 3]);
}

pub async fn what_is_rejected_comes_again_and_counted(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut subscription = fixture.subscribe(1).await;
    fixture.publish(0..2).await;

    take_one(&mut *subscription).await.requeue_as_failed().await.unwrap();

    let again = take_one(&mut *subscription).await;
    assert_eq!((number(&again.message), again.delivery_count), (0, 1));
}

pub async fn a_message_rejected_too_often_is_a_dead_letter(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut subscription = fixture.subscribe(1).await;
    let poison = message(0);
    broker.publish(fixture.queue, poison.clone()).await.unwrap();

    for count in 0..=DELIVERY_LIMIT {
        let delivery = take_one(&mut *subscription).await;
        assert_eq!((number(&delivery.message), delivery.delivery_count), (0, count));
        delivery.requeue_as_failed().await.unwrap();
    }

    fixture.publish(1..2).await;
    assert_eq!(drain(&mut *subscription, 1).await, [1]);
    let dead = take_one(&mut *broker.subscribe(Queue::Dead, 1).await.unwrap()).await;
    assert_eq!((dead.message.id, &dead.message.body), (poison.id, &poison.body));
    assert_eq!(dead.message.reason.as_deref(), Some("delivery_limit"));
}

pub async fn a_dead_letter_keeps_its_message_and_its_reason(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut subscription = fixture.subscribe(1).await;
    let mut sent = message(0);
    sent.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    broker.publish(fixture.queue, sent.clone()).await.unwrap();
    fixture.publish(1..2).await;

    take_one(&mut *subscription).await.dead_letter("message type `job.v9` is not known here").await.unwrap();

    let dead = take_one(&mut *broker.subscribe(Queue::Dead, 1).await.unwrap()).await;
    sent.reason = Some("message type `job.v9` is not known here".into());
    assert_eq!(dead.message, sent);
    drop(subscription);
    assert_eq!(drain(&mut *fixture.subscribe(2).await, 1).await, [1]);
}

/// A drain hands back jobs, and each may be handed back by any number of drains.
pub async fn what_is_handed_back_often_is_no_dead_letter(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut subscription = fixture.subscribe(1).await;
    fixture.publish(0..1).await;

    for _ in 0..2 * DELIVERY_LIMIT + 2 {
        take_one(&mut *subscription).await.requeue().await.unwrap();
    }

    let last = take_one(&mut *subscription).await;
    assert_eq!(number(&last.message), 0);
    assert!(last.delivery_count > 0, "a message that came before says so");
    last.ack().await.unwrap();
}

/// A lost connection ends its subscriptions, so this is what many of them do to a message.
pub async fn what_many_subscriptions_left_unsettled_is_no_dead_letter(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    fixture.publish(0..3).await;

    for _ in 0..DELIVERY_LIMIT + 5 {
        let mut subscription = fixture.subscribe(10).await;
        let held = take(&mut *subscription, 3).await;
        drop((held, subscription));
    }

    let mut left = drain(&mut *fixture.subscribe(10).await, 3).await;
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2]);
    let dead = broker.depth(Queue::Dead).await.unwrap();
    assert_eq!(dead.map(|dead| dead.ready), Some(0));
}

pub async fn a_dead_letter_can_be_handed_back(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    fixture.publish(0..1).await;
    take_one(&mut *fixture.subscribe(1).await).await.dead_letter("why").await.unwrap();
    let mut dead = broker.subscribe(Queue::Dead, 1).await.unwrap();

    for _ in 0..60 {
        take_one(&mut *dead).await.requeue().await.unwrap();
    }

    let last = take(&mut *dead, 1).await;
    assert_eq!(last[0].message.reason.as_deref(), Some("why"));
    ack_all(last).await;
}
