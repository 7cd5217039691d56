use super::beta::incomplete_beta_of;

/// Returns the probability that a value of Student's distribution is at least as far from 0 as `t`.
pub(super) fn two_sided_p(t: f64, degrees: f64) -> f64 {
    let sum = degrees + t * t;
    if sum.is_infinite() { 0.0 } else { incomplete_beta_of(degrees / 2.0, 0.5, degrees / sum, t * t / sum) }
}

/// Returns the value that a share `confidence`, between 0 and 1, of the distribution is within on both sides of 0.
pub(super) fn two_sided_quantile(confidence: f64, degrees: f64) -> f64 {
    let p = 1.0 - confidence;
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided_p(high, degrees) > p && high < 1e300 {
        low = high;
        high *= 2.0;
    }
    // Bisection needs some 60 steps, and cannot miss.
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if two_sided_p(middle, degrees) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // Tables of Student's distribution at 95 %.
        for (degrees, want) in [(1.0, 12.706_204_736), (4.0, 2.776_445_105), (30.0, 2.042_272_456)] {
            let got = two_sided_quantile(0.95, degrees);
            assert!((got - want).abs() < 1e-8, "{degrees}: {got}");
            assert!((two_sided_p(got, degrees) - 0.05).abs() < 1e-12);
        }
        assert!((two_sided_p(0.0, 7.0) - 1.0).abs() < 1e-15);
    }
}
