//! Runs that have no answer yet.

use runmill_proto::{ErrorKind, Outcome, PauseCause, RunStatus, message::Deferred};

use super::{
    Stores,
    world::{
        all_results, answered, assert_conflict, assert_counters_equal_rows, at, batch, deferred, failed,
        fed_run, pending_run,
    },
};
use crate::{RunRow, Store, Transition};

const PAUSE: Transition = Transition::PauseFailing { trial_calls: 3 };

fn refused(run: &RunRow, ordinal: u32) -> Deferred {
    Deferred { pause: true, reason: "the key was refused".into(), ..deferred(run, ordinal, at(600)) }
}

fn unreachable(run: &RunRow, ordinal: u32) -> Deferred {
    Deferred { unreachable: true, reason: "nobody listens".into(), ..deferred(run, ordinal, at(60)) }
}

type Stop = fn(&RunRow, u32) -> Deferred;

fn cause(run: &RunRow) -> Option<PauseCause> {
    run.pause.as_ref()?.cause
}

pub async fn a_run_that_was_never_answered_waits_for_a_person(stores: &Stores) {
    let store = &*stores.one;
    let table: [(Stop, PauseCause); 2] =
        [(refused, PauseCause::Refused), (unreachable, PauseCause::Unreachable)];
    for (stop, want) in table {
        let run = fed_run(store, 9).await;
        store.write_logs(&batch([failed(&run, 8)]), at(1)).await.unwrap();

        let written = store.write_logs(&batch([stop(&run, 0), stop(&run, 1)]), at(2)).await.unwrap();

        let row = stores.other.run(run.id).await.unwrap();
        assert_eq!(written.paused, [run.id], "{want}");
        assert_eq!((row.paused_at(), row.resume_at(), cause(&row)), (Some(at(2)), None, Some(want)));
        assert_eq!(row.pause_reason(), Some(stop(&run, 0).reason.as_str()));
        assert_eq!((row.retry.count, row.cursor.deferred), (0, 2), "{want}");
        assert_conflict(store.transition(run.id, Transition::ResumeByItself, at(700)).await);
        assert_counters_equal_rows(store, run.id).await;
    }
}

pub async fn an_answer_in_flight_ends_the_pause_of_a_run_without_answers(stores: &Stores) {
    let store = &*stores.one;
    for stop in [refused as Stop, unreachable] {
        let run = fed_run(store, 9).await;
        store.write_logs(&batch([stop(&run, 0)]), at(2)).await.unwrap();
        let by_user = fed_run(store, 9).await;
        let pause = Transition::Pause { reason: "lunch".into() };
        store.transition(by_user.id, pause, at(2)).await.unwrap();

        store.write_logs(&batch([answered(&run, 8), answered(&by_user, 8)]), at(3)).await.unwrap();

        assert_eq!(store.run(run.id).await.unwrap().resume_at(), Some(at(3)));
        assert_eq!(store.run(by_user.id).await.unwrap().resume_at(), None);
        let resumed = store.transition(run.id, Transition::ResumeByItself, at(4)).await.unwrap();
        assert_eq!((resumed.paused_at(), resumed.cursor.deferred), (None, 1));
        assert_counters_equal_rows(store, run.id).await;
    }
}

pub async fn an_unreachable_provider_only_defers_a_run_that_it_has_answered(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 9).await;
    store.write_logs(&batch([answered(&run, 8)]), at(1)).await.unwrap();

    let written = store.write_logs(&batch([unreachable(&run, 0)]), at(2)).await.unwrap();

    let row = store.run(run.id).await.unwrap();
    assert_eq!((written.paused, row.paused_at()), (vec![], None));
    assert_eq!((row.retry.after, row.retry.reason.as_deref()), (Some(at(60)), Some("nobody listens")));
    assert_eq!(row.cursor.deferred, 1);
}

/// Returns a run of ten jobs of which `count` were fed and failed.
async fn failing_run(store: &dyn Store, count: u32) -> RunRow {
    let run = pending_run(store, 10).await;
    store.mark_fed(run.id, u64::from(count), &[], at(1)).await.unwrap();
    store.write_logs(&batch((0..count).map(|ordinal| failed(&run, ordinal))), at(2)).await.unwrap();
    store.run(run.id).await.unwrap()
}

