use runmill_proto::{
    RunStatus,
    api::RunEvent,
    message::{Deferred, JobKey},
};
use serde_json::json;

use super::{
    Stores,
    world::{
        answered, assert_counters_equal_rows, at, batch, config, create, deferred, event_names, events,
        fed_run, new_run, pending_run,
    },
};
use crate::{ActiveRun, DueJob, RunRow, Transition};

fn key(run: &RunRow, ordinal: u32) -> JobKey {
    JobKey { run_id: run.id, ordinal, sample: 0 }
}

pub async fn active_runs_are_all_that_have_not_ended(stores: &Stores) {
    let store = &*stores.one;
    let ended = pending_run(store, 1).await;
    let pending = pending_run(store, 2).await;
    let paused = pending_run(store, 3).await;
    let canceling = fed_run(store, 4).await;
    store.transition(ended.id, Transition::Cancel, at(1)).await.unwrap();
    store.transition(paused.id, Transition::Pause { reason: "lunch".into() }, at(1)).await.unwrap();
    store.transition(canceling.id, Transition::Cancel, at(1)).await.unwrap();

    let active = store.active_runs().await.unwrap();

    let mut want = Vec::new();
    for (run, items) in [(pending, 2), (paused, 3), (canceling, 4)] {
        want.push(ActiveRun { run: store.run(run.id).await.unwrap(), items, token_budget: None });
    }
    assert_eq!(active, want);
}

pub async fn the_first_feeding_starts_the_run(stores: &Stores) {
    let store = &*stores.one;
    let run = pending_run(store, 9).await;

    store.mark_fed(run.id, 4, &[], at(3)).await.unwrap();
    store.mark_fed(run.id, 6, &[], at(4)).await.unwrap();

    let fed = store.run(run.id).await.unwrap();
    assert_eq!((fed.status, fed.started_at, fed.cursor.fed), (RunStatus::Running, Some(at(3)), 6));
    assert_eq!(event_names(store, run.id).await, ["run_status"; 2]);
}

pub async fn fed_never_moves_back(stores: &Stores) {
    let store = &*stores.one;
    let run = pending_run(store, 9).await;
    for (fed, want) in [(4, 4), (2, 4), (9, 9), (3, 9), (12, 9)] {
        store.mark_fed(run.id, fed, &[], at(3)).await.unwrap();
        assert_eq!(store.run(run.id).await.unwrap().cursor.fed, want, "after {fed}");
    }
}

pub async fn due_jobs_are_those_longest_due_first(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 4).await;
    let times = [(0, 30), (1, 10), (2, 20), (3, 99)];
    store.write_logs(&batch(times.map(|(n, second)| deferred(&run, n, at(second)))), at(2)).await.unwrap();

    let due = |ordinal, second| DueJob { not_before: at(second), ..due(&run, ordinal, 1) };
    let [first, second, third] = [due(1, 10), due(2, 20), due(0, 30)];
    assert_eq!(store.due_jobs(run.id, at(9), 10).await.unwrap(), []);
    assert_eq!(store.due_jobs(run.id, at(30), 10).await.unwrap(), [first, second, third]);
    assert_eq!(store.due_jobs(run.id, at(30), 2).await.unwrap(), [first, second]);
}

pub async fn feeding_a_deferred_job_clears_the_retry(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    store.write_logs(&batch([deferred(&run, 0, at(60)), deferred(&run, 1, at(70))]), at(2)).await.unwrap();
    let scheduled = store.run(run.id).await.unwrap();
    assert_eq!((scheduled.retry.after, scheduled.in_queue()), (Some(at(60)), 0));

    store.mark_fed(run.id, 2, &[due(&run, 0, 1)], at(61)).await.unwrap();
    let fed = store.run(run.id).await.unwrap();
    assert_eq!(
        (fed.retry.after, fed.cursor.deferred, fed.in_queue(), fed.seq),
        (None, 1, 1, scheduled.seq + 1)
    );
    let last = events(store, run.id).await.pop();
    assert!(matches!(last, Some(RunEvent::RunStatus(status)) if status.retry_after.is_none()));

    // A job is deferred once, and feeding a job that is not deferred changes nothing.
    store.mark_fed(run.id, 2, &[due(&run, 0, 1), due(&run, 1, 1)], at(71)).await.unwrap();
    let fed = store.run(run.id).await.unwrap();
    assert_eq!((fed.cursor.deferred, fed.in_queue(), fed.seq), (0, 2, scheduled.seq + 1));
    assert_counters_equal_rows(store, run.id).await;
}

/// A job that was just fed again may be deferred again before its feeding is recorded.
pub async fn a_job_deferred_anew_before_its_feeding_is_recorded_stays_deferred(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    store.write_logs(&batch([deferred(&run, 0, at(10))]), at(2)).await.unwrap();
    let again = Deferred { attempt: 1, failures: 3, ..deferred(&run, 0, at(40)) };

    store.write_logs(&batch([again.clone()]), at(11)).await.unwrap();
    store.mark_fed(run.id, 2, &[due(&run, 0, 1)], at(12)).await.unwrap();
    // The message of the first deferral is redelivered, although a later one was stored.
    store.write_logs(&batch([deferred(&run, 0, at(10)), again]), at(13)).await.unwrap();

    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.cursor.deferred, row.in_queue()), (1, 1));
    let waiting = DueJob { failures: 3, not_before: at(40), ..due(&run, 0, 2) };
    assert_eq!(store.due_jobs(run.id, at(40), 9).await.unwrap(), [waiting]);
    assert_counters_equal_rows(store, run.id).await;
}

