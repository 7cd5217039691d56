/// Coefficients of Lanczos' approximation with g = 607/128, which is good to 15 digits.
const COEFFICIENTS: [f64; 15] = [
    0.999_999_999_999_997_1,
    57.156_235_665_862_92,
    -59.597_960_355_475_49,
    14.136_097_974_741_746,
    -0.491_913_816_097_620_2,
    0.339_946_499_848_118_9e-4,
    0.465_236_289_270_485_8e-4,
    -0.983_744_753_048_795_6e-4,
    0.158_088_703_224_912_5e-3,
    -0.210_264_441_724_104_9e-3,
    0.217_439_618_115_212_6e-3,
    -0.164_318_106_536_763_9e-3,
    0.844_182_239_838_527_4e-4,
    -0.261_908_384_015_814_1e-4,
    0.368_991_826_595_316_2e-5,
];

const G: f64 = 607.0 / 128.0;

/// From here on Stirling's series is as exact, and loses no digits.
const STIRLING_MIN: f64 = 20.0;

/// Returns the logarithm of the gamma function of a positive number.
pub(super) fn ln_gamma(x: f64) -> f64 {
    let half_ln_2pi = 0.5 * (2.0 * std::f64::consts::PI).ln();
    if x >= STIRLING_MIN {
        let r = 1.0 / (x * x);
        let series =
            (1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * (1.0 / 1680.0 - r / 1188.0)))) / x;
        return (x - 0.5) * x.ln() - x + half_ln_2pi + series;
    }
    let (mut sum, mut n) = (COEFFICIENTS[0], x);
    for coefficient in &COEFFICIENTS[1..] {
        sum += coefficient / n;
        n += 1.0;
    }
    let base = x + G - 0.5;
    (x - 0.5) * base.ln() - base + half_ln_2pi + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_continues_the_factorials() {
        let mut ln_factorial = 0.0;
        for n in 1..60_u32 {
            let x = f64::from(n);
            assert!((ln_gamma(x) - ln_factorial).abs() < 1e-12 * ln_factorial.abs().max(1.0), "{n}");
            ln_factorial += x.ln();
        }
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-14);
    }
}
