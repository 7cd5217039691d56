use runmill_proto::{Score, Scorer, Scoring, message::JobKey};

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
