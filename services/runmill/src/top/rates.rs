use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::Timestamp;

/// Rates of counters, measured over the last snapshots.
#[derive(Default)]
pub struct Rates(HashMap<String, VecDeque<Reading>>);

/// Counts at one moment, by the process that counts.
struct Reading {
    at: Timestamp,
    counts: BTreeMap<String, u64>,
}

/// Number of readings over which a rate is measured. Executors tell their counts every two seconds, and a page reads them
/// every second, so two readings would show either nothing or twice the rate.
const READINGS: usize = 8;

impl Rates {
    /// Adds the counts of all `names` at `at`. Names that are missing are forgotten.
    pub fn observe(&mut self, at: Timestamp, all: Vec<(String, BTreeMap<String, u64>)>) {
        let mut before = std::mem::take(&mut self.0);
        for (name, counts) in all {
            let mut readings = before.remove(&name).unwrap_or_default();
            if readings.len() == READINGS {
                readings.pop_front();
            }
            readings.push_back(Reading { at, counts });
            self.0.insert(name, readings);
        }
    }

    /// Returns the count per second under a name. `None` before the second reading.
    pub fn per_second(&self, name: &str) -> Option<f64> {
        let readings = self.0.get(name)?;
        let seconds = readings.back()?.at.duration_since(readings.front()?.at).as_secs_f64();
        let pairs = readings.iter().zip(readings.iter().skip(1));
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let counted = pairs.map(|(before, after)| growth(before, after)).sum::<u64>() as f64;
        (seconds > 0.0).then(|| counted / seconds)
    }
}

/// Returns the growth of the counts of those who are in both readings.
fn growth(before: &Reading, after: &Reading) -> u64 {
    let grown = |(who, count): (&String, &u64)| Some(count.saturating_sub(*before.counts.get(who)?));
    after.counts.iter().filter_map(grown).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(rates: &mut Rates, second: i64, counts: &[(&str, u64)]) {
        let counts = counts.iter().map(|(who, count)| ((*who).to_owned(), *count)).collect();
        rates.observe(Timestamp::from_second(second).unwrap(), vec![("lane".to_owned(), counts)]);
    }

    #[test]
    fn a_rate_is_that_of_the_last_readings_and_of_all_who_count() {
        let mut rates = Rates::default();
        observe(&mut rates, 0, &[("a", 1_000)]);
        assert_eq!(rates.per_second("lane"), None);
        observe(&mut rates, 2, &[("a", 1_020)]);
        assert_eq!(rates.per_second("lane"), Some(10.0));
        observe(&mut rates, 4, &[("a", 1_040), ("b", 20)]);
        assert_eq!(rates.per_second("lane"), Some(10.0), "b has no growth yet");
        observe(&mut rates, 5, &[("b", 30)]);
        assert_eq!(rates.per_second("lane"), Some(10.0), "a has gone");
        (6..20).for_each(|second| observe(&mut rates, second, &[("b", 30)]));
        assert_eq!(rates.per_second("lane"), Some(0.0));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut rates = Rates::default();
        observe(&mut rates, 0, &[("a", 1)]);
        rates.observe(Timestamp::UNIX_EPOCH, Vec::new());
        assert!(rates.0.is_empty());
    }
}
