/// Returns the smallest round number that is not below `highest`: the top of an axis from zero.
pub fn top(highest: f64) -> f64 {
    if !highest.is_finite() || highest <= 0.0 {
        return 1.0;
    }
    let unit = 10_f64.powf(highest.log10().floor());
    let round = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().map(|step| step * unit);
    // The last one is taken where rounding errors keep all below.
    round.into_iter().find(|round| *round >= highest * 0.999_999).unwrap_or(unit * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_an_axis_is_round_and_not_below_the_values() {
        for (highest, want) in [
            (0.0, 1.0),
            (f64::NAN, 1.0),
            (0.9, 1.0),
            (1.0, 1.0),
            (13.0, 15.0),
            (64.0, 80.0),
            (0.000_047, 0.000_05),
        ] {
            assert!((top(highest) - want).abs() < want * 1e-9, "{highest}: {}", top(highest));
        }
    }
}
