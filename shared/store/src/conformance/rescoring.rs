use std::collections::BTreeSet;

use runmill_proto::{RunConfig, RunId, RunStatus, Score, Scorer, Scoring, Unscored, message::JobKey};
use serde_json::json;
use uuid::Uuid;

use super::{
    Stores,
    world::{answered, at, batch, failed, fed_run},
};
use crate::{Rescoring, RunRow, StoreError, StoredAnswer, Transition};

fn includes() -> Scoring {
    Scoring::from(Scorer::Includes)
}

fn wrong() -> Score {
    Score { scorer: "includes".into(), version: 1, value: Some(0.0), extracted: None, detail: None }
}

/// Returns a run that has ended with two answers, both right, and a failure.
async fn ended_run(stores: &Stores) -> RunRow {
    let run = fed_run(&*stores.one, 3).await;
    let entries = [answered(&run, 0), failed(&run, 1), answered(&run, 2)];
    stores.one.write_logs(&batch(entries), at(2)).await.unwrap();
    stores.one.run(run.id).await.unwrap()
}

async fn is_refused(stores: &Stores, run: &RunRow, transition: Transition) -> bool {
    matches!(stores.one.transition(run.id, transition, at(3)).await, Err(StoreError::Conflict(_)))
}

fn note(rescoring: &Rescoring, from: Option<(u32, u32)>, is_done: bool) -> Transition {
    Transition::NoteRescoring { rescoring: Box::new(rescoring.clone()), from, is_done }
}

pub async fn a_run_is_shown_by_its_newest_scores_until_it_goes_on(stores: &Stores) {
    let (store, run) = (&*stores.one, ended_run(stores).await);
    let seq = run.seq;
    let asked = Transition::Rescore { scoring: Some(includes()) };
    store.transition(run.id, asked.clone(), at(3)).await.unwrap();
    store.transition(run.id, asked, at(3)).await.unwrap();
    let found = stores.other.rescoring_runs(9).await.unwrap();
    let found = found.into_iter().find(|found| found.id == run.id).unwrap();
    assert_eq!(found.seq, seq + 1, "asked again, it changes nothing");
    let mut rescoring = found.rescoring.unwrap();
    assert_eq!((rescoring.version, &rescoring.scoring), (1, &Some(includes())));

    rescoring.add((0, 0), Some(&wrong()), false);
    store.transition(run.id, note(&rescoring, None, false), at(4)).await.unwrap();
    assert!(is_refused(stores, &run, note(&rescoring, None, false)).await, "another was faster");
    assert_eq!(store.run(run.id).await.unwrap().score().mean, Some(1.0), "it is not done");
    rescoring.add((2, 0), Some(&wrong()), false);
    let done = store.transition(run.id, note(&rescoring, Some((0, 0)), true), at(5)).await.unwrap();

    assert_eq!((done.score().mean, done.shown().map(|shown| shown.version)), (Some(0.0), Some(1)));
    assert_eq!(stores.other.run(run.id).await.unwrap(), done);
    assert!(!store.rescoring_runs(99).await.unwrap().iter().any(|found| found.id == run.id));
    let again = store.transition(run.id, Transition::Extend { samples: 2 }, at(6)).await.unwrap();
    assert_eq!((again.score().mean, again.shown()), (Some(1.0), None));
    assert_eq!(again.rescores.unwrap().versions.len(), 1, "the versions are kept");
}

pub async fn another_scorer_takes_the_place_of_the_one_under_way(stores: &Stores) {
    let (store, run) = (&*stores.one, ended_run(stores).await);
    let asked =
        store.transition(run.id, Transition::Rescore { scoring: Some(includes()) }, at(3)).await.unwrap();
    let mut before = asked.rescoring.unwrap();
    let asked = store.transition(run.id, Transition::Rescore { scoring: None }, at(4)).await.unwrap();
    assert_eq!(asked.rescoring, Some(Rescoring::new(1, None)));

    before.add((0, 0), Some(&wrong()), false);

    assert!(is_refused(stores, &run, note(&before, None, true)).await);
}

/// Creates a run of two items with further scorers, and answers both.
async fn run_of_scorers(stores: &Stores) -> RunRow {
    let plain = fed_run(&*stores.one, 2).await;
    let scorers = json!({"scorers": [{"scorer": "exact"}, {"scorer": "includes"}, {"scorer": "f1"}]});
    let mut row = RunRow { id: RunId::from_uuid(Uuid::now_v7()), seq: 0, ..plain };
    row.submission.config = RunConfig(scorers.as_object().unwrap().clone());
    row.submission.idempotency_key = None;
    (row.status, row.started_at, row.cursor.fed) = (RunStatus::Pending, None, 0);
    stores.one.create_run(&row).await.unwrap();
    stores.one.mark_fed(row.id, 2, &[], at(1)).await.unwrap();
    let row = stores.one.run(row.id).await.unwrap();
    let entries = [answered(&row, 0), failed(&row, 1)];
    stores.one.write_logs(&batch(entries), at(2)).await.unwrap();
    stores.one.run(row.id).await.unwrap()
}

