//! Trial of a run: until its first answer few of its jobs are fed, so that a fault of the whole run costs few calls.

use std::num::NonZeroU32;

use runmill_proto::api::{Settings, SettingsOverride};
use runmill_store::{RunRow, Transition};

use super::Feeder;

/// Returns the number of calls of the run's trial, or `None` if the run has an answer or no trial, or is not fed.
pub fn calls(run: &RunRow, workspace: &Settings, provider: &SettingsOverride) -> Option<NonZeroU32> {
    if !run.is_on_trial() || !run.is_feedable() {
        return None;
    }
    let settings = workspace.for_job(provider, &run.submission.config.stored_job());
    NonZeroU32::new(settings.retry.trial_calls)
}

/// Pauses the run if its first calls all failed alike.
pub async fn pause_if_failed(feeder: &Feeder, run: &RunRow, trial: Option<NonZeroU32>) -> anyhow::Result<()> {
    let Some(trial_calls) = trial.map(NonZeroU32::get) else { return Ok(()) };
    if run.trial_fault(trial_calls).is_some() {
        feeder.runs.apply_if_possible(run.id, Transition::PauseFailing { trial_calls }).await?;
    }
    Ok(())
}

/// Returns how many jobs of a run on trial could be fed, of `due` deferred ones and `new` ones.
///
/// Jobs that failed alike use up the trial. A deferred job keeps its place, since its calls have told nothing yet that
/// those of another job would not tell. This is not so if the trial began anew, for then the failed jobs are deferred.
pub fn jobs(run: &RunRow, due: u64, new: u64, trial_calls: NonZeroU32) -> u64 {
    let room = room(run, trial_calls);
    let kept = if began_anew(run) { due.min(room) } else { run.cursor.deferred };
    due.min(room) + new.min(room.saturating_sub(kept))
}

/// Returns the maximum number of deferred jobs that are fed at once. If the trial began anew, half of its calls are
/// those of new jobs: a run whose first items are at fault would otherwise try only them whenever it is resumed.
pub fn due_max(run: &RunRow, new: u64, trial_calls: NonZeroU32) -> u64 {
    let room = room(run, trial_calls);
    if began_anew(run) && new > 0 { room / 2 } else { room }
}

fn room(run: &RunRow, trial_calls: NonZeroU32) -> u64 {
    let failed = run.failed_alike().map_or(0, |(_, jobs)| jobs);
    u64::from(trial_calls.get()).saturating_sub(failed + run.in_queue())
}

const fn began_anew(run: &RunRow) -> bool {
    run.cursor.epoch > 0
}

#[cfg(test)]
mod tests {
    use runmill_proto::{ErrorKind, RunId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_trial_ends_its_feeding_with_the_jobs_that_failed_alike() {
        let table = [
            // in the queue, deferred, failed alike, failed by the item, due -> jobs to feed
            (0, 0, 0, 0, 0, 10),
            (4, 0, 0, 0, 0, 6),
            (10, 0, 0, 0, 0, 0),
            (0, 0, 9, 0, 0, 1),
            (0, 0, 10, 0, 0, 0),
            (1, 0, 9, 0, 0, 0),
            (0, 0, 0, 30, 0, 10),
            (0, 3, 0, 0, 0, 7),
            (0, 3, 0, 0, 3, 10),
            (0, 10, 0, 0, 2, 2),
            (8, 3, 0, 0, 3, 2),
        ];
        for (in_queue, deferred, failed, by_item, due, want) in table {
            let mut run = runmill_store::testing::run(RunId::from_uuid(Uuid::nil()), 1_000);
            run.cursor.fed = in_queue + deferred + failed + by_item;
            run.cursor.deferred = deferred;
            run.stats.outcomes.insert(runmill_proto::Outcome::Failed, failed + by_item);
            run.stats.errors = [(ErrorKind::InvalidRequest, failed), (ErrorKind::BadItem, by_item)].into();
            let case = (in_queue, deferred, failed, by_item, due);
            assert_eq!(run.in_queue(), in_queue, "{case:?}");

            let found = jobs(&run, due, 900, NonZeroU32::new(10).unwrap());

            assert_eq!(found, want, "{case:?}");
        }
    }

    #[test]
    fn a_trial_that_began_anew_feeds_new_jobs_too() {
        let mut run = runmill_store::testing::run(RunId::from_uuid(Uuid::nil()), 1_000);
        (run.cursor.fed, run.cursor.deferred, run.cursor.epoch) = (10, 10, 1);
        let most = NonZeroU32::new(10).unwrap();

        let due = due_max(&run, 990, most);

        assert_eq!((due, jobs(&run, due, 990, most)), (5, 10));
        assert_eq!(due_max(&run, 0, most), 10, "no job is new");
    }
}
