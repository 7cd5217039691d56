//! Tests of settings and commands of the broker's operator.

use std::time::Duration;

use runmill_broker::{
    Broker, BrokerError, Queue,
    amqp::{AmqpBroker, AmqpSettings},
    conformance,
};
use runmill_testkit::PrivateRabbit;

use super::{connect, faults, lane, message, number, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_above_the_brokers_limit_is_refused_alone() {
    let limit = format!("max_message_size = {}\n", conformance::MESSAGE_SIZE_MAX);
    let rabbit = PrivateRabbit::start_with(&limit).await.unwrap();
    let broker = connect(&rabbit.url()).await;

    conformance::a_message_that_is_too_large_is_refused_alone(&broker).await;
}

#[tokio::test]
async fn one_lane_too_many_is_refused_and_the_others_go_on() {
    let rabbit = PrivateRabbit::start_with("channel_max = 5\n").await.unwrap();
    let watched = AmqpSettings { watchdog_period: Duration::from_millis(50), ..settings(&rabbit.url()) };
    let broker = AmqpBroker::connect(watched).await.unwrap();
    let mut subscribed = Vec::new();
    let error = loop {
        let queue = lane();
        match broker.subscribe(queue, 1).await {
            Ok(subscription) => subscribed.push((queue, subscription)),
            Err(error) => break error,
        }
        assert!(subscribed.len() <= 5, "no limit");
    };

    assert!(matches!(error, BrokerError::TooManyChannels { max: 5 }), "{error}");
    for (queue, subscription) in &mut subscribed {
        broker.publish(*queue, message(1)).await.unwrap();
        broker.publish(*queue, message(2)).await.unwrap();
        for n in [1, 2] {
            let delivery = faults::within("a delivery", subscription.next()).await.unwrap();
            assert_eq!((number(&delivery.message), delivery.delivery_count), (n, 0));
            delivery.ack().await.unwrap();
        }
    }
    drop(subscribed.pop());
    let again = async { while broker.subscribe(lane(), 1).await.is_err() {} };
    faults::within("a free channel", again).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_on_the_prefix_are_enough() {
    let rabbit = PrivateRabbit::start().await.unwrap();
    rabbit.tool("rabbitmqctl", &["add_user", "plain", "secret"]).await.unwrap();
    let rights = ["set_permissions", "-p", "/", "plain", "^runmill", "^runmill", "^runmill"];
    rabbit.tool("rabbitmqctl", &rights).await.unwrap();
    let url = rabbit.url().replacen("guest:guest", "plain:secret", 1);
    let broker = AmqpBroker::connect(AmqpSettings::new(url)).await.unwrap();

    let mut listener = broker.listen().await.unwrap();
    broker.broadcast(message(1)).await.unwrap();
    faults::within("the broadcast", listener.next()).await.unwrap();
    let mut requests = broker.subscribe(Queue::Requests, 1).await.unwrap();
    let answering = async {
        let request = requests.next().await.unwrap();
        request.reply(message(3)).await.unwrap();
        request.ack().await.unwrap();
    };
    let (answer, ()) = tokio::join!(broker.request(message(2), Duration::from_secs(20)), answering);
    assert_eq!(number(&answer.unwrap()), 3);
    let queue = Queue::Logs(0);
    let mut subscription = broker.subscribe(queue, 1).await.unwrap();
    broker.publish(queue, message(4)).await.unwrap();
    faults::within("a delivery", subscription.next()).await.unwrap().dead_letter("why").await.unwrap();
    let mut letters = broker.dead_letters().await.unwrap();
    assert_eq!(letters.next().await.unwrap().map(|letter| number(&letter.message)), Some(4));
    broker.close().await;
}

/// The operator closes all connections, and then takes the node out of service and back, as for an upgrade.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_operator_closes_connections_and_drains_the_node() {
    let rabbit = PrivateRabbit::start().await.unwrap();
    let broker = std::sync::Arc::new(AmqpBroker::connect(settings(&rabbit.url())).await.unwrap());
    let queue = lane();
    let mut subscription = broker.subscribe(queue, 20).await.unwrap();
    let (sender, mut confirmed) = tokio::sync::mpsc::channel(1);
    let publishing = tokio::spawn(faults::publish_all(broker.clone(), queue, sender));
    let taking = tokio::spawn(async move { faults::take_all(&mut *subscription).await });

    faults::confirms(&mut confirmed, 500).await;
    rabbit.tool("rabbitmqctl", &["close_all_connections", "the test says so"]).await.unwrap();
    faults::confirms(&mut confirmed, 500).await;
    rabbit.tool("rabbitmq-upgrade", &["drain"]).await.unwrap();
    faults::within("the notice", faults::unhealthy(&broker)).await;
    rabbit.tool("rabbitmq-upgrade", &["revive"]).await.unwrap();
    while faults::within("a confirm", confirmed.recv()).await.is_some() {}

    publishing.await.unwrap();
    let seen = faults::within("the last message", taking).await.unwrap();
    assert_eq!(seen.len(), faults::MESSAGES as usize);
    assert_eq!(broker.health(), Ok(()));
}

#[tokio::test]
async fn a_delivery_held_beyond_the_consumer_timeout_comes_again() {
    let rabbit = PrivateRabbit::start_with("consumer_timeout = 2000\n").await.unwrap();
    let often = "application:set_env(rabbit, channel_tick_interval, 1000).";
    rabbit.tool("rabbitmqctl", &["eval", often]).await.unwrap();
    let broker = connect(&rabbit.url()).await;
    let queue = lane();
    let mut subscription = broker.subscribe(queue, 2).await.unwrap();
    broker.publish(queue, message(1)).await.unwrap();
    let held = subscription.next().await.unwrap();

    let again = faults::within("the redelivery", subscription.next()).await.unwrap();

    assert_eq!((number(&again.message), again.delivery_count), (1, 1));
    held.ack().await.unwrap();
    again.ack().await.unwrap();
    broker.publish(queue, message(2)).await.unwrap();
    assert_eq!(number(&subscription.next().await.unwrap().message), 2);
}
