use std::collections::BTreeSet;

use runmill_proto::{
    ErrorKind, Outcome, RunId, RunStatus,
    message::{Deferred, JobKey},
};
use uuid::Uuid;

use super::{
    Stores,
    world::{
        all_results, answered, assert_conflict, assert_counters_equal_rows, assert_not_found, at, batch,
        deferred, event_names, failed, fed_run, pending_run,
    },
};
use crate::{DueJob, RunRow, Store, Transition};

async fn transition(store: &dyn Store, run: &RunRow, transition: Transition, second: i64) -> RunRow {
    let row = store.transition(run.id, transition, at(second)).await.unwrap();
    assert_eq!(store.run(run.id).await.unwrap(), row);
    row
}

/// Returns a retry of the jobs that failed with one of `kinds`, or of all failed jobs.
fn retry(kinds: impl Into<BTreeSet<ErrorKind>>) -> Transition {
    Transition::RetryFailed { kinds: kinds.into() }
}

fn pause() -> Transition {
    Transition::Pause { reason: "lunch".into() }
}

pub async fn canceling_an_idle_run_ends_it(stores: &Stores) {
    let store = &*stores.one;
    let run = pending_run(store, 3).await;

    let ended = transition(store, &run, Transition::Cancel, 5).await;

    assert_eq!(ended.status, RunStatus::Canceled);
    assert_eq!((ended.cancel_requested_at, ended.finished_at), (Some(at(5)), Some(at(5))));
    assert_eq!(event_names(store, run.id).await, ["run_status"; 2]);
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn canceling_waits_for_what_is_in_the_queue(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 3).await;

    let canceling = transition(store, &run, Transition::Cancel, 5).await;
    let again = transition(store, &run, Transition::Cancel, 6).await;

    assert_eq!((canceling.status, canceling.finished_at), (RunStatus::Running, None));
    assert_eq!(canceling.cancel_requested_at, Some(at(5)));
    assert_eq!(again, canceling);
}

pub async fn canceling_drops_what_was_deferred(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    store.write_logs(&batch((0..2).map(|n| deferred(&run, n, at(60)))), at(2)).await.unwrap();

    let ended = transition(store, &run, Transition::Cancel, 5).await;

    assert_eq!((ended.status, ended.cursor.deferred, ended.retry.after), (RunStatus::Canceled, 0, None));
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn pausing_is_metadata_and_resuming_ends_it(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 3).await;

    let paused = transition(store, &run, pause(), 5).await;
    assert_eq!((paused.status, paused.paused_at()), (RunStatus::Running, Some(at(5))));
    assert_eq!(paused.pause_reason(), Some("lunch"));
    let again = transition(store, &run, Transition::Pause { reason: "tea".into() }, 6).await;
    assert_eq!(again, paused);

    let resumed = transition(store, &run, Transition::Resume, 7).await;
    assert_eq!((resumed.paused_at(), resumed.pause_reason()), (None, None));
    assert_eq!((resumed.resumption.count, resumed.resumption.last_at), (1, Some(at(7))));
    assert_eq!(event_names(store, run.id).await, ["run_status"; 4]);
}

pub async fn resuming_makes_deferred_jobs_due(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    store.write_logs(&batch([deferred(&run, 0, at(600))]), at(2)).await.unwrap();
    transition(store, &run, pause(), 5).await;

    let resumed = transition(store, &run, Transition::Resume, 7).await;

    assert_eq!(resumed.retry.after, Some(at(7)));
    let key = JobKey { run_id: run.id, ordinal: 0, sample: 0 };
    assert_eq!(
        store.due_jobs(run.id, at(7), 10).await.unwrap(),
        [DueJob { key, attempt: 1, failures: 0, possible_copy: false, not_before: at(7) }]
    );
}

