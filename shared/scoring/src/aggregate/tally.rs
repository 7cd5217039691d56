use runmill_proto::{ScoreSummary, Unscored};
use serde::{Deserialize, Serialize};

use super::clusters::{Cluster, Clusters};

/// Sums of a run's scores, for their mean and its standard error. The names in JSON are those of the stored statistics
/// of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScoreTally {
    #[serde(rename = "scored")]
    count: u64,
    #[serde(rename = "score_sum")]
    sum: f64,
    #[serde(rename = "score_square_sum")]
    square_sum: f64,
    /// Number of answers that the scorer could not read.
    #[serde(rename = "score_unread", skip_serializing_if = "is_zero")]
    unread: u64,
    #[serde(rename = "score_clusters", skip_serializing_if = "Option::is_none")]
    clusters: Option<Clusters>,
}

impl ScoreTally {
    /// Counts an answer with its score. `None` is an answer that the scorer could not read.
    ///
    /// * `cluster`: the answers to the same item so far, if items have several. The answer is added to them.
    pub fn add(&mut self, value: Option<f64>, cluster: Option<&mut Cluster>) {
        match value {
            Some(value) => {
                self.count += 1;
                self.sum += value;
                self.square_sum += value * value;
            }
            None => self.unread += 1,
        }
        if let Some(cluster) = cluster {
            self.clusters.get_or_insert_default().add(value, cluster);
        }
    }

