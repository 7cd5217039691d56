use runmill_proto::{
    DatasetId, ProviderId, RunId, RunStatus, Tenant,
    api::{RunEvent, RunStatusEvent},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    Stores,
    world::{assert_conflict, assert_not_found, at, config, create, events, new_run, pending_run},
};
use crate::{CreatedRun, RunRow, Store, Submission};

pub async fn a_run_comes_back_as_it_was_created(stores: &Stores) {
    let mut row = new_run(&*stores.one, 3).await;
    row.submission.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());

    let created = create(&*stores.one, &row).await;

    assert_eq!(created, RunRow { seq: 1, ..row.clone() });
    assert_eq!(stores.other.run(row.id).await.unwrap(), created);
    let first = RunEvent::RunStatus(RunStatusEvent {
        run_id: row.id,
        status: RunStatus::Pending,
        started_at: None,
        finished_at: None,
        retry_count: 0,
        retry_after: None,
        retry_requested_at: None,
        retry_reason: None,
        resumed_count: 0,
        last_resumed_at: None,
        cancel_requested_at: None,
        paused_at: None,
        pause_reason: None,
        resume_at: None,
    });
    assert_eq!(events(&*stores.other, row.id).await, [first]);
}

fn same_request_again(row: &RunRow) -> RunRow {
    let mut again = row.clone();
    again.id = RunId::from_uuid(Uuid::now_v7());
    again.submission.name = None;
    again.created_at = at(60);
    again
}

async fn run_with_key(store: &dyn Store, items: u32, key: &str) -> RunRow {
    let mut row = new_run(store, items).await;
    row.submission.idempotency_key = Some(key.into());
    row
}

pub async fn an_idempotency_key_stands_for_its_first_run(stores: &Stores) {
    let store = &stores.one;
    let mut row = run_with_key(&**store, 3, "k1").await;
    // A column type that normalises numbers would change these.
    row.submission.config = config(json!({"top_p": 1.0, "seed": 1e16, "x": 1e-7}));
    let first = create(&**store, &row).await;

    let again = same_request_again(&row);
    assert_eq!(store.create_run(&again).await.unwrap(), CreatedRun::Existing(first));
    assert_not_found(store.run(again.id).await, "run");

    // Without an idempotency key, each request creates a run of its own.
    let mut without = same_request_again(&row);
    without.submission.idempotency_key = None;
    create(&**store, &without).await;
}

pub async fn an_idempotency_key_with_another_request_is_a_conflict(stores: &Stores) {
    let store = &stores.one;
    let row = run_with_key(&**store, 3, "k1").await;
    create(&**store, &row).await;

    let again = same_request_again(&row);
    let asked = &again.submission;
    for submission in [
        Submission { model: "another".into(), ..asked.clone() },
        Submission { config: config(json!({"seed": 2})), ..asked.clone() },
        Submission { provider_id: ProviderId::from_uuid(Uuid::now_v7()), ..asked.clone() },
        Submission { dataset_id: DatasetId::from_uuid(Uuid::now_v7()), ..asked.clone() },
    ] {
        assert_conflict(store.create_run(&RunRow { submission, ..again.clone() }).await);
    }
}

pub async fn one_key_at_the_same_time_makes_one_run(stores: &Stores) {
    let row = run_with_key(&*stores.one, 3, "k1").await;
    let again = same_request_again(&row);

    let (one, other) = tokio::join!(stores.one.create_run(&row), stores.other.create_run(&again));

    let (made, found) = match (one.unwrap(), other.unwrap()) {
        (CreatedRun::New(made), CreatedRun::Existing(found))
        | (CreatedRun::Existing(found), CreatedRun::New(made)) => (made, found),
        both => panic!("{both:?}"),
    };
    assert_eq!(made, found);
    assert_eq!(stores.one.runs(None, None, 10).await.unwrap(), [made]);
}

pub async fn a_run_needs_its_provider_and_dataset(stores: &Stores) {
    let store = &stores.one;
    let row = new_run(&**store, 3).await;

    let mut no_provider = row.clone();
    no_provider.submission.provider_id = ProviderId::from_uuid(Uuid::now_v7());
    assert_not_found(store.create_run(&no_provider).await, "provider");
    let mut no_dataset = row;
    no_dataset.submission.dataset_id = DatasetId::from_uuid(Uuid::now_v7());
    assert_not_found(store.create_run(&no_dataset).await, "dataset");
    assert_eq!(store.runs(None, None, 10).await.unwrap(), []);
}

pub async fn runs_are_paged_newest_first(stores: &Stores) {
    let store = &stores.one;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.insert(0, pending_run(&**store, 1).await);
    }

    assert_eq!(store.runs(None, None, 2).await.unwrap(), all[..2]);
    assert_eq!(store.runs(None, Some(all[1].id), 2).await.unwrap(), all[2..]);
}

pub async fn the_newest_run_of_a_key_prefix_is_found(stores: &Stores) {
    let store = &stores.one;
    for key in ["cli:a%:1", "cli:a%:2", "cli:ab:3"] {
        let row = run_with_key(&**store, 1, key).await;
        create(&**store, &row).await;
    }

    for (prefix, want) in [
        ("cli:a%", Some("cli:a%:2")),
        ("cli:", Some("cli:ab:3")),
        ("CLI", None),
        ("li:", None),
        ("", Some("cli:ab:3")),
    ] {
        let found = store.newest_run_by_key(&Tenant::default(), prefix).await.unwrap();
        let found = found.and_then(|run| run.submission.idempotency_key);
        assert_eq!(found.as_deref(), want, "{prefix}");
    }
}
