use runmill_proto::Usage;

use super::lenient::{Lenient, Object, Scalar};
use crate::{Billing, Metered, ToldCost};

/// A count in an answer.
pub(super) type Count = Lenient<Scalar>;

/// Reads counts, and remembers whether one could not be read.
#[derive(Default)]
pub(super) struct Tally {
    unreadable: bool,
}

/// Counts from this one on are no counts.
const COUNT_END: f64 = 1e18;
const NANO: f64 = 1e9;

impl Tally {
    /// Returns the largest of several counts that mean the same, or `None` if none is told.
    pub fn count<const N: usize>(&mut self, counts: [Count; N]) -> Option<u64> {
        counts.into_iter().filter_map(|count| self.read(count)).max()
    }

    /// Returns the largest of several counts of a part. A part that is not told is taken for zero.
    pub fn part<const N: usize>(&mut self, counts: [Count; N]) -> u64 {
        self.count(counts).unwrap_or(0)
    }

    /// Returns the fields of an object, all of which are absent if it is.
    pub fn object<T: Default>(&mut self, object: Lenient<Object<T>>) -> T {
        self.unreadable |= matches!(object, Lenient::Unreadable);
        object.read().unwrap_or_default().0
    }

    fn read(&mut self, count: Count) -> Option<u64> {
        let read = match count {
            Lenient::Absent => return None,
            Lenient::Read(Scalar::Whole(count)) => Some(count),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10^18")]
            Lenient::Read(Scalar::Real(count)) if (0.0..COUNT_END).contains(&count) => {
                Some(count.ceil() as u64)
            }
            Lenient::Read(Scalar::Real(_) | Scalar::Flag(_)) | Lenient::Unreadable => None,
        };
        self.unreadable |= read.is_none();
        read
    }

    /// Returns what was counted. A usage in which nothing was counted is not told.
    pub fn metered(self, usage: Option<Usage>, billing: Billing) -> Metered {
        let usage = usage.filter(|usage| usage.total_tokens() > 0);
        Metered { usage, billing: Billing { unreadable: self.unreadable, ..billing } }
    }
}

/// Returns true if the tokens of the reasoning are not among those of the answer. The total tells, if there is one that
/// fits; otherwise only a part that is larger than its whole cannot be in it.
pub(super) fn is_beside(reasoning: u64, answer: u64, prompt: u64, total: Option<u64>) -> bool {
    let without = prompt.saturating_add(answer);
    match total {
        Some(total) if total == without => false,
        Some(total) if total == without.saturating_add(reasoning) => reasoning > 0,
        _ => reasoning > answer,
    }
}

/// Returns an amount of dollars as nanodollars, if it is one.
pub(super) fn nanodollars(usd: Lenient<Scalar>) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
    let usd = match usd.read()? {
        Scalar::Whole(usd) => usd as f64,
        Scalar::Real(usd) => usd,
        Scalar::Flag(_) => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "below 2^63")]
    let nanodollars = |usd: f64| (usd * NANO).round() as i64;
    Some(usd).filter(|usd| (0.0..NANO).contains(usd)).map(nanodollars)
}

/// Returns the estimate of a proxy. An estimate of nothing means that the proxy knows no price.
pub(super) fn estimate(nanodollars: i64) -> Option<ToldCost> {
    Some(nanodollars).filter(|cost| *cost > 0).map(ToldCost::Estimated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(json: &str) -> (Option<u64>, bool) {
        let mut tally = Tally::default();
        let count = tally.count([serde_json::from_str(json).unwrap()]);
        (count, tally.unreadable)
    }

    #[test]
    fn a_count_is_read_in_any_form_or_unknown() {
        let table = [
            ("5", Some(5), false),
            ("5.0", Some(5), false),
            ("5.2", Some(6), false),
            (r#""3""#, Some(3), false),
            (r#"" 3.5 ""#, Some(4), false),
            ("null", None, false),
            ("-1", None, true),
            ("-0.5", None, true),
            ("1e300", None, true),
            (r#""many""#, None, true),
            (r#""NaN""#, None, true),
            ("true", None, true),
            ("[1]", None, true),
            (r#"{"a": [1]}"#, None, true),
        ];
        for (json, want, unreadable) in table {
            assert_eq!(count(json), (want, unreadable), "{json}");
        }
    }

    #[test]
    fn the_total_tells_where_the_reasoning_is() {
        let table = [
            // reasoning, answer, prompt, total
            ((300, 9, 1_000, Some(1_309)), true),
            ((5, 9, 1_000, Some(1_014)), true),
            ((5, 9, 1_000, Some(1_009)), false),
            ((0, 9, 1_000, Some(1_009)), false),
            ((5, 9, 1_000, None), false),
            ((300, 9, 1_000, None), true),
            ((300, 9, 1_000, Some(7)), true),
            ((5, 9, 1_000, Some(2_000)), false),
            ((u64::MAX, u64::MAX, u64::MAX, Some(u64::MAX)), false),
        ];
        for ((reasoning, answer, prompt, total), want) in table {
            assert_eq!(
                is_beside(reasoning, answer, prompt, total),
                want,
                "{reasoning} {answer} {prompt} {total:?}"
            );
        }
    }
}
