use futures::FutureExt;

use super::fixture::{Fixture, ack_all, drain, numbers, take, take_one};
use crate::Broker;

pub async fn a_message_waits_for_a_subscription(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    fixture.publish(0..1).await;

    assert_eq!(drain(&mut *fixture.subscribe(1).await, 1).await, [0]);
}

/// Shows that one subscription holds no more than its prefetch: another one gets all other messages. Some cases below
/// do the same.
pub async fn no_more_than_the_prefetch_is_held(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(3).await;
    fixture.publish(0..10).await;
    let held = take(&mut *first, 3).await;

    let rest = drain(&mut *fixture.subscribe(100).await, 7).await;

    assert_eq!(numbers(&held), [0, 1, 2]);
    assert_eq!(rest, [3, 4, 5, 6, 7, 8, 9]);
}

pub async fn an_ack_makes_room_for_the_next(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    fixture.publish(0..30).await;

    let drained = drain(&mut *fixture.subscribe(1).await, 30).await;

    assert_eq!(drained, (0..30).collect::<Vec<_>>());
}

pub async fn a_larger_prefetch_takes_more(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(1).await;
    fixture.publish(0..10).await;
    let one = take(&mut *first, 1).await;

    first.set_prefetch(4).await;

    let three = take(&mut *first, 3).await;
    let rest = drain(&mut *fixture.subscribe(100).await, 6).await;
    assert_eq!((numbers(&one), numbers(&three)), (vec![0], vec![1, 2, 3]));
    assert_eq!(rest, [4, 5, 6, 7, 8, 9]);
}

pub async fn a_smaller_prefetch_counts_what_is_held(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(4).await;
    fixture.publish(0..4).await;
    let mut held = take(&mut *first, 4).await;

    first.set_prefetch(2).await;
    ack_all(held.drain(..2).collect()).await;
    fixture.publish(4..8).await;
    let mut second = fixture.subscribe(1).await;

    // The first subscription holds two deliveries, so all messages go to the second until one of the two is settled.
    assert_eq!(drain(&mut *second, 3).await, [4, 5, 6]);
    second.stop().await;
    ack_all(held).await;
    take_one(&mut *first).await.ack().await.unwrap();
}

pub async fn a_smaller_prefetch_leaves_the_surplus_to_others(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(10).await;
    fixture.publish(0..10).await;
    let mut held = take(&mut *first, 1).await;

    first.set_prefetch(3).await;

    let rest = drain(&mut *fixture.subscribe(100).await, 7).await;
    held.extend(take(&mut *first, 2).await);
    let mut all = [numbers(&held), rest].concat();
    all.sort_unstable();
    assert_eq!(all, (0..10).collect::<Vec<_>>());
}

pub async fn a_prefetch_of_zero_takes_nothing_and_leaves_what_is_held(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(2).await;
    fixture.publish(0..6).await;
    let held = take(&mut *first, 1).await;

    first.set_prefetch(0).await;

    let mut second = fixture.subscribe(100).await;
    assert_eq!(drain(&mut *second, 5).await, [1, 2, 3, 4, 5]);
    assert!(first.next().now_or_never().is_none(), "it takes nothing");
    second.stop().await;
    ack_all(held).await;
    fixture.publish(6..7).await;

    first.set_prefetch(1).await;

    assert_eq!(drain(&mut *first, 1).await, [6]);
}

