use std::collections::{HashMap, VecDeque};

use runmill_proto::RunId;

/// Number of jobs of a run that could be fed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    pub run_id: RunId,
    /// Share of the run relative to the weights of the others.
    pub weight: u32,
    pub jobs: u64,
}

/// Divides a lane's free window among its runs by weighted deficit round robin.
///
/// In each round, `QUANTUM x weight` jobs of a run may be fed. A run that cannot use up its turn now, because the window is
/// full or it has no job to feed, uses it in later calls, before others begin a turn, until its next turn begins. So a
/// run that limits its own concurrency gets its share, too, and no more. A new run gets the next turn, so that ten items behind a
/// million do not wait for a whole round.
///
/// Source: Shreedhar and Varghese, "Efficient Fair Queuing using Deficit Round Robin" (SIGCOMM 1995). Here every job
/// has the same size.
#[derive(Debug, Default)]
pub struct Schedule {
    /// All runs of the lane, in the order of their next turns.
    turns: VecDeque<Turn>,
}

#[derive(Debug)]
struct Turn {
    run_id: RunId,
    /// Number of jobs that are left of the turn. `None` before its first job.
    left: Option<u64>,
}

const QUANTUM: u64 = 16;

impl Schedule {
    /// Allots at most `free` jobs, and to no run more than it wants. `wants` has every run of the lane, also those that
    /// want nothing now. Returns the runs that get jobs, in order, with their numbers.
    pub fn allot(&mut self, free: u64, wants: &[Want]) -> Vec<(RunId, u64)> {
        self.admit(wants);
        let mut window = Window::new(free, wants);
        for turn in &mut self.turns {
            window.fill(turn);
        }
        while window.has_room()
            && let Some(mut turn) = self.turns.pop_front()
        {
            turn.left = None;
            window.fill(&mut turn);
            self.turns.push_back(turn);
        }
        window.given
    }

    /// Lets the turns of new runs begin, before all others and in the given order, and removes the runs that are gone.
    fn admit(&mut self, wants: &[Want]) {
        self.turns.retain(|turn| wants.iter().any(|want| want.run_id == turn.run_id));
        let new: Vec<_> =
            wants.iter().filter(|want| !self.turns.iter().any(|turn| turn.run_id == want.run_id)).collect();
        for want in new.into_iter().rev() {
            self.turns.push_front(Turn { run_id: want.run_id, left: None });
        }
    }
}

/// A free window that is being divided.
struct Window {
    free: u64,
    /// Runs that want more than they were given.
    open: HashMap<RunId, Want>,
    given: Vec<(RunId, u64)>,
}

impl Window {
    fn new(free: u64, wants: &[Want]) -> Self {
        let open = wants.iter().filter(|want| want.jobs > 0).map(|want| (want.run_id, *want)).collect();
        Self { free, open, given: Vec::new() }
    }

    fn has_room(&self) -> bool {
        self.free > 0 && !self.open.is_empty()
    }

    /// Gives the run what is left of its turn. A turn that began under a larger weight is cut.
    fn fill(&mut self, turn: &mut Turn) {
        let Some(want) = self.open.get_mut(&turn.run_id) else { return };
        let quantum = QUANTUM * u64::from(want.weight);
        let left = turn.left.map_or(quantum, |left| left.min(quantum));
        let jobs = left.min(want.jobs).min(self.free);
        if jobs == 0 {
            return;
        }
        self.free -= jobs;
        turn.left = Some(left - jobs);
        want.jobs -= jobs;
        if want.jobs == 0 {
            self.open.remove(&turn.run_id);
        }
        give(&mut self.given, turn.run_id, jobs);
    }
}

