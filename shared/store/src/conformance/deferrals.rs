use runmill_proto::{ErrorKind, RunStatus, api::RunEvent, message::Deferred};

use super::{
    Stores,
    world::{answered, assert_counters_equal_rows, at, batch, deferred, fed_run},
};
use crate::{LogBatch, LogEntry, Transition, Written};

pub async fn a_deferral_schedules_a_retry_once_for_a_batch(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 9).await;
    let later = Deferred { reason: "rate limited".into(), ..deferred(&run, 0, at(90)) };

    let written = store
        .write_logs(&batch([later, deferred(&run, 1, at(60)), deferred(&run, 1, at(30))]), at(2))
        .await
        .unwrap();

    assert_eq!(written, Written::default());
    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.cursor.deferred, row.retry.count, row.in_queue()), (2, 1, 7));
    assert_eq!((row.retry.after, row.retry.requested_at), (Some(at(60)), Some(at(2))));
    assert_eq!(row.retry.reason.as_deref(), Some(Deferred::WORKER_SHUTDOWN));
    assert_eq!(store.status_events(run.id, 0, 10).await.unwrap().len(), 3);
    let deferrals = store.invocations(run.id, None, 10).await.unwrap();
    assert!(
        deferrals.iter().all(|call| (call.outcome, call.error_kind) == (None, Some(ErrorKind::Interrupted)))
    );
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_deferral_that_says_so_pauses_the_run(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 9).await;
    let stop = |ordinal| Deferred {
        pause: true,
        reason: "the key was refused".into(),
        ..deferred(&run, ordinal, at(2))
    };

    let written = store.write_logs(&batch([stop(0), stop(1)]), at(2)).await.unwrap();
    let again = store.write_logs(&batch([stop(2)]), at(3)).await.unwrap();

    assert_eq!((written.paused, again.paused), (vec![run.id], vec![]));
    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.status, row.paused_at(), row.cursor.deferred), (RunStatus::Running, Some(at(2)), 3));
    assert_eq!(row.pause_reason(), Some("the key was refused"));
    assert_eq!((row.retry.count, row.retry.after), (0, None));
    assert_eq!(store.status_events(run.id, 0, 10).await.unwrap().len(), 3);
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_paused_run_resumes_at_the_earliest_moment_of_the_batch(stores: &Stores) {
    let store = &*stores.one;
    // The `not_before` of each deferral of a batch written at second 10, and the time at which the run then resumes.
    let table = [(vec![600], 600), (vec![900, 600, 700], 600), (vec![9, 700], 10), (vec![10], 10)];
    for (not_before, want) in table {
        let run = fed_run(store, 9).await;
        store.write_logs(&batch([answered(&run, 7)]), at(2)).await.unwrap();
        let stops = (0..)
            .zip(&not_before)
            .map(|(ordinal, second)| Deferred { pause: true, ..deferred(&run, ordinal, at(*second)) });

        store.write_logs(&batch(stops), at(10)).await.unwrap();
        // The run is already paused, so a later batch does not change the pause.
        let late = Deferred { pause: true, ..deferred(&run, 8, at(50)) };
        store.write_logs(&batch([late]), at(11)).await.unwrap();

        let row = stores.other.run(run.id).await.unwrap();
        assert_eq!((row.paused_at(), row.resume_at()), (Some(at(10)), Some(at(want))), "{not_before:?}");
        let (_, last) = store.status_events(run.id, 0, 10).await.unwrap().pop().unwrap();
        let RunEvent::RunStatus(status) = last else { panic!("{last:?}") };
        assert_eq!(status.resume_at, Some(at(want)), "{not_before:?}");
    }
}

/// A user replaced the key and resumed the run. A deferral with `pause` that an executor decided with the old key
/// must not pause it again.
pub async fn a_stop_that_was_decided_before_the_run_was_resumed_is_fed_again_at_once(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 9).await;
    store.write_logs(&batch([answered(&run, 8)]), at(1)).await.unwrap();
    let stop = |ordinal, decided| {
        let mut stop = Deferred { pause: true, ..deferred(&run, ordinal, at(900)) };
        (stop.call.started_at, stop.call.latency_ms) = (at(decided), 0);
        stop
    };
    store.write_logs(&batch([stop(0, 2)]), at(2)).await.unwrap();
    store.transition(run.id, Transition::Resume, at(10)).await.unwrap();

    store.write_logs(&batch([stop(1, 9)]), at(11)).await.unwrap();
    let late = store.run(run.id).await.unwrap();
    store.write_logs(&batch([stop(2, 11)]), at(12)).await.unwrap();
    let again = store.run(run.id).await.unwrap();

    assert_eq!((late.paused_at(), late.resume_at(), late.cursor.deferred), (None, None, 2));
    let due: Vec<_> =
        store.due_jobs(run.id, at(11), 9).await.unwrap().iter().map(|job| job.key.ordinal).collect();
    assert_eq!(due, [1, 0]);
    assert_eq!((again.paused_at(), again.resume_at()), (Some(at(12)), Some(at(900))));
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_result_ends_the_deferral_of_its_job(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 9).await;
    store.write_logs(&batch([deferred(&run, 0, at(60)), deferred(&run, 1, at(60))]), at(2)).await.unwrap();

    // The job was delivered twice: one delivery was deferred, the other is answered.
    store.write_logs(&batch([answered(&run, 0)]), at(3)).await.unwrap();

    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.cursor.deferred, row.stats.settled(), row.in_queue()), (1, 1, 7));
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_job_with_a_result_is_not_deferred(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 9).await;
    store.write_logs(&batch([answered(&run, 0)]), at(2)).await.unwrap();
    let both: Vec<LogEntry> = vec![deferred(&run, 1, at(60)).into(), answered(&run, 1).into()];

    store.write_logs(&LogBatch(both), at(3)).await.unwrap();
    store.write_logs(&batch([deferred(&run, 0, at(60))]), at(3)).await.unwrap();

    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.cursor.deferred, row.retry.count, row.stats.settled()), (0, 0, 2));
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_deferral_after_the_end_is_only_a_call(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 1).await;
    store.transition(run.id, Transition::Cancel, at(2)).await.unwrap();
    store.end_canceled(run.id, at(2), at(3)).await.unwrap();

    let stop = Deferred { pause: true, ..deferred(&run, 0, at(60)) };
    let written = store.write_logs(&batch([deferred(&run, 0, at(60)), stop]), at(4)).await.unwrap();

    assert_eq!(written, Written::default());
    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.cursor.deferred, row.retry.count, row.paused_at(), row.stats.calls), (0, 0, None, 2));
    assert_counters_equal_rows(store, run.id).await;
}
