use super::{
    beta::incomplete_beta,
    error::standard_error,
    mean::{count, mean},
    student,
};

/// Difference of the scores of two runs on the same items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Mean of the second scores minus that of the first.
    pub difference: f64,
    /// Standard error of the difference.
    pub error: f64,
    /// Probability of a difference at least as large between equal runs, by Student's test.
    pub p: f64,
}

/// Compares pairs of scores of the same items. `None` for fewer than two pairs.
pub fn paired(pairs: &[(f64, f64)]) -> Option<Paired> {
    let differences: Vec<_> = pairs.iter().map(|(first, second)| second - first).collect();
    let (difference, error) = (mean(&differences)?, standard_error(&differences)?);
    let p = if error > 0.0 {
        student::two_sided_p(difference / error, count(pairs.len()) - 1.0)
    } else if difference == 0.0 {
        1.0
    } else {
        0.0
    };
    Some(Paired { difference, error, p })
}

/// Returns the p value of the exact test for changed pairs: `gained` items are right only in the second run, and
/// `lost` only in the first.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn mcnemar_p(gained: u64, lost: u64) -> f64 {
    let (few, many) = (gained.min(lost), gained.max(lost));
    if few == many {
        return 1.0;
    }
    // Twice the lower tail of the binomial distribution with p = 1/2.
    (2.0 * incomplete_beta(many as f64, few as f64 + 1.0, 0.5)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_runs_do_not_differ() {
        let same = paired(&[(1.0, 1.0), (0.0, 0.0)]).unwrap();
        assert_eq!((same.difference, same.error, same.p), (0.0, 0.0, 1.0));
        let always = paired(&[(0.0, 1.0), (0.0, 1.0)]).unwrap();
        assert_eq!((always.difference, always.p), (1.0, 0.0));
        assert_eq!(paired(&[(0.0, 1.0)]), None);
    }

    #[test]
    fn a_difference_has_an_error_and_a_p() {
        // Differences 1, 0, 0 and 1: mean 0.5, deviation 1/sqrt(3), error 0.288675, t = sqrt(3).
        let found = paired(&[(0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (0.0, 1.0)]).unwrap();
        assert!((found.error - 0.288_675_134_6).abs() < 1e-9, "{found:?}");
        assert!((found.p - 0.181_690_113_8).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn changed_items_are_tested_exactly() {
        // 2 * (1 + 8) / 2^8
        assert!((mcnemar_p(7, 1) - 2.0 * 9.0 / 256.0).abs() < 1e-14);
        assert!((mcnemar_p(1, 7) - mcnemar_p(7, 1)).abs() < 1e-16);
        assert!((mcnemar_p(0, 3) - 0.25).abs() < 1e-14);
        assert!((mcnemar_p(4, 4) - 1.0).abs() < 1e-15);
        assert!((mcnemar_p(0, 0) - 1.0).abs() < 1e-15);
    }
}
