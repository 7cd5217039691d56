use jiff::Timestamp;
use runmill_proto::{ErrorKind, api::Run, message::Deferred};

/// Waits of a run that its watcher was told of.
#[derive(Default)]
pub struct Told {
    /// End and reason of the last wait.
    wait: Option<(Option<Timestamp>, Option<String>)>,
    /// Messages of what holds the run back at the moment.
    held_back: Vec<String>,
}

impl Told {
    /// Returns the messages that are new, among them, if `wait_for_key` is true, that the run waits for a key. A wait is told once,
    /// and again when another reason or the end of another pause comes. An obstacle is told once, and again when it comes back.
    pub fn news(&mut self, run: &Run, wait_for_key: bool) -> Vec<String> {
        let held_back: Vec<_> = run.held_back.iter().map(|held| held.message.clone()).collect();
        let new = held_back.iter().filter(|message| !self.held_back.contains(message));
        let mut news: Vec<_> = new.map(|message| format!("the run is held back: {message}")).collect();
        self.held_back = held_back;
        let reason = (run.resume_at, run.pause_reason.clone().or_else(|| run.retry_reason.clone()));
        let waits = wait_message(run).or_else(|| key_message(run).filter(|_| wait_for_key));
        if let Some(text) = waits.filter(|_| self.wait.as_ref() != Some(&reason)) {
            news.push(text);
            self.wait = Some(reason);
        }
        news
    }
}

/// Returns a message with the end and the reason of a wait in which nothing else happens: a pause that ends by itself, or
/// jobs that are all deferred. `None` if the run goes on.
pub fn wait_message(run: &Run) -> Option<String> {
    if let Some(time) = run.resume_at {
        let reason = run.pause_reason.as_deref().unwrap_or("its provider refuses calls");
        return Some(format!("the run waits until {time:.0}: {reason}"));
    }
    let until = run.retry_after.map(|time| format!(" until {time:.0}")).unwrap_or_default();
    let reason = run.retry_reason.as_deref()?;
    only_waits(run).then(|| format!("waiting{until} for {}: {reason}", items(deferred(run))))
}

/// Returns a message on a run that goes on as soon as its provider has another key.
pub fn key_message(run: &Run) -> Option<String> {
    let reason = run.pause_reason.as_deref().filter(|_| waits_for_key(run) && run.resume_at.is_none())?;
    Some(format!(
        "the run waits for another key ({reason}); the same command with a good key in another terminal sets it"
    ))
}

/// Returns the number of jobs that wait for the time at which they are tried again. Those that a stop interrupted, or that
/// no call has put off, are tried at once.
pub fn deferred(run: &Run) -> u64 {
    match run.retry_reason.as_deref() {
        None | Some(Deferred::WORKER_SHUTDOWN) => 0,
        Some(_) => run.counters.deferred,
    }
}

/// Returns a rate with its unit.
pub fn rate(per_second: f64) -> String {
    match format!("{per_second:.0}").as_str() {
        _ if per_second < 1.0 => "less than 1 item/s".to_owned(),
        "1" => "1 item/s".to_owned(),
        number => format!("{number} items/s"),
    }
}

/// Returns true if a user paused the run.
pub fn is_users_pause(run: &Run) -> bool {
    run.pause_reason.as_deref().is_some_and(|reason| reason.starts_with("paused"))
}

/// Returns true if the run is paused until its provider has a key that it takes. A missing key is no cause of other pauses.
pub fn waits_for_key(run: &Run) -> bool {
    let Some(reason) = run.pause_reason.as_deref() else { return false };
    run.errors.contains_key(&ErrorKind::Authentication) || reason.contains("refuses the key")
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
    is_fed && deferred(run) > 0 && in_queue(run) == 0 && run.paused_at.is_none()
}

/// Returns the number of jobs in the queue and in flight.
pub fn in_queue(run: &Run) -> u64 {
    let counters = &run.counters;
    counters.fed.saturating_sub(counters.settled + counters.deferred)
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::{HeldBack, HeldBackCause, RunCounters};

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
    fn an_obstacle_and_a_wait_are_told_once_each_time_that_they_come() {
        let held = |message: &str| HeldBack { cause: HeldBackCause::NoExecutor, message: message.to_owned() };
        let held_by = |held_back: Vec<HeldBack>| Run { held_back, ..run(3, 1) };
        let (one, two) = (held_by(vec![held("a")]), held_by(vec![held("a"), held("b")]));
        let mut told = Told::default();
        assert_eq!(told.news(&one, false), ["the run is held back: a"]);
        assert!(told.news(&one, false).is_empty());
        assert_eq!(told.news(&two, false), ["the run is held back: b"]);
        assert!(told.news(&run(3, 1), false).is_empty());
        assert_eq!(told.news(&one, false), ["the run is held back: a"]);

        assert_eq!(told.news(&run(4, 1), false).len(), 1);
        assert!(told.news(&run(4, 1), false).is_empty());
    }

    #[test]
    fn a_run_without_a_good_key_says_that_it_is_waited_for() {
        let pause_reason = Some("the provider refuses the key: no".to_owned());
        let paused = Run { pause_reason, ..run(3, 0) };
        let news = Told::default().news(&paused, true);
        assert!(news[0].starts_with("the run waits for another key (the provider refuses the key: no); "));
        assert!(Told::default().news(&paused, false).is_empty());
    }

    #[test]
    fn items_that_a_stop_interrupted_wait_for_nothing() {
        for retry_reason in [Some(Deferred::WORKER_SHUTDOWN.to_owned()), None] {
            assert_eq!(wait_message(&Run { retry_reason, ..run(4, 1) }), None);
        }
    }

    #[test]
    fn a_rate_is_never_zero_or_one_of_many() {
        let table =
            [(0.2, "less than 1 item/s"), (1.2, "1 item/s"), (1.6, "2 items/s"), (40.0, "40 items/s")];
        for (per_second, want) in table {
            assert_eq!(rate(per_second), want);
        }
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
