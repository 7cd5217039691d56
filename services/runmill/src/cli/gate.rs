use std::str::FromStr;

use clap::Args;
use runmill_proto::{OutOfRange, Range};

use super::{number::within, run_name::RunName};

/// Range of a score.
const SCORE: Range<f64> = Range::new(0.0, 1.0);
const PERCENT: Range<f64> = Range::new(0.0, 100.0);
const ITEMS: Range<u64> = Range::new(0, 1_000_000_000_000);

/// Bounds that a run must keep. A run that misses one has an exit code of its own.
#[derive(Args, Clone, Default)]
pub struct GateArgs {
    /// Least score of the run, from 0 to 1; otherwise the exit code is 4
    #[arg(long, value_name = "SCORE", value_parser = within(SCORE), allow_negative_numbers = true)]
    pub min_score: Option<f64>,
    /// Run (ID, name or `last`) than which this one may not be worse: by the items of both, with 95 % confidence; otherwise the
    /// exit code is 4
    #[arg(long, value_name = "RUN")]
    pub no_worse_than: Option<RunName>,
    /// Largest number of failed items, or their share as in 2%; with more, the exit code is 4. Without it, it is 5 if some
    /// failed
    #[arg(long, value_name = "N|P%", allow_negative_numbers = true)]
    pub max_failed: Option<MaxFailed>,
}

/// Largest number of failed items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxFailed {
    Items(u64),
    Percent(f64),
}

impl FromStr for MaxFailed {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        match text.strip_suffix('%') {
            Some(number) => PERCENT.parse(number.trim_end()).map(Self::Percent),
            None => ITEMS.parse(text).map(Self::Items),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_items_are_a_number_or_a_share() {
        assert_eq!("3".parse(), Ok(MaxFailed::Items(3)));
        assert_eq!("2.5%".parse(), Ok(MaxFailed::Percent(2.5)));
        for wrong in ["-1", "101%", "x", "", "%"] {
            assert!(wrong.parse::<MaxFailed>().is_err(), "{wrong}");
        }
    }
}