/// A broker with a prefetch for each consumer must not grant a full prefetch again with every change.
pub async fn a_prefetch_changed_often_holds_no_more(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(1).await;
    fixture.publish(0..40).await;
    let mut held = Vec::new();

    for prefetch in [2, 3, 1, 4, 2, 5, 6, 3, 7, 8] {
        first.set_prefetch(prefetch).await;
        while held.len() < usize::from(prefetch) {
            held.push(take_one(&mut *first).await);
        }
    }

    let rest = drain(&mut *fixture.subscribe(100).await, 32).await;
    assert_eq!(numbers(&held), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(rest, (8..40).collect::<Vec<_>>());
}

pub async fn two_subscriptions_share_a_queue(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let (mut first, mut second) = (fixture.subscribe(5).await, fixture.subscribe(5).await);
    fixture.publish(0..10).await;

    let (one, two) = (take(&mut *first, 5).await, take(&mut *second, 5).await);

    let mut all = [numbers(&one), numbers(&two)].concat();
    all.sort_unstable();
    assert_eq!(all, (0..10).collect::<Vec<_>>());
}

pub async fn next_is_cancel_safe(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut subscription = fixture.subscribe(10).await;
    fixture.publish_together(0..100).await;
    let mut taken = Vec::new();

    while taken.len() < 100 {
        // The future is polled once, and dropped if no delivery has arrived yet.
        if let Some(delivery) = subscription.next().now_or_never() {
            let delivery = delivery.unwrap();
            taken.extend(numbers(std::slice::from_ref(&delivery)));
            delivery.ack().await.unwrap();
        } else {
            tokio::task::yield_now().await;
        }
    }

    taken.sort_unstable();
    assert_eq!(taken, (0..100).collect::<Vec<_>>());
}

pub async fn ack_through_acks_the_earlier_ones_and_no_later_one(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(10).await;
    fixture.publish(0..6).await;
    let mut held = take(&mut *first, 6).await;

    first.ack_through(held.remove(3)).await.unwrap();
    drop((held, first));

    assert_eq!(drain(&mut *fixture.subscribe(10).await, 2).await, [4, 5]);
}

pub async fn what_was_acked_does_not_come_again(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(2).await;
    fixture.publish(0..3).await;
    drain(&mut *first, 2).await;
    drop(first);

    assert_eq!(drain(&mut *fixture.subscribe(10).await, 1).await, [2]);
}

/// `RabbitMQ` applies acks in the background, and a channel that is closed before it is done may forget some.
pub async fn many_acks_just_before_the_end_all_count(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    for _ in 0..5 {
        let mut first = fixture.subscribe(150).await;
        fixture.publish(0..150).await;
        let held = take(&mut *first, 150).await;
        first.stop().await;
        ack_all(held).await;
        drop(first);

        let mut second = fixture.subscribe(1).await;
        // Each message is taken before the next is published, while the first subscription ends.
        for later in 150..200 {
            fixture.publish(later..later + 1).await;
            assert_eq!(drain(&mut *second, 1).await, [later]);
        }
    }
}

pub async fn an_ack_after_ack_through_changes_nothing(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(3).await;
    fixture.publish(0..6).await;
    let mut held = take(&mut *first, 3).await;

    first.ack_through(held.remove(2)).await.unwrap();
    ack_all(held).await;

    assert_eq!(drain(&mut *first, 3).await, [3, 4, 5]);
}

pub async fn ack_through_ignores_a_delivery_of_another_subscription(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let (mut first, mut second) = (fixture.subscribe(2).await, fixture.subscribe(2).await);
    fixture.publish(0..4).await;
    let (held, mut others) = (take(&mut *first, 2).await, take(&mut *second, 2).await);

    first.ack_through(others.remove(1)).await.unwrap();
    drop((held, others, first, second));

    let mut all = drain(&mut *fixture.subscribe(10).await, 4).await;
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
}

pub async fn a_stopped_subscription_ends_and_leaves_the_rest_to_others(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(10).await;
    fixture.publish(0..8).await;
    let held = take(&mut *first, 2).await;

    first.stop().await;

    assert!(first.next().await.is_none());
    assert_eq!(drain(&mut *fixture.subscribe(10).await, 6).await, [2, 3, 4, 5, 6, 7]);
    ack_all(held).await;
}

pub async fn what_is_in_hand_can_be_settled_after_stop(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    let mut first = fixture.subscribe(10).await;
    fixture.publish(0..3).await;
    let mut held = take(&mut *first, 3).await;

    first.stop().await;
    held.remove(1).ack().await.unwrap();
    drop((held, first));

    assert_eq!(drain(&mut *fixture.subscribe(10).await, 2).await, [0, 2]);
}
