use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Latencies of a run in constant space: percentiles to within 1 %, from 1 ms to a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Latencies(Histogram<u64>);

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, DAY_MS, 2).expect("constant bounds are valid"))
    }
}

impl Latencies {
    pub fn record(&mut self, latency_ms: u64) {
        self.0.saturating_record(latency_ms.max(1));
    }

    /// Returns the latency in milliseconds that a `share` of the calls, from 0 to 1, did not exceed.
    pub fn percentile_ms(&self, share: f64) -> Option<u64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(share))
    }
}

/// Converts the latencies to the form in which they are stored: pairs of a latency in milliseconds and its count, for
/// the latencies that occur.
impl From<Latencies> for Vec<(u64, u64)> {
    fn from(latencies: Latencies) -> Self {
        let recorded = latencies.0.iter_recorded();
        recorded.map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }
}

impl From<Vec<(u64, u64)>> for Latencies {
    fn from(counts: Vec<(u64, u64)>) -> Self {
        let mut latencies = Self::default();
        for (latency_ms, count) in counts {
            latencies.0.saturating_record_n(latency_ms.max(1), count);
        }
        latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_one_percent_and_survive_storage() {
        let mut latencies = Latencies::default();
        for ms in 1..=1000 {
            latencies.record(ms);
        }
        let stored = serde_json::to_string(&latencies).unwrap();
        let restored: Latencies = serde_json::from_str(&stored).unwrap();
        assert_eq!(restored, latencies);
        for (share, want) in [(0.5, 500), (0.99, 990)] {
            let got = restored.percentile_ms(share).unwrap();
            assert!(got.abs_diff(want) * 100 <= want, "p{share}: {got}, not {want}");
        }
    }

    #[test]
    fn nothing_recorded_has_no_percentile() {
        assert_eq!(Latencies::default().percentile_ms(0.5), None);
    }
}