pub async fn a_run_whose_first_calls_failed_alike_pauses_with_what_they_said(stores: &Stores) {
    let store = &*stores.one;
    let few = failing_run(store, 2).await;
    assert_conflict(store.transition(few.id, PAUSE, at(3)).await);
    let run = failing_run(store, 3).await;

    let paused = store.transition(run.id, PAUSE, at(3)).await.unwrap();

    assert_eq!(paused.pause_reason(), Some("the first 3 items all failed alike: the model is overloaded"));
    assert_eq!((paused.paused_at(), paused.resume_at()), (Some(at(3)), None));
    assert_eq!((paused.status, cause(&paused)), (RunStatus::Running, Some(PauseCause::Failing)));
    assert_eq!(stores.other.run(run.id).await.unwrap(), paused);
    assert_conflict(store.transition(run.id, PAUSE, at(4)).await);

    // An answer, a failure of another kind, a job in flight, and a trial of no calls: no reason to pause.
    let answered_once = failing_run(store, 3).await;
    store.write_logs(&batch([answered(&answered_once, 3)]), at(2)).await.unwrap();
    let other_kind = failing_run(store, 2).await;
    let mut other = failed(&other_kind, 2);
    other.error_kind = Some(ErrorKind::Connection);
    store.write_logs(&batch([other]), at(2)).await.unwrap();
    let in_flight = failing_run(store, 3).await;
    store.mark_fed(in_flight.id, 4, &[], at(3)).await.unwrap();
    for other in [answered_once, other_kind, in_flight] {
        assert_conflict(store.transition(other.id, PAUSE, at(3)).await);
    }
    let run = failing_run(store, 3).await;
    assert_conflict(store.transition(run.id, Transition::PauseFailing { trial_calls: 0 }, at(3)).await);
}

pub async fn a_resumed_trial_begins_anew_with_what_failed(stores: &Stores) {
    let store = &*stores.one;
    let run = failing_run(store, 3).await;
    store.mark_fed(run.id, 4, &[], at(2)).await.unwrap();
    store.write_logs(&batch([deferred(&run, 3, at(600))]), at(2)).await.unwrap();
    store.transition(run.id, PAUSE, at(3)).await.unwrap();

    let resumed = store.transition(run.id, Transition::Resume, at(4)).await.unwrap();

    assert_eq!((resumed.paused_at(), resumed.cursor.epoch), (None, run.cursor.epoch + 1));
    assert_eq!((resumed.stats.settled(), resumed.stats.errors.len()), (0, 0));
    assert_eq!((resumed.cursor.deferred, resumed.in_queue()), (4, 0));
    assert_eq!(all_results(store, run.id).await.len(), 0);
    assert_counters_equal_rows(store, run.id).await;
    let due = store.due_jobs(run.id, at(4), 10).await.unwrap();
    assert_eq!(due.len(), 4);
    store.mark_fed(run.id, 10, &due, at(5)).await.unwrap();
    store.write_logs(&batch((0..10).map(|n| answered(&resumed, n))), at(6)).await.unwrap();
    let ended = store.run(run.id).await.unwrap();
    assert_eq!((ended.status, ended.stats.outcome(Outcome::Succeeded)), (RunStatus::Completed, 10));
    assert_counters_equal_rows(store, run.id).await;
}

/// The pass of a job in flight must not end, or the job would be lost.
pub async fn a_trial_with_a_job_in_flight_goes_on_in_its_pass(stores: &Stores) {
    let store = &*stores.one;
    let run = failing_run(store, 3).await;
    store.mark_fed(run.id, 4, &[], at(3)).await.unwrap();
    store.transition(run.id, Transition::Pause { reason: "lunch".into() }, at(3)).await.unwrap();

    let resumed = store.transition(run.id, Transition::Resume, at(4)).await.unwrap();
    store.write_logs(&batch([answered(&run, 3)]), at(5)).await.unwrap();

    let row = store.run(run.id).await.unwrap();
    assert_eq!((resumed.cursor.epoch, row.stats.outcome(Outcome::Succeeded)), (0, 1));
    assert_eq!(row.stats.outcome(Outcome::Failed), 3);
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_change_resumes_only_what_no_user_paused(stores: &Stores) {
    let store = &*stores.one;
    let failing = failing_run(store, 3).await;
    store.transition(failing.id, PAUSE, at(3)).await.unwrap();
    let cut_off = fed_run(store, 9).await;
    store.write_logs(&batch([unreachable(&cut_off, 0)]), at(3)).await.unwrap();
    for run in [&failing, &cut_off] {
        let resumed = store.transition(run.id, Transition::ResumeAfterChange, at(4)).await.unwrap();
        assert_eq!((resumed.paused_at(), resumed.resumption.count), (None, 1));
    }

    let also_by_user = fed_run(store, 9).await;
    store.write_logs(&batch([unreachable(&also_by_user, 0)]), at(3)).await.unwrap();
    store.transition(also_by_user.id, Transition::Pause { reason: "lunch".into() }, at(4)).await.unwrap();
    assert_conflict(store.transition(also_by_user.id, Transition::ResumeAfterChange, at(5)).await);
}
