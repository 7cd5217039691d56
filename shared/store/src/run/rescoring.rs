use std::collections::BTreeMap;

use jiff::Timestamp;
use runmill_proto::{Score, Scoring};
use runmill_scoring::{Cluster, ScoreTally};
use serde::{Deserialize, Serialize};

use super::stats::count_reason;
use crate::columns::stored_as_json;

/// Largest number of versions of a run's scores.
pub const VERSIONS_MAX: usize = 20;

/// Versions of a run's scores that were made anew of its stored answers. The scores themselves are not stored: a scorer
/// gives the same answer the same score, whenever it is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rescores {
    /// Version by which the run is shown. `None`: that of the executors.
    pub shown: Option<u32>,
    /// In their order, numbered from 1.
    pub versions: Vec<Rescore>,
}

/// Scores of all answers of a run, by one scorer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rescore {
    pub version: u32,
    pub scoring: Option<Scoring>,
    pub made_at: Timestamp,
    pub scores: ScoreTally,
    /// Number of unscored answers by reason: the first ten reasons.
    pub unscored: BTreeMap<String, u64>,
    /// True for a further scorer of the run's configuration. Its scores are made anew whenever the run ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_further: bool,
}

/// A version of a run's scores that is being made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rescoring {
    pub version: u32,
    pub scoring: Option<Scoring>,
    /// Ordinal and sample of the last answer that is counted.
    pub after: Option<(u32, u32)>,
    /// Number of answers that are counted, those without a score included.
    pub done: u64,
    scores: ScoreTally,
    unscored: BTreeMap<String, u64>,
    /// Answers to the item of `after`.
    cluster: Cluster,
    /// True for a further scorer of the run's configuration, by which the run is not shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_further: bool,
}

stored_as_json! { Rescores, Rescoring }

impl Rescores {
    pub fn version(&self, version: u32) -> Option<&Rescore> {
        self.versions.iter().find(|one| one.version == version)
    }

    /// Adds a version, or puts it in the place of the one with its number.
    pub(crate) fn put(&mut self, made: Rescore) {
        match self.versions.iter_mut().find(|one| one.version == made.version) {
            Some(before) => *before = made,
            None => self.versions.push(made),
        }
    }
}

impl Rescoring {
    pub fn new(version: u32, scoring: Option<Scoring>) -> Self {
        Self {
            version,
            scoring,
            after: None,
            done: 0,
            scores: ScoreTally::default(),
            unscored: BTreeMap::new(),
            cluster: Cluster::default(),
            is_further: false,
        }
    }

    /// Returns a version of a further scorer of the run.
    pub(crate) fn further(version: u32, scoring: Scoring) -> Self {
        Self { is_further: true, ..Self::new(version, Some(scoring)) }
    }

    /// Counts the next answer, in the order of ordinals and samples.
    ///
    /// * `has_samples`: items of the run have several samples.
    pub fn add(&mut self, place: (u32, u32), score: Option<&Score>, has_samples: bool) {
        if self.after.is_none_or(|(ordinal, _)| ordinal != place.0) {
            self.cluster = Cluster::default();
        }
        self.after = Some(place);
        self.done += 1;
        if let Some(score) = score {
            self.scores.add(score.value, has_samples.then_some(&mut self.cluster));
            if score.value.is_none() {
                count_reason(&mut self.unscored, score);
            }
        }
    }

    /// Returns the version, once all answers are counted.
    pub fn completed(self, made_at: Timestamp) -> Rescore {
        let Self { version, scoring, scores, unscored, is_further, .. } = self;
        Rescore { version, scoring, made_at, scores, unscored, is_further }
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::Unscored;

    use super::*;

    fn score(value: Option<f64>) -> Score {
        Score { scorer: "exact".into(), version: 1, value, extracted: None, detail: Some("no number".into()) }
    }

    #[test]
    fn a_rescoring_that_goes_on_counts_as_one_that_was_never_interrupted() {
        let answers =
            [(0, 0, Some(1.0)), (0, 1, Some(0.0)), (1, 0, None), (1, 1, Some(1.0)), (2, 0, Some(0.0))];
        let whole = |interrupted_at: usize| {
            let mut rescoring = Rescoring::new(1, None);
            for (n, (ordinal, sample, value)) in answers.into_iter().enumerate() {
                if n == interrupted_at {
                    let stored = serde_json::to_string(&rescoring).unwrap();
                    rescoring = serde_json::from_str(&stored).unwrap();
                }
                rescoring.add((ordinal, sample), Some(&score(value)), true);
            }
            assert_eq!((rescoring.done, rescoring.after), (5, Some((2, 0))));
            rescoring.completed(Timestamp::UNIX_EPOCH)
        };
        let want = whole(9);
        let summary = want.scores.summary(6, Unscored::Skip);
        assert_eq!((summary.mean, summary.unscored, want.unscored["no number"]), (Some(0.5), 1, 1));
        assert!(summary.stderr.is_some());
        for interrupted_at in 0..answers.len() {
            assert_eq!(whole(interrupted_at), want, "{interrupted_at}");
        }
    }
}
