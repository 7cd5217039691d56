use jiff::Timestamp;
use runmill_proto::{
    ProviderId,
    api::{ExecutorLane, ExecutorStatus},
};
use uuid::Uuid;

use super::{Stores, world::at};
use crate::{Answer, Ask, Beat, Claim, Holding, Peer, Talk};

fn executor(name: &str, seen_at: Timestamp) -> ExecutorStatus {
    let provider_id = ProviderId::from_uuid(Uuid::nil());
    ExecutorStatus {
        started_at: at(0),
        lanes: vec![ExecutorLane {
            provider_id,
            concurrency: 20,
            in_flight: 3,
            keys: Vec::new(),
            fault: None,
        }],
        ..runmill_proto::testing::executor(name, seen_at)
    }
}

fn beat(name: &str, talk: Talk) -> Beat {
    Beat { status: executor(name, at(1)), talk, claim: Claim::default() }
}

async fn names(stores: &Stores) -> Vec<String> {
    let known = stores.one.executors(Timestamp::UNIX_EPOCH).await.unwrap();
    known.into_iter().map(|executor| executor.name).collect()
}

pub async fn an_executor_is_as_it_last_reported(stores: &Stores) {
    let store = &stores.one;
    store.exchange(&beat("b", Talk::default())).await.unwrap();
    store.exchange(&beat("a", Talk::default())).await.unwrap();
    let mut last = beat("b", Talk::default());
    (last.status.draining, last.status.lanes) = (true, Vec::new());
    let now = store.exchange(&last).await.unwrap().now;

    let known = store.executors(now).await.unwrap();

    let found = known.iter().find(|executor| executor.name == "b").unwrap();
    assert_eq!(*found, ExecutorStatus { seen_at: now, ..last.status });
    assert_eq!(names(stores).await, ["a", "b"]);

    store.leave("b").await.unwrap();
    store.leave("never there").await.unwrap();
    assert_eq!(names(stores).await, ["a"]);
}

pub async fn an_executor_reads_what_the_others_say(stores: &Stores) {
    let job = runmill_proto::testing::key(7);
    let asks = Talk { asks: vec![Ask { number: 3, job, epoch: 1, attempt: 2 }], answers: Vec::new() };
    stores.one.exchange(&beat("a", asks.clone())).await.unwrap();
    let seen_at = stores.one.exchange(&beat("a", asks.clone())).await.unwrap().now;

    let answer = Answer { to: "a".into(), number: 3, holding: Holding::Working };
    let answers = Talk { asks: Vec::new(), answers: vec![answer] };
    let read = stores.other.exchange(&beat("b", answers.clone())).await.unwrap();

    assert_eq!(read.peers, [Peer { name: "a".into(), seen_at, beats: 2, talk: Some(asks.clone()) }]);
    let seen_at = read.now;
    let read = stores.one.exchange(&beat("a", asks)).await.unwrap();
    assert_eq!(read.peers, [Peer { name: "b".into(), seen_at, beats: 1, talk: Some(answers) }]);
}

pub async fn executors_that_are_gone_are_forgotten(stores: &Stores) {
    let store = &stores.one;
    store.exchange(&beat("gone", Talk::default())).await.unwrap();
    let now = store.exchange(&beat("here", Talk::default())).await.unwrap().now;
    let seen = store.executors(Timestamp::UNIX_EPOCH).await.unwrap();
    let before = seen.iter().map(|executor| executor.seen_at).max().unwrap();
    assert_eq!(before, now);

    store.forget_executors(Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(names(stores).await, ["gone", "here"]);

    store.forget_executors(now + jiff::SignedDuration::from_secs(1)).await.unwrap();
    assert!(names(stores).await.is_empty());
}
