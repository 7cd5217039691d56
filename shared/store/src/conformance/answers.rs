use std::collections::HashMap;

use runmill_proto::{
    Outcome, RunConfig, RunId, Tenant,
    message::{JobKey, ReusedAnswer},
    testing,
};
use serde_json::json;

use super::{
    Stores,
    world::{answered, assert_conflict, at, batch, failed, fed_run},
};
use crate::{AnswerHashes, ProviderRow, RequestHash, ResultFilter, RunRow, Transition};

/// Returns a run that has ended with two answers and a failure.
async fn ended_run(stores: &Stores) -> RunRow {
    let run = fed_run(&*stores.one, 3).await;
    let entries = [answered(&run, 0), failed(&run, 1), answered(&run, 2)];
    stores.one.write_logs(&batch(entries), at(2)).await.unwrap();
    stores.one.run(run.id).await.unwrap()
}

fn hash(n: u8) -> RequestHash {
    RequestHash([n; 32])
}

/// Returns the part with the answers of [`ended_run`], whose requests have the hashes 1 and 2.
fn part(run: &RunRow) -> AnswerHashes {
    AnswerHashes {
        run_id: run.id,
        ended_at: run.finished_at.unwrap(),
        hashes: vec![((0, 0), hash(1)), ((2, 0), hash(2))],
        after: Some((2, 0)),
        is_done: true,
    }
}

/// Returns another run of the provider, model and tenant of `run`.
fn later(run: &RunRow) -> RunRow {
    RunRow { id: RunId::from_uuid(uuid::Uuid::max()), ..run.clone() }
}

fn answer_of(run: RunId) -> ReusedAnswer {
    ReusedAnswer {
        run_id: run,
        outcome: Outcome::Succeeded,
        response: "4".into(),
        reasoning: Some("two and two".into()),
        tool_calls: Vec::new(),
        logprobs: None,
    }
}

async fn unindexed(stores: &Stores, run: &RunRow) -> Vec<(RunId, Option<(u32, u32)>)> {
    let found = stores.other.unindexed_runs(&later(run), 9).await.unwrap();
    found.into_iter().map(|found| (found.run.id, found.after)).collect()
}

async fn find(stores: &Stores, run: &RunRow) -> HashMap<RequestHash, ReusedAnswer> {
    stores.other.find_answers(run, &[hash(1), hash(2), hash(3)]).await.unwrap()
}

pub async fn answers_are_indexed_once_until_the_run_ends_again(stores: &Stores) {
    let (store, run) = (&*stores.one, ended_run(stores).await);
    let after = |ordinal| JobKey { run_id: run.id, ordinal, sample: 0 };
    assert_eq!(store.answer_places(run.id, None, 9).await.unwrap(), [(0, 0), (2, 0)]);
    assert_eq!(store.answer_places(run.id, Some(after(0)), 1).await.unwrap(), [(2, 0)]);
    assert_eq!(unindexed(stores, &run).await, [(run.id, None)]);
    let mut whole = part(&run);
    let first = AnswerHashes {
        hashes: vec![whole.hashes.remove(0)],
        after: Some((0, 0)),
        is_done: false,
        ..whole.clone()
    };
    for _ in 0..2 {
        store.index_answers(&first).await.unwrap();
        assert_eq!(unindexed(stores, &run).await, [(run.id, Some((0, 0)))]);
    }
    store.index_answers(&whole).await.unwrap();
    assert_eq!(unindexed(stores, &run).await, []);

    store.transition(run.id, Transition::Extend { samples: 2 }, at(3)).await.unwrap();
    assert_eq!(unindexed(stores, &run).await, [], "a run that goes on is not indexed");
    assert_conflict(store.index_answers(&whole).await);
    store.transition(run.id, Transition::Cancel, at(4)).await.unwrap();
    assert_eq!(unindexed(stores, &run).await, [(run.id, None)]);
}

pub async fn an_answer_is_found_by_the_hash_of_its_request(stores: &Stores) {
    let (store, run) = (&*stores.one, ended_run(stores).await);
    assert_eq!(find(stores, &later(&run)).await, HashMap::new());

    store.index_answers(&part(&run)).await.unwrap();

    let want = HashMap::from([(hash(1), answer_of(run.id)), (hash(2), answer_of(run.id))]);
    assert_eq!(find(stores, &later(&run)).await, want);
    assert_eq!(find(stores, &run).await, HashMap::new(), "a run takes over no answer of its own");
    let mut stranger = later(&run);
    stranger.submission.tenant = "other".parse::<Tenant>().unwrap();
    assert_eq!(find(stores, &stranger).await, HashMap::new());
    assert_eq!(stores.one.unindexed_runs(&stranger, 9).await.unwrap(), []);
}

