/// Returns the mean of values, or `None` without any.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Returns the count as a number for formulas.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) const fn count(n: usize) -> f64 {
    n as f64
}
