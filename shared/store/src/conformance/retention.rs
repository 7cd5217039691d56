use jiff::Timestamp;
use runmill_proto::{DatasetId, RunId, Tenant, api::Dataset};

use super::{
    Stores,
    world::{
        all_results, answered, assert_conflict, assert_not_found, at, batch, create, dataset, deferred,
        fed_run, item, lines, new_dataset, new_run, pending_run,
    },
};
use crate::{RunRow, Slice, Store, Transition};

/// Number of rows of each table that a step of these cases deletes.
const STEP: u32 = 2;

/// Creates a run that ends at the second `ended`, with a call and a result for each of its items.
async fn ended_run(store: &dyn Store, items: u32, ended: i64) -> RunRow {
    let run = fed_run(store, items).await;
    store.write_logs(&batch((0..items).map(|n| answered(&run, n))), at(ended)).await.unwrap();
    store.run(run.id).await.unwrap()
}

async fn sweep_all(store: &dyn Store) -> u32 {
    for steps in 0..1000 {
        if !store.sweep(STEP).await.unwrap() {
            return steps;
        }
    }
    panic!("the rows do not become fewer");
}

/// Returns the number of rows that are stored of a run, without the run's own.
async fn rows(store: &dyn Store, id: RunId) -> usize {
    let results = all_results(store, id).await.len();
    let calls = store.invocations(id, None, u32::MAX).await.unwrap().len();
    let events = store.events(id, 0, u32::MAX).await.unwrap().len();
    results + calls + events + store.due_jobs(id, Timestamp::MAX, u32::MAX).await.unwrap().len()
}

fn slice(run: RunId) -> Slice {
    Slice { key: format!("{run}/calls"), limit: 10, used_before: 4, spent: 0, wanted: 1 }
}

pub async fn a_removed_run_is_gone_with_all_that_is_stored_of_it(stores: &Stores) {
    let (one, other) = (&*stores.one, &*stores.other);
    let run = ended_run(one, 5, 2).await;
    let kept = ended_run(one, 5, 2).await;
    let before = rows(one, kept.id).await;
    one.take(&[slice(run.id), slice(kept.id)], at(2)).await.unwrap();

    one.remove_run(run.id).await.unwrap();

    assert_not_found(other.run(run.id).await, "run");
    assert!(!one.runs(None, None, 1000).await.unwrap().iter().any(|row| row.id == run.id));
    sweep_all(other).await;
    assert_eq!((rows(one, run.id).await, rows(one, kept.id).await), (0, before));
    let keys = [slice(run.id).key, slice(kept.id).key];
    assert_eq!(one.taken(&keys).await.unwrap().into_keys().collect::<Vec<_>>(), [keys[1].clone()]);
    assert_not_found(one.remove_run(run.id).await, "run");
    assert_eq!(one.dataset(run.submission.dataset_id).await.unwrap().item_count, 5);
}

pub async fn only_a_run_that_has_ended_is_removed(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    let entry = deferred(&run, 0, at(9));
    store.write_logs(&batch([entry]), at(2)).await.unwrap();

    assert_conflict(store.remove_run(run.id).await);
    store.transition(run.id, Transition::Pause { reason: "later".into() }, at(3)).await.unwrap();
    assert_conflict(store.remove_run(run.id).await);
    assert!(!store.sweep(STEP).await.unwrap());
    assert!(rows(store, run.id).await > 0);

    store.transition(run.id, Transition::Cancel, at(4)).await.unwrap();
    store.end_canceled(run.id, at(5), at(5)).await.unwrap();
    store.remove_run(run.id).await.unwrap();
    sweep_all(store).await;
    assert_eq!(rows(store, run.id).await, 0);
}

pub async fn a_log_of_a_removed_run_is_an_orphan(stores: &Stores) {
    let store = &*stores.one;
    let run = ended_run(store, 2, 2).await;
    store.remove_run(run.id).await.unwrap();

    let written = store.write_logs(&batch([answered(&run, 1)]), at(3)).await.unwrap();

    assert_eq!((written.orphaned, written.results), (1, 0));
    sweep_all(store).await;
    assert_eq!(rows(store, run.id).await, 0);
}