/// Returns a run with an answer that is paused until second 600 because its provider refused further calls.
async fn stopped_run(store: &dyn Store) -> RunRow {
    let run = fed_run(store, 3).await;
    store.write_logs(&batch([answered(&run, 2)]), at(2)).await.unwrap();
    let stop = Deferred { pause: true, reason: "quota".into(), ..deferred(&run, 0, at(600)) };
    store.write_logs(&batch([stop]), at(2)).await.unwrap();
    store.run(run.id).await.unwrap()
}

pub async fn only_a_run_that_waits_for_it_resumes_by_itself(stores: &Stores) {
    let store = &*stores.one;
    let stopped = stopped_run(store).await;
    assert_eq!((stopped.paused_at(), stopped.resume_at()), (Some(at(2)), Some(at(600))));

    let resumed = transition(store, &stopped, Transition::ResumeByItself, 600).await;

    assert_eq!((resumed.paused_at(), resumed.pause_reason(), resumed.resume_at()), (None, None, None));
    assert_eq!((resumed.resumption.count, resumed.resumption.last_at), (1, Some(at(600))));
    assert_eq!(store.due_jobs(resumed.id, at(600), 10).await.unwrap().len(), 1);
    let by_user = fed_run(store, 2).await;
    transition(store, &by_user, pause(), 5).await;
    for run in [&resumed, &by_user] {
        for refused in [Transition::ResumeByItself, Transition::ResumeAfterChange] {
            assert_conflict(store.transition(run.id, refused, at(601)).await);
        }
    }
    assert_counters_equal_rows(store, resumed.id).await;
}

pub async fn what_a_user_asks_for_ends_the_wait_to_resume(stores: &Stores) {
    let store = &*stores.one;
    for (asked, paused_at) in
        [(pause(), Some(at(2))), (Transition::Resume, None), (Transition::Cancel, Some(at(2)))]
    {
        let stopped = stopped_run(store).await;

        let row = transition(store, &stopped, asked.clone(), 5).await;

        assert_eq!((row.paused_at(), row.resume_at()), (paused_at, None), "{asked:?}");
        assert_eq!(row.seq, stopped.seq + 1, "{asked:?} is told");
    }
    // The end of the run removes the time of resumption, too.
    let stopped = stopped_run(store).await;
    store.write_logs(&batch([answered(&stopped, 0), answered(&stopped, 1)]), at(6)).await.unwrap();
    let ended = store.run(stopped.id).await.unwrap();
    assert_eq!((ended.status, ended.resume_at()), (RunStatus::Completed, None));
}

/// Returns a run of three jobs that ended, with two failed jobs.
async fn run_with_failures(store: &dyn Store) -> RunRow {
    let run = fed_run(store, 3).await;
    let entries = [failed(&run, 0), answered(&run, 1), failed(&run, 2)];
    store.write_logs(&batch(entries), at(2)).await.unwrap();
    store.run(run.id).await.unwrap()
}

