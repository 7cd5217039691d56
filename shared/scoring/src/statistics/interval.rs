use super::{error::standard_error, mean::mean, normal, student};

/// An interval in which a mean is with some confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// Returns Student's interval of a mean with this standard error. `confidence` is between 0 and 1.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn student(mean: f64, error: f64, degrees: u64, confidence: f64) -> Self {
        let reach = student::two_sided_quantile(confidence, degrees as f64) * error;
        Self { low: mean - reach, high: mean + reach }
    }
}

/// Returns Student's interval of the mean. `confidence` is between 0 and 1. `None` for fewer than two values.
pub fn student_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    let degrees = u64::try_from(values.len()).ok()?.saturating_sub(1);
    Some(Interval::student(mean(values)?, standard_error(values)?, degrees, confidence))
}

/// Returns Wilson's interval of a share, for scores of 0 and 1. `confidence` is between 0 and 1. `None` for no
/// trials.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn wilson_interval(right: u64, trials: u64, confidence: f64) -> Option<Interval> {
    if trials == 0 || right > trials {
        return None;
    }
    let (n, share) = (trials as f64, right as f64 / trials as f64);
    let z = normal::quantile(f64::midpoint(1.0, confidence));
    let scale = 1.0 / (1.0 + z * z / n);
    let centre = scale * (share + z * z / (2.0 * n));
    let reach = scale * z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    // All right and none right are ends of the range, but for rounding.
    let low = if right == 0 { 0.0 } else { centre - reach };
    let high = if right == trials { 1.0 } else { centre + reach };
    Some(Interval { low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_around_the_mean() {
        let interval = student_interval(&[1.0, 2.0, 3.0], 0.95).unwrap();
        // 2 ± 4.302652730 / sqrt(3)
        assert!((interval.low - (2.0 - 2.484_137_711_7)).abs() < 1e-8, "{interval:?}");
        assert!((interval.high - (2.0 + 2.484_137_711_7)).abs() < 1e-8, "{interval:?}");
        assert_eq!(student_interval(&[1.0], 0.95), None);
    }

    #[test]
    fn a_share_stays_within_its_range() {
        let none = wilson_interval(0, 10, 0.95).unwrap();
        assert!(none.low == 0.0 && (none.high - 0.277_532_8).abs() < 1e-6, "{none:?}");
        assert!((wilson_interval(10, 10, 0.95).unwrap().high - 1.0).abs() < 1e-15);
        assert_eq!(wilson_interval(0, 0, 0.95), None);
        assert_eq!(wilson_interval(2, 1, 0.95), None);
    }
}
