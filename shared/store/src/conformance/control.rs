//! Changes of runs while they run, and after their end.

use std::collections::BTreeSet;

use runmill_proto::{ErrorKind, Outcome, RunStatus, api::RunPatch, message::Invocation};
use serde_json::json;

use super::{
    Stores,
    world::{
        all_results, answered, assert_conflict, assert_counters_equal_rows, at, batch, create, event_names,
        failed, fed_run, new_run, pending_run,
    },
};
use crate::{CreatedRun, RunRow, Store, Transition};

async fn transition(store: &dyn Store, run: &RunRow, transition: Transition, second: i64) -> RunRow {
    let row = store.transition(run.id, transition, at(second)).await.unwrap();
    assert_eq!(store.run(run.id).await.unwrap(), row);
    row
}

pub async fn a_graceful_cancel_becomes_a_plain_one_and_never_the_other_way(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 3).await;

    let draining = transition(store, &run, Transition::CancelGracefully, 5).await;
    let again = transition(store, &run, Transition::CancelGracefully, 6).await;
    let dropping = transition(store, &run, Transition::Cancel, 7).await;
    let last = transition(store, &run, Transition::CancelGracefully, 8).await;

    assert_eq!((draining.cancel_graceful, draining.cancel_requested_at), (true, Some(at(5))));
    assert_eq!(again, draining);
    assert_eq!((dropping.cancel_graceful, dropping.cancel_requested_at), (false, Some(at(7))));
    assert_eq!(last, dropping);
    assert_eq!(store.active_runs().await.unwrap().len(), 1, "it ends with the jobs in the queue");
    assert_eq!(event_names(store, run.id).await, ["run_status"; 4]);
}

pub async fn settings_change_while_a_run_runs(stores: &Stores) {
    let store = &*stores.one;
    let submitted = new_run(store, 3).await;
    let run = create(store, &submitted).await;
    let patch =
        RunPatch { priority: Some(7), concurrency: Some(Some(2)), budget: Some(Some(json!({"calls": 9}))) };

    let changed = transition(store, &run, Transition::Change(patch.clone()), 5).await;
    let again = transition(store, &run, Transition::Change(patch), 6).await;

    let submission = &changed.submission;
    assert_eq!((submission.priority, submission.config.concurrency()), (7, Some(2)));
    assert_eq!(submission.budget, Some(json!({"calls": 9})));
    assert_eq!(again, changed, "the same change again changes nothing");
    assert_eq!(event_names(store, run.id).await, ["run_status"; 2]);

    let removed = RunPatch { concurrency: Some(None), budget: Some(None), ..RunPatch::default() };
    let removed = transition(store, &run, Transition::Change(removed), 7).await;
    let submission = removed.submission;
    assert_eq!((submission.priority, submission.config.concurrency(), submission.budget), (7, None, None));
    assert_eq!(submission.config, run.submission.config);
}

pub async fn a_changed_run_is_still_the_answer_to_its_request(stores: &Stores) {
    let store = &*stores.one;
    let mut submitted = new_run(store, 3).await;
    submitted.submission.idempotency_key = Some(format!("key of {}", submitted.id));
    let run = create(store, &submitted).await;
    let change = RunPatch { concurrency: Some(Some(2)), ..RunPatch::default() };
    transition(store, &run, Transition::Change(change), 5).await;
    let changed = transition(store, &run, Transition::Extend { samples: 4 }, 6).await;

    let again = store.create_run(&submitted).await.unwrap();

    assert_eq!(again, CreatedRun::Existing(changed.clone()));
    let other = RunRow {
        submission: crate::Submission { config: changed.submission.config, ..submitted.submission.clone() },
        ..submitted
    };
    assert_conflict(store.create_run(&other).await);
}