pub async fn failed_jobs_are_tried_again_in_a_new_pass(stores: &Stores) {
    let store = &*stores.one;
    let run = run_with_failures(store).await;
    assert_eq!((run.status, run.stats.errors[&ErrorKind::Overloaded]), (RunStatus::Completed, 2));

    let retried = transition(store, &run, retry([]), 10).await;

    assert_eq!((retried.status, retried.finished_at), (RunStatus::Running, None));
    assert_eq!((retried.cursor.epoch, retried.cursor.deferred, retried.in_queue()), (1, 2, 0));
    assert_eq!((retried.stats.settled(), retried.stats.errors.len()), (1, 0));
    assert_eq!((retried.retry.count, retried.retry.after), (1, Some(at(10))));
    assert_counters_equal_rows(store, run.id).await;
    let due = store.due_jobs(run.id, at(10), 10).await.unwrap();
    assert_eq!(
        due.iter().map(|job| (job.key.ordinal, job.attempt, job.failures)).collect::<Vec<_>>(),
        [(0, 0, 0), (2, 0, 0)]
    );

    store.mark_fed(run.id, 3, &due, at(11)).await.unwrap();
    store.write_logs(&batch([answered(&retried, 0), answered(&retried, 2)]), at(12)).await.unwrap();

    let ended = store.run(run.id).await.unwrap();
    assert_eq!((ended.status, ended.stats.outcome(Outcome::Succeeded)), (RunStatus::Completed, 3));
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_result_of_an_earlier_pass_is_only_a_call(stores: &Stores) {
    let store = &*stores.one;
    let run = run_with_failures(store).await;
    transition(store, &run, retry([]), 10).await;

    // A message of the first pass is redelivered in the second.
    let written = store.write_logs(&batch([answered(&run, 0)]), at(11)).await.unwrap();

    assert_eq!((written.results, written.redelivered), (0, 0));
    assert_eq!(all_results(store, run.id).await.len(), 1);
    assert_eq!(store.invocations(run.id, None, 10).await.unwrap().len(), 4);
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn recovering_makes_what_was_in_the_queue_due(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 4).await;
    store.write_logs(&batch([answered(&run, 1)]), at(2)).await.unwrap();
    store.write_logs(&batch([deferred(&run, 2, at(600))]), at(2)).await.unwrap();

    let recovered = transition(store, &run, Transition::Recover, 5).await;

    assert_eq!((recovered.cursor.deferred, recovered.in_queue()), (3, 0));
    assert_eq!((recovered.resumption.count, recovered.resumption.last_at), (1, Some(at(5))));
    let due = store.due_jobs(run.id, at(5), 10).await.unwrap();
    assert_eq!(due.iter().map(|job| job.key.ordinal).collect::<Vec<_>>(), [0, 3]);
    assert_counters_equal_rows(store, run.id).await;

    // A canceled run ends at once, because none of its jobs is in the queue any more.
    let other = fed_run(store, 4).await;
    transition(store, &other, Transition::Cancel, 5).await;
    assert_eq!(transition(store, &other, Transition::Recover, 6).await.status, RunStatus::Canceled);
    assert_counters_equal_rows(store, other.id).await;
}

pub async fn what_contradicts_the_run_is_a_conflict(stores: &Stores) {
    let store = &*stores.one;
    let active = fed_run(store, 1).await;
    for refused in [
        Transition::Resume,
        Transition::ResumeByItself,
        Transition::ResumeAfterChange,
        retry([]),
        Transition::PauseFailing { trial_calls: 1 },
    ] {
        assert_conflict(store.transition(active.id, refused, at(5)).await);
    }

    let completed = fed_run(store, 1).await;
    store.write_logs(&batch([answered(&completed, 0)]), at(2)).await.unwrap();
    let canceled = pending_run(store, 1).await;
    transition(store, &canceled, Transition::Cancel, 2).await;
    for ended in [&completed, &canceled] {
        let before = store.run(ended.id).await.unwrap();
        let all = [
            Transition::Cancel,
            Transition::CancelGracefully,
            pause(),
            Transition::Resume,
            Transition::ResumeByItself,
            Transition::ResumeAfterChange,
            retry([]),
            Transition::PauseFailing { trial_calls: 1 },
            Transition::Recover,
        ];
        for refused in all {
            assert_conflict(store.transition(ended.id, refused, at(5)).await);
        }
        assert_eq!(store.run(ended.id).await.unwrap(), before);
    }
}

pub async fn a_run_that_is_not_there_is_not_found(stores: &Stores) {
    let store = &*stores.one;
    let id = RunId::from_uuid(Uuid::now_v7());
    assert_not_found(store.run(id).await, "run");
    assert_not_found(store.transition(id, Transition::Cancel, at(1)).await, "run");
    assert_not_found(store.mark_fed(id, 1, &[], at(1)).await, "run");
    assert_not_found(store.defer_lost(id, at(1), 1).await, "run");
    assert_not_found(store.end_canceled(id, at(1), at(1)).await, "run");
}
