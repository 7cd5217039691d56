use runmill_proto::ScoreSummary;
use serde::{Deserialize, Serialize};

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
}

impl ScoreTally {
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.square_sum += value * value;
    }

    /// Returns the number of scored jobs.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the score of a run of `total` jobs, including those without an answer.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn summary(&self, total: u64) -> ScoreSummary {
        let n = self.count as f64;
        let mean = (self.count > 0).then(|| self.sum / n);
        let stderr = mean.filter(|_| self.count > 1).map(|mean| {
            let variance = (self.square_sum - n * mean * mean) / (n - 1.0);
            (variance.max(0.0) / n).sqrt()
        });
        let coverage = if total == 0 { 0.0 } else { n / total as f64 };
        ScoreSummary { mean, stderr, scored: self.count, total, coverage }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(values: &[f64]) -> ScoreTally {
        let mut tally = ScoreTally::default();
        for value in values {
            tally.add(*value);
        }
        tally
    }

    fn near(got: Option<f64>, want: f64) -> bool {
        got.is_some_and(|got| (got - want).abs() < 1e-12)
    }

    #[test]
    fn a_score_is_the_mean_with_its_standard_error_and_its_coverage() {
        let score = tally(&[1.0, 0.0, 1.0, 1.0]).summary(10);

        // The deviations are 0.25, -0.75, 0.25 and 0.25; their squares sum to 0.75; sqrt(0.75 / 3 / 4) = 0.25.
        assert!(near(score.mean, 0.75), "{score:?}");
        assert!(near(score.stderr, 0.25), "{score:?}");
        assert_eq!((score.scored, score.total), (4, 10));
        assert!(near(Some(score.coverage), 0.4), "{score:?}");
    }

    #[test]
    fn few_scores_claim_no_more_than_they_know() {
        let none = tally(&[]).summary(1);
        assert_eq!((none.mean, none.stderr, none.coverage), (None, None, 0.0));

        let one = tally(&[1.0]).summary(1);
        assert_eq!((one.mean, one.stderr, one.coverage), (Some(1.0), None, 1.0));

        let empty = ScoreTally::default().summary(0);
        assert_eq!((empty.mean, empty.coverage), (None, 0.0));
    }

    #[test]
    fn equal_scores_have_no_error_for_all_their_rounding() {
        let score = tally(&[0.1; 1000]).summary(1000);
        assert!(score.stderr.is_some_and(|stderr| stderr < 1e-8), "{score:?}");
    }
}
