use crate::number::Number;

/// Largest difference of equal numbers, as a share of the reference. A third may be written as 0.333333.
const RELATIVE: f64 = 2e-6;

/// Largest difference from a reference that is an integer: answers to it are exact, but for errors of rounding.
const OF_INTEGER: f64 = 1e-6;

/// Returns true if both numbers are equal: their difference is at most `tolerance`. 45 % may be written as 45 or as
/// 0.45.
pub(crate) fn equal(got: &Number, want: &Number, tolerance: Option<f64>) -> bool {
    if tolerance.is_none()
        && got.percent == want.percent
        && let (Some(got), Some(want)) = (&got.integer, &want.integer)
    {
        // Integers beyond 2^53 have neighbours that are the same `f64`.
        return got == want;
    }
    let near = |a: f64, b: f64| near(a, b, tolerance.unwrap_or_else(|| largest_difference(b, want)));
    near(got.value, want.value)
        || got.percent && !want.percent && near(got.value / 100.0, want.value)
        || want.percent && !got.percent && near(got.value, want.value / 100.0)
}

fn near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance
}

fn largest_difference(value: f64, want: &Number) -> f64 {
    let relative = value.abs() * RELATIVE;
    if want.integer.is_some() { relative.min(OF_INTEGER) } else { relative }
}
