use std::collections::BTreeMap;

use runmill_proto::api::DetailedResult;

/// Largest number of scorers that are counted. An item can name a scorer, and there are fewer.
const SCORERS_MAX: usize = 100;

/// Numbers of a log's header.
#[derive(Default)]
pub struct Tally {
    /// Number of samples with an answer.
    pub answered: u64,
    /// Sums by the name of the scorer.
    pub scores: BTreeMap<String, Scores>,
}

/// Scores by one scorer.
#[derive(Clone, Copy, Default)]
pub struct Scores {
    pub scored: u64,
    pub unscored: u64,
    pub sum: f64,
}

impl Tally {
    pub fn add(&mut self, result: &DetailedResult) {
        self.answered += u64::from(result.result.outcome.is_answer());
        let Some(score) = &result.result.score else { return };
        if !self.scores.contains_key(&score.scorer) && self.scores.len() == SCORERS_MAX {
            return;
        }
        let scores = self.scores.entry(score.scorer.clone()).or_default();
        match score.value {
            Some(value) => {
                scores.scored += 1;
                scores.sum += value;
            }
            None => scores.unscored += 1,
        }
    }
}

impl Scores {
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 scores")]
    pub fn mean(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.sum / self.scored as f64)
    }
}