/// Makes the version under way, whose only answer is wrong.
async fn make(stores: &Stores, run: &RunRow) -> RunRow {
    let mut rescoring = run.rescoring.clone().unwrap();
    rescoring.add((0, 0), Some(&wrong()), false);
    stores.one.transition(run.id, note(&rescoring, None, true), at(4)).await.unwrap()
}

fn versions(run: &RunRow) -> Vec<(u32, Option<Scorer>)> {
    let versions = run.rescores.iter().flat_map(|rescores| &rescores.versions);
    versions.map(|version| (version.version, version.scoring.as_ref().map(|it| it.scorer))).collect()
}

pub async fn further_scorers_score_the_answers_whenever_the_run_has_ended(stores: &Stores) {
    let run = run_of_scorers(stores).await;
    let found = stores.other.rescoring_runs(99).await.unwrap();
    assert!(found.iter().any(|found| found.id == run.id), "the end of the run asks for the first of them");
    let run = make(stores, &run).await;
    assert_eq!((run.score().mean, run.shown()), (Some(1.0), None), "the run is shown by its own scorer");
    let run = make(stores, &run).await;
    assert_eq!(run.rescoring, None);
    let both = [(1, Some(Scorer::Includes)), (2, Some(Scorer::F1))];
    assert_eq!(versions(&run), both);
    assert_eq!(run.rescores.as_ref().unwrap().versions[1].scores.summary(2, Unscored::Skip).mean, Some(0.0));

    // More samples come, and all of them are scored in the same versions.
    let retried = Transition::RetryFailed { kinds: BTreeSet::new() };
    let run = stores.one.transition(run.id, retried, at(5)).await.unwrap();
    assert_eq!(run.rescoring, None);
    let due = stores.one.due_jobs(run.id, at(5), 9).await.unwrap();
    stores.one.mark_fed(run.id, 2, &due, at(5)).await.unwrap();
    stores.one.write_logs(&batch([answered(&run, 1)]), at(6)).await.unwrap();
    let run = stores.other.run(run.id).await.unwrap();
    assert_eq!(run.rescoring.as_ref().map(|under_way| under_way.version), Some(1));
    let again = async |run: &RunRow| {
        let mut rescoring = run.rescoring.clone().unwrap();
        rescoring.add((0, 0), Some(&wrong()), false);
        stores.one.transition(run.id, note(&rescoring, None, true), at(7)).await.unwrap()
    };
    let run = again(&again(&run).await).await;
    assert_eq!((versions(&run), run.rescoring.clone()), (both.to_vec(), None));

    let asked = Transition::Rescore { scoring: Some(includes()) };
    let run = stores.one.transition(run.id, asked, at(8)).await.unwrap();
    let run = again(&run).await;
    assert_eq!((versions(&run).len(), run.shown().map(|shown| shown.version)), (3, Some(3)));
    assert_eq!(run.rescoring, None, "what a user asks for is no further scorer's");
}

pub async fn a_scorer_that_a_user_asks_for_goes_before_the_further_ones(stores: &Stores) {
    let run = run_of_scorers(stores).await;
    let asked = Transition::Rescore { scoring: Some(includes()) };
    let asked = stores.one.transition(run.id, asked, at(3)).await.unwrap();
    assert!(is_refused(stores, &run, note(run.rescoring.as_ref().unwrap(), None, true)).await);

    let run = make(stores, &asked).await;

    assert_eq!(run.shown().map(|shown| shown.version), Some(1));
    let run = make(stores, &make(stores, &run).await).await;
    assert_eq!(run.rescoring, None);
    assert_eq!(
        versions(&run),
        [(1, Some(Scorer::Includes)), (2, Some(Scorer::Includes)), (3, Some(Scorer::F1))]
    );
    assert_eq!(run.shown().map(|shown| shown.version), Some(1));
}

pub async fn only_an_ended_run_is_scored_anew(stores: &Stores) {
    let run = fed_run(&*stores.one, 1).await;
    assert!(is_refused(stores, &run, Transition::Rescore { scoring: None }).await);
}

pub async fn answers_are_paged(stores: &Stores) {
    let (store, run) = (&*stores.other, ended_run(stores).await);
    let answer = |ordinal| StoredAnswer { ordinal, sample: 0, response: "4".into() };
    assert_eq!(store.answers(run.id, None, 9).await.unwrap(), [answer(0), answer(2)]);
    let after = JobKey { run_id: run.id, ordinal: 0, sample: 0 };
    assert_eq!(store.answers(run.id, Some(after), 1).await.unwrap(), [answer(2)]);
}
