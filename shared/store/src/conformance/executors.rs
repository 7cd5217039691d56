use jiff::Timestamp;
use runmill_proto::{
    ProviderId,
    api::{ExecutorLane, ExecutorStatus},
};
use uuid::Uuid;

use super::{Stores, world::at};

const DAY_S: i64 = 24 * 60 * 60;

fn executor(name: &str, seen_at: Timestamp) -> ExecutorStatus {
    let provider_id = ProviderId::from_uuid(Uuid::nil());
    ExecutorStatus {
        name: name.into(),
        version: "0.1.0".into(),
        started_at: at(0),
        seen_at,
        draining: false,
        lanes: vec![ExecutorLane { provider_id, concurrency: 20, in_flight: 3, keys: Vec::new() }],
    }
}

pub async fn an_executor_is_as_it_last_reported(stores: &Stores) {
    let store = &stores.one;
    store.report_executor(&executor("b", at(1))).await.unwrap();
    store.report_executor(&executor("a", at(2))).await.unwrap();
    let last = ExecutorStatus { draining: true, lanes: Vec::new(), ..executor("b", at(3)) };
    store.report_executor(&last).await.unwrap();

    assert_eq!(store.executors(at(0)).await.unwrap(), [executor("a", at(2)), last.clone()]);
    assert_eq!(store.executors(at(3)).await.unwrap(), [last]);

    store.remove_executor("b").await.unwrap();
    store.remove_executor("never there").await.unwrap();
    assert_eq!(store.executors(at(0)).await.unwrap(), [executor("a", at(2))]);
}

pub async fn an_executor_not_seen_for_a_day_is_forgotten(stores: &Stores) {
    let store = &stores.one;
    store.report_executor(&executor("gone", at(0))).await.unwrap();
    store.report_executor(&executor("late", at(1))).await.unwrap();

    store.report_executor(&executor("now", at(DAY_S + 1))).await.unwrap();

    let known = store.executors(at(-1)).await.unwrap();
    assert_eq!(known.iter().map(|executor| &executor.name).collect::<Vec<_>>(), ["late", "now"]);
}
