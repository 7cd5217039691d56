//! Messages that cannot be read go to the dead-letter queue with the reason, and delay nothing.

use std::collections::BTreeMap;

use bytes::Bytes;
use runmill_broker::{Broker, Envelope, Queue};
use runmill_proto::RunStatus;
use uuid::Uuid;

use crate::support::{Cluster, data::questions, within};

const ITEMS: usize = 20;

fn unreadable(message_type: &str, body: &'static [u8]) -> Envelope {
    Envelope {
        id: Uuid::now_v7(),
        message_type: message_type.to_owned(),
        body: Bytes::from_static(body),
        traceparent: None,
        reason: None,
    }
}

#[tokio::test]
async fn messages_of_an_unknown_version_are_put_aside_with_the_reason() {
    let cluster = Cluster::start(1, 1).await;
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), 4).await;
    let broker = cluster.servers.broker().await;
    let lane = Queue::Jobs(provider);
    // The services also declare these queues, but perhaps later.
    for queue in [lane, Queue::Logs(0), Queue::Logs(1)] {
        broker.declare(queue).await.unwrap();
    }
    let sent = [
        (lane, unreadable("job.v9", b"")),
        (lane, unreadable("job.v1", b"\xc1")),
        (Queue::Logs(0), unreadable("invocation.v9", b"")),
        (Queue::Logs(1), unreadable("deferred.v1", b"\xc1")),
    ];
    let mut expected = BTreeMap::new();
    for (queue, message) in sent {
        expected.insert(message.id, message.message_type.clone());
        broker.publish(queue, message).await.unwrap();
    }

    let dataset = api.dataset(questions(ITEMS)).await;
    let run = api.start_run(provider, "echo", dataset).await;
    let run = api.ended(run).await;
    assert_eq!((run.status, run.counters.succeeded), (RunStatus::Completed, ITEMS as u64));

    let mut dead = broker.subscribe(Queue::Dead, 10).await.unwrap();
    while !expected.is_empty() {
        let letter = within("a dead letter", dead.next()).await.unwrap();
        let message = letter.message.clone();
        letter.ack().await.unwrap();
        assert_eq!(expected.remove(&message.id).as_ref(), Some(&message.message_type), "{message:?}");
        let reason = message.reason.as_deref().unwrap_or_default();
        assert!(reason.contains(&message.message_type), "{message:?}");
    }
    dead.stop().await;
    broker.close().await;
    cluster.assert_nothing_left(provider).await;
}
