use std::{sync::Arc, time::Instant};

use futures::future::{join_all, try_join_all};
use runmill_broker::{Broker, PublishError, amqp::AmqpBroker};
use runmill_testkit::{amqp_url, delete_queues};

use super::{connect, lane, message, number, settings};

/// Confirms come in bulk only if publishes overlap: with 256 at once, a broker on one slow core takes thousands a
/// second; one by one, about a tenth of that. The limit is far below the usual rate, so that a busy machine passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishes_overlap_and_so_do_acks() {
    const MESSAGES: u32 = 10_240;
    let broker = Arc::new(connect(&amqp_url()).await);
    let queue = lane();
    let mut subscription = broker.subscribe(queue, 1000).await.unwrap();

    let started = Instant::now();
    let publishers = (0..256).map(|_| {
        let broker = broker.clone();
        tokio::spawn(async move {
            for n in 0..MESSAGES / 256 {
                broker.publish(queue, message(n)).await.unwrap();
            }
        })
    });
    try_join_all(publishers).await.unwrap();
    let published = started.elapsed();

    for taken in 1..=MESSAGES {
        let delivery = subscription.next().await.unwrap();
        if taken % 500 == 0 || taken == MESSAGES {
            subscription.ack_through(delivery).await.unwrap();
        }
    }
    let rate = f64::from(MESSAGES) / published.as_secs_f64();
    println!("{rate:.0} confirmed publishes/s, all taken after {:?}", started.elapsed());
    assert!(rate > 1_500.0, "{rate} confirmed publishes/s");
}

/// The fault needs another confirm between a message's return and its own confirm, so many messages are published at
/// once, repeatedly. If lapin's pairing of returns and confirms were trusted, a few of the results would be wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unroutable_message_never_counts_as_stored() {
    let broker = connect(&amqp_url()).await;
    let (somewhere, nowhere) = (lane(), lane());
    broker.declare(somewhere).await.unwrap();

    for _ in 0..50 {
        let all = (0..900).map(|n| {
            let (routable, broker) = (n % 3 != 0, &broker);
            async move {
                let queue = if routable { somewhere } else { nowhere };
                (routable, broker.publish(queue, message(n)).await)
            }
        });
        for (routable, published) in join_all(all).await {
            match published {
                Ok(()) => assert!(routable, "confirmed, and stored nowhere"),
                Err(PublishError::Unroutable(_)) => assert!(!routable, "stored, and called unroutable"),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Deletes the queue of dead letters, as an operator might.
#[tokio::test]
async fn what_cannot_be_put_aside_comes_again() {
    let settings = settings(&amqp_url());
    let dead = format!("{}.dead-letters", settings.prefix);
    let broker = AmqpBroker::connect(settings).await.unwrap();
    let queue = lane();
    let mut subscription = broker.subscribe(queue, 1).await.unwrap();
    broker.publish(queue, message(7)).await.unwrap();
    let delivery = subscription.next().await.unwrap();
    delete_queues(&amqp_url(), &[dead], &[]).await;

    let put_aside = delivery.dead_letter("why").await;

    assert!(put_aside.is_err());
    let again = subscription.next().await.unwrap();
    assert_eq!((number(&again.message), again.delivery_count), (7, 1));
}
