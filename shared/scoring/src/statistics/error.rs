use std::collections::BTreeMap;

use super::mean::{count, mean};

/// Returns the standard error of the mean of independent values: their standard deviation (n - 1) divided by the
/// square root of their number. `None` for fewer than two.
pub fn standard_error(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let n = count(values.len());
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt())
}

/// Returns the standard error of the mean of values that belong together in clusters, such as the samples of an item.
/// Each value comes with its cluster. With one value in each cluster it is [`standard_error`]. `None` for fewer than
/// two clusters.
pub fn clustered_error<C: Ord>(values: &[(C, f64)]) -> Option<f64> {
    let all: Vec<_> = values.iter().map(|(_, value)| *value).collect();
    let mean = mean(&all)?;
    let mut sums = BTreeMap::new();
    for (cluster, value) in values {
        *sums.entry(cluster).or_insert(0.0) += value - mean;
    }
    if sums.len() < 2 {
        return None;
    }
    let clusters = count(sums.len());
    let squares: f64 = sums.values().map(|sum| sum * sum).sum();
    // The factor corrects for the small number of clusters.
    Some((squares * clusters / (clusters - 1.0)).sqrt() / count(all.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_an_item_are_not_independent() {
        // 40 items with ten equal answers each, half of them right.
        let values: Vec<_> = (0..400).map(|n| (n / 10, f64::from(u8::from(n / 10 < 20)))).collect();
        let alone: Vec<_> = values.iter().map(|(_, value)| *value).collect();
        assert!((standard_error(&alone).unwrap() - 0.0250).abs() < 1e-4);
        assert!((clustered_error(&values).unwrap() - 0.0801).abs() < 1e-4);
    }

    #[test]
    fn clusters_of_one_are_independent_values() {
        let values = [1.0, 0.0, 1.0, 0.25];
        let clustered: Vec<_> = values.into_iter().enumerate().collect();
        let (alone, clustered) = (standard_error(&values).unwrap(), clustered_error(&clustered).unwrap());
        assert!((alone - clustered).abs() < 1e-15);
    }

    #[test]
    fn one_value_has_no_error() {
        assert_eq!(standard_error(&[1.0]), None);
        assert_eq!(clustered_error(&[("a", 1.0), ("a", 0.0)]), None);
        assert_eq!(clustered_error::<u8>(&[]), None);
    }
}
