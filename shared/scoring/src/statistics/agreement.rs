use std::collections::BTreeMap;

/// Krippendorff's alpha for nominal verdicts, of units that come one after the other. It holds a count for each verdict.
#[derive(Clone, Debug)]
pub struct Alpha<V> {
    totals: BTreeMap<V, f64>,
    disagreements: f64,
}

impl<V> Default for Alpha<V> {
    fn default() -> Self {
        Self { totals: BTreeMap::new(), disagreements: 0.0 }
    }
}

impl<V: Ord> Alpha<V> {
    /// Takes the verdicts of those who judged a unit, in any number. Fewer than two say nothing.
    pub fn add(&mut self, unit: impl IntoIterator<Item = V>) {
        let mut counts = BTreeMap::new();
        for verdict in unit {
            *counts.entry(verdict).or_insert(0.0) += 1.0;
        }
        let size: f64 = counts.values().sum();
        if size < 2.0 {
            return;
        }
        let agreeing: f64 = counts.values().map(|n| n * (n - 1.0)).sum();
        self.disagreements += (size * (size - 1.0) - agreeing) / (size - 1.0);
        for (verdict, n) in counts {
            *self.totals.entry(verdict).or_insert(0.0) += n;
        }
    }

    /// Returns alpha: 1 is full agreement, and 0 that of chance. `None` if no two verdicts can be compared; 1 if all verdicts
    /// are the same.
    pub fn value(&self) -> Option<f64> {
        let all: f64 = self.totals.values().sum();
        let by_chance = all * all - self.totals.values().map(|n| n * n).sum::<f64>();
        match self.totals.len() {
            0 => None,
            1 => Some(1.0),
            _ => Some(1.0 - (all - 1.0) * self.disagreements / by_chance),
        }
    }
}

/// Returns Krippendorff's alpha for nominal verdicts of all units: see [`Alpha`].
pub fn krippendorff_alpha<V: Ord + Clone>(units: &[Vec<V>]) -> Option<f64> {
    let mut alpha = Alpha::default();
    for unit in units {
        alpha.add(unit.iter().cloned());
    }
    alpha.value()
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
