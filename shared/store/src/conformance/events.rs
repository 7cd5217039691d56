use runmill_proto::api::RunEvent;

use super::{
    Stores,
    world::{answered, at, batch, events, fed_run, pending_run},
};
use crate::{EventPage, RunRow, RunVersion, Store, Transition};

/// Creates a run with several hundred events, on pages of several transactions.
async fn eventful_run(store: &dyn Store) -> RunRow {
    let run = fed_run(store, 300).await;
    for part in [0..10, 10..290, 290..300] {
        store.write_logs(&batch(part.map(|n| answered(&run, n))), at(2)).await.unwrap();
    }
    store.run(run.id).await.unwrap()
}

pub async fn events_are_read_from_any_seq_on(stores: &Stores) {
    let store = &*stores.one;
    let run = eventful_run(store).await;
    let all: Vec<_> = (1..).zip(events(store, run.id).await).collect();
    assert_eq!(all.len() as u64, run.seq);

    for after in [0, 1, 2, 3, 150, 270, run.seq - 1, run.seq, run.seq + 9] {
        let pages = store.events(run.id, after, u32::MAX).await.unwrap();
        assert!(pages.iter().all(|page| !page.events.is_empty()), "after {after}");
        let read: Vec<_> = pages.into_iter().flat_map(EventPage::numbered).collect();
        let unread = usize::try_from(after).unwrap().min(all.len());
        assert!(read == all[unread..], "after {after}");
    }
}

/// A client may send any `seq`.
pub async fn nothing_is_read_after_a_seq_that_cannot_be(stores: &Stores) {
    let store = &*stores.one;
    let run = eventful_run(store).await;
    for after in [i64::MAX.unsigned_abs() - 1, i64::MAX.unsigned_abs(), u64::MAX] {
        assert_eq!(store.events(run.id, after, 1_000).await.unwrap().len(), 0, "after {after}");
        assert_eq!(store.status_events(run.id, after, 1_000).await.unwrap(), [], "after {after}");
    }
}

pub async fn events_are_read_about_as_many_as_asked_for(stores: &Stores) {
    let store = &*stores.one;
    let run = eventful_run(store).await;

    let mut seen = 0;
    let mut reads = 0;
    while seen < run.seq {
        let pages = store.events(run.id, seen, 5).await.unwrap();
        let read: usize = pages.iter().map(|page| page.events.len()).sum();
        assert!((1..300).contains(&read), "{read} after {seen}");
        seen += read as u64;
        reads += 1;
    }
    assert!(reads > 3, "{reads}");
}

pub async fn status_events_are_read_alone(stores: &Stores) {
    let store = &*stores.one;
    let run = eventful_run(store).await;
    let want: Vec<_> = (1..)
        .zip(events(store, run.id).await)
        .filter(|(_, event)| matches!(event, RunEvent::RunStatus(_)))
        .collect();
    assert_eq!(want.len(), 3, "pending, running, completed");

    assert_eq!(store.status_events(run.id, 0, 10).await.unwrap(), want);
    assert_eq!(store.status_events(run.id, 0, 2).await.unwrap(), want[..2]);
    assert_eq!(store.status_events(run.id, want[1].0, 10).await.unwrap(), want[2..]);
}

pub async fn versions_are_those_of_active_and_lately_ended_runs(stores: &Stores) {
    let store = &*stores.one;
    let long_ended = pending_run(store, 1).await;
    let ended = pending_run(store, 1).await;
    let active = pending_run(store, 1).await;
    store.transition(long_ended.id, Transition::Cancel, at(5)).await.unwrap();
    store.transition(ended.id, Transition::Cancel, at(6)).await.unwrap();

    let versions = store.run_versions(at(6)).await.unwrap();

    let want = [(ended.id, 2), (active.id, 1)].map(|(run_id, seq)| RunVersion { run_id, seq });
    assert_eq!(versions, want);
}

pub async fn rows_of_many_runs_are_read_together(stores: &Stores) {
    let store = &*stores.one;
    let (one, other) = (pending_run(store, 1).await, pending_run(store, 1).await);
    let unknown = runmill_proto::RunId::from_uuid(uuid::Uuid::now_v7());

    let rows = store.run_rows(&[other.id, unknown, one.id]).await.unwrap();

    assert_eq!(rows, [one, other]);
}
