use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use runmill_broker::{Broker, Envelope, Queue, memory::MemoryBroker};
use runmill_log_sink::{NotConsuming, StoreUnavailable};

use crate::{
    scripted::{EVALUATION, Fault, ScriptedStore},
    sink::{Sink, evaluation, large, log},
};

#[tokio::test(start_paused = true)]
async fn what_is_written_is_acked() {
    let sink = Sink::start(ScriptedStore::new(None, None), (0..3).map(log)).await;
    sink.tried(1).await;

    assert_eq!((sink.store.tries(), sink.store.written()), (1, vec![0, 1, 2]), "one batch");
    let (logs, dead) = sink.stop().await;
    assert_eq!((logs.len(), dead.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn it_is_ready_once_it_takes_from_every_partition() {
    let sink = Sink::start(ScriptedStore::new(None, None), [log(0)]).await;
    assert_eq!(sink.consumer_health.check(), Err(NotConsuming { missing: 1 }));

    sink.tried(1).await;

    assert_eq!(sink.consumer_health.check(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_down_it_says_so_and_tries_once_a_second() {
    let sink = Sink::start(ScriptedStore::new(Some(Fault::Down), None), (0..3).map(log)).await;
    sink.tried(1).await;
    tokio::time::sleep(Duration::from_millis(59_500)).await;

    assert_eq!(sink.store.tries(), 60);
    assert_eq!(sink.metrics.write_failures.get(), 60);
    assert_eq!(sink.metrics.unwritten.get(), 3);
    assert!((sink.metrics.blocked_seconds.get() - 59.0).abs() < 0.5);
    assert_eq!(sink.ended("written"), 0);
    assert_eq!(
        sink.store_health.check(),
        Err(StoreUnavailable("the database is not available: gone for lunch".into()))
    );
}

#[tokio::test(start_paused = true)]
async fn when_the_store_is_back_all_is_written_and_acked() {
    let sink = Sink::start(ScriptedStore::new(Some(Fault::Down), None), (0..3).map(log)).await;
    sink.tried(2).await;
    sink.store.come_back();
    sink.tried(3).await;

    assert_eq!(sink.store.written(), [0, 1, 2]);
    assert_eq!(sink.store_health.check(), Ok(()));
    assert_eq!((sink.metrics.unwritten.get(), sink.ended("written")), (0, 3));
    assert!(sink.metrics.blocked_seconds.get() < 0.1);
    let (logs, dead) = sink.stop().await;
    assert_eq!((logs.len(), dead.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn stopped_while_the_store_is_down_it_leaves_all_to_the_next() {
    let sink = Sink::start(ScriptedStore::new(Some(Fault::Down), None), (0..3).map(log)).await;
    sink.tried(1).await;

    let (logs, dead) = sink.stop().await;

    assert_eq!((logs.len(), dead.len()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_can_never_be_written_is_put_aside_and_the_others_pass() {
    let sink = Sink::start(ScriptedStore::new(None, Some(1)), (0..3).map(log)).await;
    // One attempt for the batch, and then one for each message alone.
    sink.tried(4).await;

    assert_eq!(sink.store.written(), [0, 2]);
    assert_eq!((sink.ended("written"), sink.ended("dead_lettered")), (2, 1));
    let (logs, dead) = sink.stop().await;
    assert_eq!((logs.len(), dead.len()), (0, 1));
    assert_eq!(dead[0].message.reason.as_deref(), Some("the database refuses the row: no column takes that"));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_read_is_put_aside_and_the_others_pass() {
    let newer = Envelope { message_type: "invocation.v9".into(), ..log(1) };
    let broken = Envelope { body: Bytes::from_static(b"\xc1"), ..log(2) };
    let sink = Sink::start(ScriptedStore::new(None, None), [log(0), newer, broken, log(3)]).await;
    sink.tried(1).await;

    assert_eq!(sink.store.written(), [0, 3]);
    let (logs, dead) = sink.stop().await;
    assert_eq!(logs.len(), 0);
    let reasons: Vec<_> = dead.iter().map(|letter| letter.message.reason.as_deref().unwrap()).collect();
    assert!(reasons[0].contains("invocation.v9"), "{reasons:?}");
    assert!(reasons[1].contains("invocation.v1"), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn partitions_of_a_former_larger_number_are_written_too() {
    let broker = Arc::new(MemoryBroker::new());
    for partition in [1, 2] {
        broker.declare(Queue::Logs(partition)).await.unwrap();
        broker.publish(Queue::Logs(partition), log(partition.into())).await.unwrap();
    }

    let sink = Sink::start_with(broker, ScriptedStore::new(None, None), [log(0)]).await;
    sink.tried(3).await;

    let mut written = sink.store.written();
    written.sort_unstable();
    assert_eq!(written, [0, 1, 2]);
    assert_eq!(sink.consumer_health.check(), Ok(()));
}

/// A table that is missing during a migration, or a changed password, cost the answers of every batch in hand.
#[tokio::test(start_paused = true)]
async fn no_fault_of_the_database_puts_a_message_aside() {
    let sink = Sink::start(ScriptedStore::new(Some(Fault::Broken), None), (0..3).map(log)).await;
    sink.tried(3).await;
    assert!(sink.store_health.check().unwrap_err().to_string().contains("a row does not read"));

    sink.store.come_back();
    sink.tried(4).await;

    assert_eq!((sink.store.written(), sink.ended("dead_lettered")), (vec![0, 1, 2], 0));
    let (logs, dead) = sink.stop().await;
    assert_eq!((logs.len(), dead.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn large_messages_are_written_in_small_batches() {
    let sink =
        Sink::start(ScriptedStore::new(None, None), (0..3).map(|ordinal| large(ordinal, 100 << 20))).await;
    sink.tried(2).await;

    assert_eq!(sink.store.written(), [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn parts_of_an_evaluation_are_written_beside_the_logs() {
    let messages = [log(0), evaluation(7), evaluation(8), log(1)];
    let sink = Sink::start(ScriptedStore::new(None, Some(8)), messages).await;
    sink.tried(3).await;

    assert_eq!(sink.store.written(), [EVALUATION + 7, 0, 1]);
    let (logs, dead) = sink.stop().await;
    assert_eq!((logs.len(), dead.len()), (0, 1), "one part is refused");
}

#[tokio::test(start_paused = true)]
async fn an_evaluation_alone_is_written_and_waits_for_a_store_that_is_down() {
    let sink = Sink::start(ScriptedStore::new(Some(Fault::Down), None), [evaluation(7)]).await;
    sink.tried(2).await;
    assert!(sink.store_health.check().is_err());
    sink.store.come_back();
    sink.tried(3).await;

    assert_eq!(sink.store.written(), [EVALUATION + 7]);
    let (logs, dead) = sink.stop().await;
    assert_eq!((logs.len(), dead.len()), (0, 0));
}