pub async fn failed_jobs_of_some_kinds_are_tried_again(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 4).await;
    let late = Invocation { error_kind: Some(ErrorKind::TotalTimeout), ..failed(&run, 1) };
    store
        .write_logs(&batch([failed(&run, 0), late, answered(&run, 2), failed(&run, 3)]), at(2))
        .await
        .unwrap();
    let retry = |kinds: &[ErrorKind]| Transition::RetryFailed { kinds: kinds.iter().copied().collect() };
    let untouched = store.run(run.id).await.unwrap();

    assert_conflict(store.transition(run.id, retry(&[ErrorKind::BadItem]), at(9)).await);
    assert_eq!(store.run(run.id).await.unwrap(), untouched);
    let retried = transition(store, &run, retry(&[ErrorKind::TotalTimeout, ErrorKind::BadItem]), 10).await;

    assert_eq!((retried.status, retried.cursor.epoch, retried.cursor.deferred), (RunStatus::Running, 1, 1));
    assert_eq!(retried.stats.outcome(Outcome::Failed), 2);
    assert_eq!(retried.stats.errors, [(ErrorKind::Overloaded, 2)].into());
    assert_counters_equal_rows(store, run.id).await;
    let due = store.due_jobs(run.id, at(10), 9).await.unwrap();
    assert_eq!(due.iter().map(|job| job.key.ordinal).collect::<Vec<_>>(), [1]);

    store.mark_fed(run.id, 4, &due, at(11)).await.unwrap();
    store.write_logs(&batch([answered(&retried, 1)]), at(12)).await.unwrap();
    let ended = store.run(run.id).await.unwrap();
    assert_eq!((ended.status, ended.stats.settled()), (RunStatus::Completed, 4));
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn an_ended_run_goes_on_with_more_samples(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    store.write_logs(&batch([answered(&run, 0), failed(&run, 1)]), at(2)).await.unwrap();

    let extended = transition(store, &run, Transition::Extend { samples: 3 }, 10).await;
    let again = transition(store, &run, Transition::Extend { samples: 3 }, 11).await;

    assert_eq!(again, extended);
    assert_eq!((extended.status, extended.finished_at), (RunStatus::Running, None));
    assert_eq!((extended.total, extended.items(), extended.cursor.fed), (6, 2, 2));
    assert_eq!((extended.cursor.epoch, extended.stats.settled()), (0, 2), "what has its result keeps it");
    assert_counters_equal_rows(store, run.id).await;
    assert_conflict(store.transition(run.id, Transition::Extend { samples: 2 }, at(12)).await);

    store.mark_fed(run.id, 6, &[], at(13)).await.unwrap();
    let samples = (1..3).flat_map(|sample| (0..2).map(move |ordinal| (ordinal, sample)));
    let rest = samples.map(|(ordinal, sample)| Invocation { sample, ..answered(&run, ordinal) });
    store.write_logs(&batch(rest), at(14)).await.unwrap();

    let ended = store.run(run.id).await.unwrap();
    assert_eq!((ended.status, ended.stats.settled()), (RunStatus::Completed, 6));
    assert_eq!(ended.progress().score.total, 6);
    assert_eq!(all_results(store, run.id).await.len(), 6);
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_run_in_progress_gets_more_samples_and_a_canceled_one_none(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;

    let extended = transition(store, &run, Transition::Extend { samples: 2 }, 5).await;

    assert_eq!((extended.total, extended.cursor.fed, extended.status), (4, 2, RunStatus::Running));
    transition(store, &run, Transition::CancelGracefully, 6).await;
    assert_conflict(store.transition(run.id, Transition::Extend { samples: 3 }, at(7)).await);
    let canceled = pending_run(store, 1).await;
    transition(store, &canceled, Transition::Cancel, 5).await;
    assert_conflict(store.transition(canceled.id, Transition::Extend { samples: 3 }, at(7)).await);
    let change = Transition::Change(RunPatch { priority: Some(2), ..RunPatch::default() });
    assert_conflict(store.transition(canceled.id, change, at(7)).await);
}

/// A cancel that comes after the last result does not keep a run from going on later.
pub async fn a_cancel_that_came_too_late_is_forgotten_when_the_run_goes_on(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    transition(store, &run, Transition::Cancel, 3).await;
    store.write_logs(&batch([answered(&run, 0), failed(&run, 1)]), at(4)).await.unwrap();
    assert_eq!(store.run(run.id).await.unwrap().status, RunStatus::Completed);

    let retried = transition(store, &run, Transition::RetryFailed { kinds: BTreeSet::new() }, 5).await;

    assert_eq!((retried.cancel_requested_at, retried.is_feedable()), (None, true));
}
