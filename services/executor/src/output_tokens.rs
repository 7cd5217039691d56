use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use runmill_proto::RunId;

/// Running estimates of the tokens of an answer, for each run: the 90th percentile of its last answers.
#[derive(Default)]
pub struct OutputTokens(Mutex<HashMap<RunId, Answers>>);

#[derive(Default)]
struct Answers {
    /// Tokens of the last answers, the oldest first.
    tokens: VecDeque<u64>,
    estimate: Option<u64>,
}

/// Number of answers that are kept for each run.
const ANSWERS_MAX: usize = 64;
/// Number of answers below which there is no estimate.
const ANSWERS_MIN: usize = 8;
/// Number of runs that are kept. Beyond it any of them is forgotten, and estimated anew.
const RUNS_MAX: usize = 256;

impl OutputTokens {
    pub fn estimate(&self, run_id: RunId) -> Option<u64> {
        self.lock().get(&run_id)?.estimate
    }

    pub fn note(&self, run_id: RunId, tokens: u64) {
        let mut runs = self.lock();
        if runs.len() >= RUNS_MAX && !runs.contains_key(&run_id) {
            let any = runs.keys().next().copied();
            any.map(|any| runs.remove(&any));
        }
        runs.entry(run_id).or_default().note(tokens);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Answers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    fn note(&mut self, tokens: u64) {
        if self.tokens.len() == ANSWERS_MAX {
            self.tokens.pop_front();
        }
        self.tokens.push_back(tokens);
        let mut sorted: Vec<_> = self.tokens.iter().copied().collect();
        sorted.sort_unstable();
        // The smallest of the numbers that at least nine tenths of the answers do not exceed.
        let rank = (sorted.len() * 9).div_ceil(10) - 1;
        self.estimate = (sorted.len() >= ANSWERS_MIN).then(|| sorted[rank]);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn run(n: usize) -> RunId {
        RunId::from_uuid(Uuid::from_u128(n as u128))
    }

    #[test]
    fn the_estimate_is_the_90th_percentile_of_the_last_answers() {
        let outputs = OutputTokens::default();
        (1..ANSWERS_MIN as u64).for_each(|tokens| outputs.note(run(1), tokens));
        assert_eq!(outputs.estimate(run(1)), None);

        (ANSWERS_MIN as u64..=10).for_each(|tokens| outputs.note(run(1), tokens));
        assert_eq!((outputs.estimate(run(1)), outputs.estimate(run(2))), (Some(9), None));
        (0..ANSWERS_MAX).for_each(|_| outputs.note(run(1), 3));
        assert_eq!(outputs.estimate(run(1)), Some(3), "the older ones are forgotten");
    }

    #[test]
    fn only_so_many_runs_are_kept() {
        let outputs = OutputTokens::default();
        (0..2 * RUNS_MAX).for_each(|n| outputs.note(run(n), 1));
        assert_eq!(outputs.lock().len(), RUNS_MAX);
    }
}
