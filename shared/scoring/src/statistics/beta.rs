use super::gamma::ln_gamma;

/// Returns the regularised incomplete beta function: `a` and `b` are positive, and `x` is from 0 to 1.
pub(super) fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    incomplete_beta_of(a, b, x, 1.0 - x)
}

/// The same, with `y` = 1 - x given, which may be known to more digits.
pub(super) fn incomplete_beta_of(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * y.ln()).exp();
    // The fraction converges fast on this side of the mean; the other side is its mirror image.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, y) / b
    }
}

/// Evaluates the continued fraction by Lentz's method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const STEPS_MAX: u32 = 10_000;
    let first = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let mut lentz = Lentz { numerators: 1.0, denominators: first, value: first };
    for step in 1..=STEPS_MAX {
        let m = f64::from(step);
        lentz.step(m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)));
        let change = lentz.step(-(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)));
        if (change - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    lentz.value
}

/// State of Lentz's method: the ratios of the last two numerators and of the last two denominators, and the value.
struct Lentz {
    numerators: f64,
    denominators: f64,
    value: f64,
}

impl Lentz {
    /// Adds a term, and returns the factor by which the value changed.
    fn step(&mut self, term: f64) -> f64 {
        self.denominators = 1.0 / nonzero(1.0 + term * self.denominators);
        self.numerators = nonzero(1.0 + term / self.numerators);
        let change = self.numerators * self.denominators;
        self.value *= change;
        change
    }
}

fn nonzero(value: f64) -> f64 {
    const TINY: f64 = 1e-300;
    if value.abs() < TINY { TINY } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_cases_are_exact() {
        for x in [0.0, 0.1, 0.5, 0.9, 1.0] {
            assert!((incomplete_beta(1.0, 1.0, x) - x).abs() < 1e-14, "the uniform distribution");
            assert!((incomplete_beta(3.0, 1.0, x) - x * x * x).abs() < 1e-14, "the largest of three");
            let mirrored = 1.0 - incomplete_beta(5.0, 2.5, 1.0 - x);
            assert!((incomplete_beta(2.5, 5.0, x) - mirrored).abs() < 1e-13, "both sides");
        }
    }
}
