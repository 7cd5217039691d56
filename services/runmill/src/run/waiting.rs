use runmill_proto::api::Run;

/// Returns a message with the end and the reason of a wait in which nothing else happens: a pause that ends by itself, or
/// jobs that are all deferred. `None` if the run goes on.
pub fn wait_message(run: &Run) -> Option<String> {
    if let Some(time) = run.resume_at {
        let reason = run.pause_reason.as_deref().unwrap_or("its provider refuses calls");
        return Some(format!("the run waits until {time:.0}: {reason}"));
    }
    let until = run.retry_after.map(|time| format!(" until {time:.0}")).unwrap_or_default();
    let reason = run.retry_reason.as_deref().unwrap_or("their calls are put off");
    only_waits(run).then(|| format!("waiting{until} for {}: {reason}", items(run.counters.deferred)))
}

/// Returns the number with its noun.
pub fn items(number: u64) -> String {
    if number == 1 { "1 item".to_owned() } else { format!("{number} items") }
}

/// Returns true if no job is in the queue or in flight, some are deferred, and no others are fed meanwhile. A run without
/// an answer is on trial: its other jobs are fed only after the deferred ones.
pub fn only_waits(run: &Run) -> bool {
    let counters = &run.counters;
    let is_on_trial = counters.succeeded + counters.refused + counters.truncated == 0;
    let is_fed = counters.fed == counters.total || is_on_trial;
    is_fed && counters.deferred > 0 && in_queue(run) == 0 && run.paused_at.is_none()
}

/// Returns the number of jobs in the queue and in flight.
pub fn in_queue(run: &Run) -> u64 {
    let counters = &run.counters;
    counters.fed.saturating_sub(counters.settled + counters.deferred)
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::RunCounters;

    use super::*;
    use crate::run::testing;

    /// Returns a run of 5 jobs, of which `deferred` wait for a rate limit and the rest is settled or in the queue.
    fn run(settled: u64, deferred: u64) -> Run {
        Run {
            counters: RunCounters {
                total: 5,
                fed: 5,
                settled,
                succeeded: settled,
                deferred,
                ..RunCounters::default()
            },
            retry_after: Some("2026-01-01T10:20:30Z".parse().unwrap()),
            retry_reason: Some("rate limit: try again in 60 s".into()),
            ..testing::run()
        }
    }

    #[test]
    fn a_run_that_only_waits_says_until_when_and_why() {
        let want = "waiting until 2026-01-01T10:20:30Z for 1 item: rate limit: try again in 60 s";
        assert_eq!(wait_message(&run(4, 1)).as_deref(), Some(want));
    }

    #[test]
    fn a_run_on_trial_waits_when_all_that_was_fed_waits() {
        let counters = RunCounters {
            total: 1_000,
            fed: 10,
            settled: 2,
            failed: 2,
            deferred: 8,
            ..RunCounters::default()
        };
        let trial = Run { counters, ..run(0, 0) };
        assert!(only_waits(&trial));
        let called = RunCounters { fed: 11, ..trial.counters };
        assert!(!only_waits(&Run { counters: called, ..trial }));
    }

    #[test]
    fn a_run_with_calls_or_without_deferred_jobs_waits_for_nothing() {
        let unfed = RunCounters { total: 9, succeeded: 4, ..run(4, 1).counters };
        for run in [run(3, 1), run(5, 0), Run { counters: unfed, ..run(4, 1) }] {
            assert_eq!(wait_message(&run), None, "{:?}", run.counters);
        }
    }

    #[test]
    fn a_run_on_trial_says_that_it_waits() {
        let counters = RunCounters { total: 9, fed: 3, deferred: 3, ..RunCounters::default() };
        let want = "waiting until 2026-01-01T10:20:30Z for 3 items: rate limit: try again in 60 s";
        assert_eq!(wait_message(&Run { counters, ..run(0, 0) }).as_deref(), Some(want));
    }

    #[test]
    fn a_pause_that_ends_by_itself_says_when() {
        let time = Some("2026-01-01T10:20:30Z".parse().unwrap());
        let pause =
            Run { paused_at: time, resume_at: time, pause_reason: Some("no quota".into()), ..run(4, 1) };
        let want = "the run waits until 2026-01-01T10:20:30Z: no quota";
        assert_eq!(wait_message(&pause).as_deref(), Some(want));
        assert_eq!(wait_message(&Run { resume_at: None, ..pause }), None);
    }
}