fn give(given: &mut Vec<(RunId, u64)>, run_id: RunId, jobs: u64) {
    match given.iter_mut().find(|(id, _)| *id == run_id) {
        Some((_, sum)) => *sum += jobs,
        None => given.push((run_id, jobs)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn run(n: u128) -> RunId {
        RunId::from_uuid(Uuid::from_u128(n))
    }

    fn want(n: u128, weight: u32, jobs: u64) -> Want {
        Want { run_id: run(n), weight, jobs }
    }

    fn sum(given: &[(RunId, u64)], n: u128) -> u64 {
        given.iter().filter(|(id, _)| *id == run(n)).map(|(_, jobs)| jobs).sum()
    }

    #[test]
    fn a_small_new_run_is_fed_next() {
        let mut schedule = Schedule::default();
        schedule.allot(40, &[want(1, 1, 1_000_000)]);
        let given = schedule.allot(10, &[want(1, 1, 1_000_000), want(2, 1, 10)]);
        assert_eq!(given, [(run(2), 10)]);
    }

    #[test]
    fn long_runs_share_by_weight_however_small_the_steps() {
        let mut schedule = Schedule::default();
        let wants = [want(1, 1, 1_000_000), want(2, 3, 1_000_000)];
        let (mut one, mut two) = (0, 0);
        for step in 1..=64 * 7 {
            let given = schedule.allot(step % 7, &wants);
            one += sum(&given, 1);
            two += sum(&given, 2);
        }
        assert!(two.abs_diff(3 * one) <= 3 * QUANTUM, "{one} and {two}");
    }

    #[test]
    fn a_run_that_limits_itself_gets_no_more_than_its_weight() {
        let mut schedule = Schedule::default();
        let (mut limited, mut other) = (0, 0);
        for _ in 0..1_000 {
            // It wants as many as it has got in the meantime, and is done with all of them in each step.
            let given = schedule.allot(20, &[want(1, 1, 10), want(2, 9, 1_000_000)]);
            limited += sum(&given, 1);
            other += sum(&given, 2);
        }
        assert!((9 * limited).abs_diff(other) <= 9 * 2 * QUANTUM, "{limited} and {other}");
    }

    #[test]
    fn a_run_of_few_jobs_at_a_time_uses_its_turn_up() {
        let mut schedule = Schedule::default();
        let mut fed = 0;
        for _ in 0..1_000 {
            fed += sum(&schedule.allot(10, &[want(1, 1, 1), want(2, 1, 1_000_000)]), 1);
            schedule.allot(0, &[want(1, 1, 0), want(2, 1, 1_000_000)]);
        }
        assert!(fed >= 990, "{fed} of 1000, in turns of 16 beside turns of 16");
    }

    /// Jobs that each run was given in each call, where all runs want without end. The weights hold from their call on.
    fn endless(frees: &[u64], weights: impl Fn(usize) -> Vec<u32>) -> Vec<Vec<u64>> {
        let mut schedule = Schedule::default();
        let calls = frees.iter().enumerate().map(|(call, free)| {
            let wants: Vec<_> =
                (1u128..).zip(weights(call)).map(|(n, weight)| want(n, weight, u64::MAX)).collect();
            let given = schedule.allot(*free, &wants);
            (1u128..).take(wants.len()).map(|n| sum(&given, n)).collect()
        });
        calls.collect()
    }

    /// Checks that over every window of the calls no run is more than a quantum ahead of another, for its weight.
    fn assert_fair(calls: &[Vec<u64>], weights: &[u32]) {
        for first in 0..calls.len() {
            let mut sums = vec![0; weights.len()];
            for call in &calls[first..] {
                sums.iter_mut().zip(call).for_each(|(sum, jobs)| *sum += jobs);
                for (one, a) in sums.iter().zip(weights) {
                    for (other, b) in sums.iter().zip(weights) {
                        let (a, b) = (u64::from(*a), u64::from(*b));
                        assert!(one * b <= other * a + QUANTUM * a * b, "{sums:?} by {weights:?}");
                    }
                }
            }
        }
    }

    proptest! {
        /// Over any window in which all runs want, their shares differ from the weights by one quantum at most.
        #[test]
        fn shares_follow_the_weights_within_a_quantum(
            frees in prop::collection::vec(0u64..300, 1..40),
            weights in prop::collection::vec(1u32..=100, 1..10),
        ) {
            assert_fair(&endless(&frees, |_| weights.clone()), &weights);
        }

        /// Weights that change while the runs are fed hold at once, for windows that begin after the change.
        #[test]
        fn a_changed_weight_holds_at_once(
            frees in prop::collection::vec(0u64..300, 2..40),
            weights in prop::collection::vec((1u32..=100, 1u32..=100), 1..10),
            change in any::<prop::sample::Index>(),
        ) {
            let change = change.index(frees.len());
            let (before, after): (Vec<_>, Vec<_>) = weights.into_iter().unzip();

            let calls = endless(&frees, |call| if call < change { before.clone() } else { after.clone() });

            assert_fair(&calls[..change], &before);
            assert_fair(&calls[change..], &after);
        }

        /// A run that wants is fed before all others have had two turns.
        #[test]
        fn no_run_starves(
            wants in prop::collection::vec((1u32..=20, 0u64..40), 1..8),
            frees in prop::collection::vec(1u64..50, 1..200),
        ) {
            let mut schedule = Schedule::default();
            let round: u64 = wants.iter().map(|(weight, _)| QUANTUM * u64::from(*weight)).sum();
            let mut others = 0;
            for free in frees {
                let mut wants: Vec<_> = (2u128..).zip(&wants).map(|(n, (weight, jobs))| want(n, *weight, *jobs)).collect();
                wants.push(want(1, 1, 1));
                let given = schedule.allot(free, &wants);
                others = if sum(&given, 1) > 0 { 0 } else { others + given.iter().map(|(_, jobs)| jobs).sum::<u64>() };
                prop_assert!(others <= 2 * (round + QUANTUM), "{others} jobs of others");
            }
        }

        /// The whole window is used while a run wants jobs, and no run gets more than it wants.
        #[test]
        fn the_window_is_used_and_never_overdrawn(
            frees in prop::collection::vec(0u64..200, 1..20),
            jobs in prop::collection::vec((1u32..5, 0u64..100), 1..6),
        ) {
            let mut schedule = Schedule::default();
            for free in frees {
                let wants: Vec<_> =
                    (1u128..).zip(&jobs).map(|(n, &(weight, jobs))| want(n, weight, jobs)).collect();
                let given = schedule.allot(free, &wants);
                let total: u64 = given.iter().map(|(_, jobs)| jobs).sum();
                let wanted: u64 = wants.iter().map(|want| want.jobs).sum();
                prop_assert_eq!(total, free.min(wanted));
                for (n, (_, most)) in (1u128..).zip(&jobs) {
                    prop_assert!(sum(&given, n) <= *most);
                }
            }
        }
    }
}
