use std::collections::BTreeMap;

use super::mean::count;

/// Returns Krippendorff's alpha for nominal verdicts. Each unit has the verdicts of those who judged it, in any
/// number; units with fewer than two say nothing. 1 is full agreement, 0 that of chance. `None` if no two verdicts
/// can be compared; 1 if all verdicts are the same.
pub fn krippendorff_alpha<V: Ord>(units: &[Vec<V>]) -> Option<f64> {
    let mut totals = BTreeMap::new();
    let mut disagreements = 0.0;
    let comparable = units.iter().filter(|unit| unit.len() > 1);
    for unit in comparable {
        let counts = counts(unit);
        let size = count(unit.len());
        let agreeing: f64 = counts.values().map(|n| n * (n - 1.0)).sum();
        disagreements += (size * (size - 1.0) - agreeing) / (size - 1.0);
        for (verdict, n) in counts {
            *totals.entry(verdict).or_insert(0.0) += n;
        }
    }
    let all: f64 = totals.values().sum();
    let by_chance = all * all - totals.values().map(|n| n * n).sum::<f64>();
    match totals.len() {
        0 => None,
        1 => Some(1.0),
        _ => Some(1.0 - (all - 1.0) * disagreements / by_chance),
    }
}

fn counts<V: Ord>(unit: &[V]) -> BTreeMap<&V, f64> {
    let mut counts = BTreeMap::new();
    for verdict in unit {
        *counts.entry(verdict).or_insert(0.0) += 1.0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_by_hand() {
        // Two judges and ten units, of which they disagree on four.
        let first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0];
        let second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0];
        let units: Vec<_> = first.into_iter().zip(second).map(|(a, b)| vec![a, b]).collect();
        // 14 zeros and 6 ones: 1 - 19 * 8 / (2 * 14 * 6).
        let alpha = krippendorff_alpha(&units).unwrap();
        assert!((alpha - (1.0 - 19.0 * 8.0 / 168.0)).abs() < 1e-12, "{alpha}");
    }

    #[test]
    fn the_ends_are_clear() {
        assert_eq!(krippendorff_alpha::<u8>(&[]), None);
        assert_eq!(krippendorff_alpha(&[vec![1], vec![0]]), None);
        assert_eq!(krippendorff_alpha(&[vec![1, 1], vec![1, 1, 1]]), Some(1.0));
        assert_eq!(krippendorff_alpha(&[vec![1, 1], vec![0, 0]]), Some(1.0));
        assert!(krippendorff_alpha(&[vec![1, 0], vec![0, 1]]).unwrap() < 0.0);
    }
}