pub async fn the_rows_of_many_removed_runs_are_deleted_little_by_little(stores: &Stores) {
    let store = &*stores.one;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(ended_run(store, 3, 2).await.id);
    }
    for id in &runs {
        store.remove_run(*id).await.unwrap();
    }

    assert!(store.sweep(STEP).await.unwrap());
    let mut left = 0;
    for id in &runs {
        left += all_results(store, *id).await.len();
    }
    assert_eq!(left, 7, "a step deletes no more than it is allowed");

    // Nine results, two at a time, and the step that finds that there are no more.
    assert!((4..=8).contains(&sweep_all(store).await));
    for id in runs {
        assert_eq!(rows(store, id).await, 0);
    }
}

pub async fn runs_that_ended_before_a_time_are_paged_by_id(stores: &Stores) {
    let store = &*stores.one;
    let old = [ended_run(store, 1, 10).await.id, ended_run(store, 1, 20).await.id];
    ended_run(store, 1, 30).await;
    pending_run(store, 1).await;

    let first = store.ended_runs(None, at(30), None, 1).await.unwrap();
    let second = store.ended_runs(Some(&Tenant::default()), at(30), Some(old[0]), 9).await.unwrap();

    let stranger: Tenant = "stranger".parse().unwrap();
    assert_eq!(store.ended_runs(Some(&stranger), at(30), None, 9).await.unwrap(), []);
    let ids = |rows: Vec<RunRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!((ids(first), ids(second)), (vec![old[0]], vec![old[1]]));
}

pub async fn a_dataset_is_removed_with_its_items_once_no_run_uses_it(stores: &Stores) {
    let store = &*stores.one;
    let run = ended_run(store, 5, 2).await;
    let id = run.submission.dataset_id;

    assert_conflict(store.remove_dataset(id).await);
    store.remove_run(run.id).await.unwrap();
    store.remove_dataset(id).await.unwrap();

    assert_not_found(store.dataset(id).await, "dataset");
    assert_not_found(store.remove_dataset(id).await, "dataset");
    let mut row = new_run(store, 1).await;
    row.submission.dataset_id = id;
    assert_not_found(store.create_run(&row).await, "dataset");
    sweep_all(store).await;
    assert_eq!(store.items(id, 0, 9).await.unwrap(), []);
}

pub async fn unused_datasets_are_paged_by_id(stores: &Stores) {
    let store = &*stores.one;
    let unused = [dataset(store, 1).await.id, dataset(store, 1).await.id];
    let row = new_run(store, 1).await;
    create(store, &row).await;
    let mut late = new_dataset("late");
    late.created_at = at(100);
    store.create_dataset(late, lines([item(0)])).await.unwrap();

    let first = store.unused_datasets(None, at(100), None, 1).await.unwrap();
    let second = store.unused_datasets(Some(&Tenant::default()), at(100), Some(unused[0]), 9).await.unwrap();

    let stranger: Tenant = "stranger".parse().unwrap();
    assert_eq!(store.unused_datasets(Some(&stranger), at(100), None, 9).await.unwrap(), []);
    let ids = |rows: Vec<Dataset>| rows.into_iter().map(|row| row.id).collect::<Vec<DatasetId>>();
    assert_eq!((ids(first), ids(second)), (vec![unused[0]], vec![unused[1]]));
}

pub async fn what_has_no_row_left_is_swept_at_once(stores: &Stores) {
    let store = &*stores.one;
    assert!(!store.sweep(STEP).await.unwrap());
    let run = pending_run(store, 1).await;
    store.transition(run.id, Transition::Cancel, at(2)).await.unwrap();
    store.remove_run(run.id).await.unwrap();

    sweep_all(store).await;

    assert!(!store.sweep(STEP).await.unwrap());
    store.make_partitions(at(0)).await.unwrap();
    assert_eq!(store.drop_partitions(at(0)).await.unwrap(), 0);
}
