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
/// In each round, `QUANTUM x weight` jobs of a run may be fed. A turn that ends early because the window is full
/// continues in the next call. A new run gets the next turn, so that ten items behind a million do not wait for a
/// whole round.
///
/// Source: Shreedhar and Varghese, "Efficient Fair Queuing using Deficit Round Robin" (SIGCOMM 1995). Here every job
/// has the same size.
#[derive(Debug, Default)]
pub struct Schedule {
    /// Runs in the order of their turns, each with the number of jobs that are left of its turn.
    turns: VecDeque<(RunId, u64)>,
}

const QUANTUM: u64 = 16;

impl Schedule {
    /// Allots at most `free` jobs, and to no run more than it wants. Returns the runs that get jobs, in order, with
    /// their numbers.
    pub fn allot(&mut self, mut free: u64, wants: &[Want]) -> Vec<(RunId, u64)> {
        let mut open: HashMap<RunId, Want> =
            wants.iter().filter(|want| want.jobs > 0).map(|want| (want.run_id, *want)).collect();
        self.admit(wants, &open);
        let mut given: Vec<(RunId, u64)> = Vec::new();
        while free > 0
            && let Some((run_id, left)) = self.turns.pop_front()
        {
            let Some(want) = open.get_mut(&run_id) else {
                // The run has no job to feed now: it leaves the round and loses the rest of its turn.
                continue;
            };
            let turn = if left > 0 { left } else { QUANTUM * u64::from(want.weight) };
            let jobs = turn.min(want.jobs).min(free);
            free -= jobs;
            want.jobs -= jobs;
            give(&mut given, run_id, jobs);
            let left = turn - jobs;
            if want.jobs == 0 {
                open.remove(&run_id);
            } else if left > 0 {
                self.turns.push_front((run_id, left));
            } else {
                self.turns.push_back((run_id, 0));
            }
        }
        given
    }

    /// Puts new runs in front, in their given order, and removes the runs that want nothing.
    fn admit(&mut self, wants: &[Want], open: &HashMap<RunId, Want>) {
        self.turns.retain(|(run_id, _)| open.contains_key(run_id));
        let new: Vec<_> = wants
            .iter()
            .filter(|want| open.contains_key(&want.run_id))
            .filter(|want| !self.turns.iter().any(|(run_id, _)| *run_id == want.run_id))
            .collect();
        for want in new.into_iter().rev() {
            self.turns.push_front((want.run_id, 0));
        }
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

    proptest! {
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