pub async fn the_newest_run_has_the_answer_and_names_the_run_that_was_called(stores: &Stores) {
    let (store, first) = (&*stores.one, ended_run(stores).await);
    let second = fed_run(store, 3).await;
    let mut reused = answered(&second, 0);
    reused.reused_from = Some(first.id);
    let entries = [reused, failed(&second, 1), answered(&second, 2)];
    store.write_logs(&batch(entries), at(2)).await.unwrap();
    let second = store.run(second.id).await.unwrap();
    assert_eq!(second.counters().reused, 1);
    let results = store.results(second.id, &ResultFilter::default(), None, 9).await.unwrap();
    let sources: Vec<_> = results.iter().map(|result| result.reused_from).collect();
    assert_eq!(sources, [Some(first.id), None, None]);
    for run in [&first, &second] {
        store.index_answers(&part(run)).await.unwrap();
    }

    let found = find(stores, &later(&first)).await;

    assert_eq!(found[&hash(1)], answer_of(first.id));
    assert_eq!(found[&hash(2)], answer_of(second.id));
}

pub async fn answers_of_what_a_provider_was_before_are_not_found(stores: &Stores) {
    let (store, run) = (&*stores.one, ended_run(stores).await);
    store.index_answers(&part(&run)).await.unwrap();
    let provider = store.provider(run.submission.provider_id).await.unwrap();
    let change = ProviderRow { name: "renamed".into(), version: 2, updated_at: at(5), ..provider };
    store.update_provider(&change).await.unwrap();
    assert_eq!(find(stores, &later(&run)).await.len(), 2, "another name gives no other answers");
    let base_url = "https://elsewhere.example/v1".to_owned();
    let moved = ProviderRow { base_url, version: 3, updated_at: at(6), ..change };

    store.update_provider(&moved).await.unwrap();

    assert_eq!(find(stores, &later(&run)).await, HashMap::new());
    let again = fed_run(store, 1).await;
    assert!(again.created_at < at(6), "all runs of the suite begin before");
    store.write_logs(&batch([answered(&again, 0)]), at(7)).await.unwrap();
    assert_eq!(unindexed(stores, &run).await, [], "what was answered before need not be indexed");
}

pub async fn a_removed_run_takes_its_answers_from_the_index(stores: &Stores) {
    let (store, run) = (&*stores.one, ended_run(stores).await);
    store.index_answers(&part(&run)).await.unwrap();

    store.remove_run(run.id).await.unwrap();

    assert_eq!(find(stores, &later(&run)).await, HashMap::new());
    assert_conflict(store.index_answers(&part(&run)).await);
    while store.sweep(1).await.unwrap() {}
    // Only rows that were left could belong to a run with the same id.
    let mut submission = run.submission.clone();
    submission.idempotency_key = None;
    let new = testing::new_run(submission.provider_id, submission.dataset_id);
    let again = RunRow { submission, ..RunRow::new(run.id, new, 3, at(3)) };
    store.create_run(&again).await.unwrap();
    store.mark_fed(run.id, 3, &[], at(3)).await.unwrap();
    store
        .write_logs(&batch([answered(&again, 0), failed(&again, 1), answered(&again, 2)]), at(4))
        .await
        .unwrap();
    assert_eq!(unindexed(stores, &run).await, [(run.id, None)]);
    assert_eq!(find(stores, &later(&run)).await, HashMap::new());
}

pub async fn only_answers_of_the_same_model_that_are_short_are_found(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 1).await;
    let mut long = answered(&run, 0);
    long.response = Some("x".repeat(ReusedAnswer::BYTES_MAX as usize));
    store.write_logs(&batch([long]), at(2)).await.unwrap();
    let run = store.run(run.id).await.unwrap();
    let mut other = later(&run);
    other.submission.model = "another".into();
    assert_eq!(store.unindexed_runs(&other, 9).await.unwrap(), []);
    let mut ours = later(&run);
    ours.submission.config = RunConfig(json!({"reuse": "exact"}).as_object().unwrap().clone());
    assert_eq!(store.unindexed_runs(&ours, 9).await.unwrap().len(), 1);

    store.index_answers(&part(&run)).await.unwrap();

    assert_eq!(find(stores, &ours).await, HashMap::new(), "it is too long");
}
