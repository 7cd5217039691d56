//! Tests of processes that start at the same moment.

use futures::future::try_join_all;
use runmill_broker::{
    Broker, Queue,
    amqp::{AmqpBroker, AmqpSettings},
};
use runmill_testkit::{amqp_url, delete_queues, unique_prefix};

use super::settings;

/// Rounds, each with queues that do not exist yet. In some of them the broker fails internally.
const ROUNDS: usize = 20;
const PROCESSES: usize = 4;
const PARTITIONS: u16 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_declare_the_same_queues_at_once() {
    let settings = settings(&amqp_url());
    for round in 0..ROUNDS {
        let settings = AmqpSettings { prefix: unique_prefix(), ..settings.clone() };
        let brokers =
            try_join_all((0..PROCESSES).map(|_| AmqpBroker::connect(settings.clone()))).await.unwrap();
        let all = brokers
            .iter()
            .flat_map(|broker| (0..PARTITIONS).map(move |n| broker.subscribe(Queue::Logs(n), 10)));
        let subscribed = try_join_all(all).await;
        assert!(subscribed.is_ok(), "round {round}: {:?}", subscribed.err());
        drop((subscribed, brokers));
        let names = (0..PARTITIONS).map(|n| format!("logs.{n}")).chain(["dead-letters".to_owned()]);
        let queues: Vec<_> = names.map(|name| format!("{}.{name}", settings.prefix)).collect();
        let exchanges = ["control", "direct"].map(|name| format!("{}.{name}", settings.prefix));
        delete_queues(&amqp_url(), &queues, &exchanges).await;
    }
}