    /// Returns the number of scored jobs.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the score of a run of `total` jobs, including those without an answer.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn summary(&self, total: u64, unscored: Unscored) -> ScoreSummary {
        let otherwise = match unscored {
            Unscored::Skip => Unscored::Zero,
            Unscored::Zero => Unscored::Skip,
        };
        let mean = self.mean(unscored);
        ScoreSummary {
            mean,
            stderr: mean.and_then(|mean| self.stderr(unscored, mean)),
            scored: self.count,
            total,
            coverage: if total == 0 { 0.0 } else { self.count as f64 / total as f64 },
            unscored: self.unread,
            unscored_as: unscored,
            mean_otherwise: self.mean(otherwise),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn mean(&self, unscored: Unscored) -> Option<f64> {
        let answers = self.answers(unscored);
        (answers > 0).then(|| self.sum / answers as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn stderr(&self, unscored: Unscored, mean: f64) -> Option<f64> {
        let answers = self.answers(unscored);
        if let Some(clusters) = &self.clusters {
            return clusters.squared_error(unscored == Unscored::Zero, answers, mean).map(f64::sqrt);
        }
        let n = answers as f64;
        let variance = (self.square_sum - n * mean * mean) / (n - 1.0);
        (answers > 1).then(|| (variance.max(0.0) / n).sqrt())
    }

    const fn answers(&self, unscored: Unscored) -> u64 {
        match unscored {
            Unscored::Skip => self.count,
            Unscored::Zero => self.count + self.unread,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;
    use crate::statistics::{clustered_error, standard_error};

    const SKIP: Unscored = Unscored::Skip;

    fn tally(values: &[f64]) -> ScoreTally {
        let mut tally = ScoreTally::default();
        for value in values {
            tally.add(Some(*value), None);
        }
        tally
    }

    /// Returns the tally of items with several answers each.
    fn clustered(items: &[&[Option<f64>]]) -> ScoreTally {
        let mut tally = ScoreTally::default();
        let mut clusters = vec![Cluster::default(); items.len()];
        let most = items.iter().map(|answers| answers.len()).max().unwrap_or_default();
        // Answers arrive in turn, not item by item.
        for sample in 0..most {
            for (answers, cluster) in items.iter().zip(&mut clusters) {
                if let Some(value) = answers.get(sample) {
                    tally.add(*value, Some(cluster));
                }
            }
        }
        tally
    }

    fn near(got: Option<f64>, want: f64) -> bool {
        got.is_some_and(|got| (got - want).abs() < 1e-12)
    }

    #[test]
    fn a_score_is_the_mean_with_its_standard_error_and_its_coverage() {
        let score = tally(&[1.0, 0.0, 1.0, 1.0]).summary(10, SKIP);

        // The deviations are 0.25, -0.75, 0.25 and 0.25; their squares sum to 0.75; sqrt(0.75 / 3 / 4) = 0.25.
        assert!(near(score.mean, 0.75), "{score:?}");
        assert!(near(score.stderr, 0.25), "{score:?}");
        assert_eq!((score.scored, score.total), (4, 10));
        assert!(near(Some(score.coverage), 0.4), "{score:?}");
    }

    #[test]
    fn few_scores_claim_no_more_than_they_know() {
        let none = tally(&[]).summary(1, SKIP);
        assert_eq!((none.mean, none.stderr, none.coverage), (None, None, 0.0));

        let one = tally(&[1.0]).summary(1, SKIP);
        assert_eq!((one.mean, one.stderr, one.coverage), (Some(1.0), None, 1.0));

        let empty = ScoreTally::default().summary(0, SKIP);
        assert_eq!((empty.mean, empty.coverage), (None, 0.0));
        let item = clustered(&[&[Some(1.0), Some(0.0)]]).summary(2, SKIP);
        assert_eq!((item.mean, item.stderr), (Some(0.5), None), "one item tells nothing of others");
    }

    #[test]
    fn equal_scores_have_no_error_for_all_their_rounding() {
        let score = tally(&[0.1; 1000]).summary(1000, SKIP);
        assert!(score.stderr.is_some_and(|stderr| stderr < 1e-8), "{score:?}");
    }

    #[test]
    fn answers_to_one_item_are_no_independent_ones() {
        let (right, wrong) = ([Some(1.0); 10], [Some(0.0); 10]);
        let items: Vec<&[_]> = (0..40).map(|n| if n < 20 { &right[..] } else { &wrong[..] }).collect();

        let score = clustered(&items).summary(400, SKIP);

        // It is the error of 40 items: sqrt(40 / 39 * 0.25 / 40).
        assert!(near(score.stderr, (0.25_f64 / 39.0).sqrt()), "{score:?}");
        assert!(near(score.mean, 0.5), "{score:?}");
    }

    #[test]
    fn items_with_one_answer_each_have_the_error_of_independent_ones() {
        let values = [1.0, 0.0, 0.25, 0.5, 1.0];
        let items: Vec<_> = values.iter().map(|value| [Some(*value)]).collect();
        let items: Vec<_> = items.iter().map(|answers| &answers[..]).collect();

        let (one, other) = (clustered(&items).summary(5, SKIP), tally(&values).summary(5, SKIP));

        assert!(near(one.stderr, other.stderr.unwrap()), "{one:?} {other:?}");
    }

    #[test]
    fn unscored_answers_are_left_out_or_count_as_zero() {
        let answers = [Some(1.0), None, Some(0.0), None];
        let mut alone = ScoreTally::default();
        for value in answers {
            alone.add(value, None);
        }
        let items: Vec<_> = answers.iter().map(|value| [*value]).collect();
        let items: Vec<_> = items.iter().map(|answers| &answers[..]).collect();

        for tally in [alone, clustered(&items)] {
            let (skip, zero) = (tally.summary(4, SKIP), tally.summary(4, Unscored::Zero));
            assert_eq!((skip.mean, skip.mean_otherwise, skip.unscored), (Some(0.5), Some(0.25), 2));
            assert_eq!((zero.mean, zero.mean_otherwise, zero.scored), (Some(0.25), Some(0.5), 2));
            assert!(near(skip.stderr, 0.5) && near(zero.stderr, 0.25), "{skip:?} {zero:?}");
            assert_eq!((skip.coverage, zero.coverage), (0.5, 0.5));
        }
    }

    /// An earlier release counted no clusters, so a run that it began has no error that would hold.
    #[test]
    fn an_error_needs_all_answers() {
        let mut tally = tally(&[1.0, 0.0]);
        tally.add(Some(1.0), Some(&mut Cluster::default()));
        tally.add(Some(0.0), Some(&mut Cluster::default()));
        assert_eq!(tally.summary(4, SKIP).stderr, None);
    }

    proptest! {
        /// Both errors are made twice: from sums while a run goes on, and from all values.
        #[test]
        fn the_errors_of_sums_are_those_of_the_values(items in vec(vec(option::of(0.0..=1.0_f64), 1..6), 2..40)) {
            let all: Vec<_> = items.iter().map(Vec::as_slice).collect();
            let tally = clustered(&all);
            let answers = all.iter().enumerate().flat_map(|(n, item)| item.iter().map(move |value| (n, *value)));
            let scored: Vec<_> = answers.clone().filter_map(|(n, value)| Some((n, value?))).collect();
            let zeros: Vec<_> = answers.map(|(n, value)| (n, value.unwrap_or(0.0))).collect();
            for (unscored, values) in [(SKIP, scored), (Unscored::Zero, zeros)] {
                let (got, want) = (tally.summary(1, unscored).stderr, clustered_error(&values));
                prop_assert_eq!(got.is_some(), want.is_some());
                prop_assert!(want.is_none_or(|want| (got.unwrap() - want).abs() < 1e-7), "{:?}, but {:?}", got, want);
            }
        }

        #[test]
        fn the_error_of_sums_is_that_of_the_values(values in vec(0.0..=1.0_f64, 0..200)) {
            let (got, want) = (tally(&values).summary(1, SKIP).stderr, standard_error(&values));
            prop_assert_eq!(got.is_some(), want.is_some());
            prop_assert!(want.is_none_or(|want| (got.unwrap() - want).abs() < 1e-7), "{:?}, but {:?}", got, want);
        }
    }
}