fn due(run: &RunRow, ordinal: u32, attempt: u32) -> DueJob {
    DueJob { key: key(run, ordinal), attempt, failures: 0, possible_copy: false, not_before: at(0) }
}

pub async fn a_deferred_job_keeps_its_failures_and_a_lost_one_has_none(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 3).await;
    let tried = Deferred { attempt: 2, failures: 5, ..deferred(&run, 1, at(10)) };
    store.write_logs(&batch([tried]), at(2)).await.unwrap();

    store.transition(run.id, Transition::Recover, at(11)).await.unwrap();

    let due = store.due_jobs(run.id, at(11), 10).await.unwrap();
    let found: Vec<_> = due.iter().map(|job| (job.key.ordinal, job.attempt, job.failures)).collect();
    assert_eq!(found, [(1, 3, 5), (0, 1, 0), (2, 1, 0)]);
}

pub async fn a_lost_job_is_due_once(stores: &Stores) {
    let store = &*stores.one;
    let mut samples = new_run(store, 3).await;
    samples.submission.config = config(json!({"samples": 2}));
    samples.total = 6;
    let run = create(store, &samples).await;
    // All three jobs of the first sample are fed, and two of the second; of these, one is answered and one deferred.
    store.mark_fed(run.id, 5, &[], at(1)).await.unwrap();
    store.write_logs(&batch([answered(&run, 0)]), at(2)).await.unwrap();
    store.write_logs(&batch([deferred(&run, 1, at(600))]), at(2)).await.unwrap();

    assert_eq!(store.defer_lost(run.id, at(10), 100).await.unwrap(), 3);
    assert_eq!(store.defer_lost(run.id, at(10), 100).await.unwrap(), 0);

    let due = store.due_jobs(run.id, at(10), 10).await.unwrap();
    let found: Vec<_> = due.iter().map(|job| (job.key.ordinal, job.key.sample, job.attempt)).collect();
    assert_eq!(found, [(2, 0, 1), (0, 1, 1), (1, 1, 1)]);
    assert!(due.iter().all(|job| job.possible_copy), "{due:?}");
    let retry = store.run(run.id).await.unwrap().retry;
    assert_eq!(retry.after, Some(at(10)));
    let reason = retry.reason.unwrap();
    assert!(reason.contains("3 jobs were in no queue"), "{reason}");
    assert_counters_equal_rows(store, run.id).await;
}

/// A position is looked at only if the counts of its part of the dataset show that a job is missing.
pub async fn the_lost_jobs_of_a_large_run_are_found(stores: &Stores) {
    let store = &*stores.one;
    let run = create(store, &new_run(store, 25_000).await).await;
    store.mark_fed(run.id, 24_990, &[], at(1)).await.unwrap();
    let lost = [0, 9_999, 10_000, 24_989];
    let answers = (0..24_990).filter(|ordinal| !lost.contains(ordinal)).map(|n| answered(&run, n));
    store.write_logs(&batch(answers), at(2)).await.unwrap();
    // A job that was published and is not marked may be answered already.
    store.write_logs(&batch([answered(&run, 24_990)]), at(2)).await.unwrap();
    assert_eq!(store.run(run.id).await.unwrap().in_queue(), 3, "one answer is of a job that is not marked");
    store.mark_fed(run.id, 24_991, &[], at(3)).await.unwrap();

    assert_eq!(store.defer_lost(run.id, at(10), 100).await.unwrap(), 4);

    let due = store.due_jobs(run.id, at(10), 10).await.unwrap();
    assert_eq!(due.iter().map(|job| job.key.ordinal).collect::<Vec<_>>(), lost);
}

pub async fn lost_jobs_are_deferred_up_to_the_limit(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 5).await;

    assert_eq!(store.defer_lost(run.id, at(10), 2).await.unwrap(), 2);
    assert_eq!(store.defer_lost(run.id, at(10), 2).await.unwrap(), 2);

    assert_eq!(store.run(run.id).await.unwrap().in_queue(), 1);
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_canceled_run_ends_though_its_jobs_are_lost(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    store.transition(run.id, Transition::Cancel, at(3)).await.unwrap();

    store.defer_lost(run.id, at(10), 100).await.unwrap();

    let ended = store.run(run.id).await.unwrap();
    assert_eq!((ended.status, ended.cursor.deferred), (RunStatus::Canceled, 0));
    assert_eq!(store.defer_lost(run.id, at(11), 100).await.unwrap(), 0);
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_canceled_run_is_ended_by_force_only_when_asked_long_ago(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    assert!(!store.end_canceled(run.id, at(99), at(99)).await.unwrap(), "nobody canceled it");
    store.transition(run.id, Transition::Cancel, at(10)).await.unwrap();

    assert!(!store.end_canceled(run.id, at(9), at(40)).await.unwrap());
    assert!(store.end_canceled(run.id, at(10), at(40)).await.unwrap());
    assert!(!store.end_canceled(run.id, at(10), at(41)).await.unwrap());

    let ended = store.run(run.id).await.unwrap();
    assert_eq!((ended.status, ended.finished_at), (RunStatus::Canceled, Some(at(40))));
    assert_counters_equal_rows(store, run.id).await;
}
