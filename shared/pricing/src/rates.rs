use std::fmt;

use runmill_proto::Range;

use crate::part::Part;

/// A price in picodollars per token, request or search. One dollar per million tokens is 1,000,000 picodollars per token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rate(pub u64);

/// Range of prices in dollars per million tokens. The largest is more than ten times the price of any model so far: a
/// higher price is probably a price per million tokens in the place of one per token.
pub(crate) const PER_MILLION: Range<f64> = Range::new(0.0, 10_000.0);

/// Range of the same prices in dollars per token.
pub(crate) const PER_TOKEN: Range<f64> = Range::new(0.0, 0.01);

/// Range of prices in dollars per request or per web search.
pub(crate) const EACH: Range<f64> = Range::new(0.0, 100.0);

impl Rate {
    /// Converts dollars per million tokens, to the nearest picodollar per token. Returns `None` out of [`PER_MILLION`].
    pub fn per_million(usd: f64) -> Option<Self> {
        Some(usd).filter(|usd| PER_MILLION.contains(*usd)).map(|usd| Self::picodollars(usd * 1e6))
    }

    /// Converts dollars per token. Returns `None` out of [`PER_TOKEN`].
    pub fn per_token(usd: f64) -> Option<Self> {
        Some(usd).filter(|usd| PER_TOKEN.contains(*usd)).and_then(|usd| Self::per_million(usd * 1e6))
    }

    /// Converts dollars per request or per search. Returns `None` out of [`EACH`].
    pub fn each(usd: f64) -> Option<Self> {
        Some(usd).filter(|usd| EACH.contains(*usd)).map(|usd| Self::picodollars(usd * 1e12))
    }

    /// Returns half of this price, rounded up.
    pub fn half(self) -> Self {
        Self(self.0.div_ceil(2))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10^14")]
    fn picodollars(price: f64) -> Self {
        Self(price.round() as u64)
    }

    /// Returns the cost in picodollars. It cannot overflow, because a rate is at most 10^14.
    pub fn times(self, count: u64) -> u128 {
        u128::from(self.0) * u128::from(count)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "at most 10^14")]
        let usd = self.0 as f64 / 1e6;
        // A price has two decimals, as people write cents, or more if it needs them.
        if self.0.is_multiple_of(10_000) { write!(f, "${usd:.2}") } else { write!(f, "${usd}") }
    }
}

/// Prices of the kinds of tokens, as a table states them. Prices that the table omits are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rates([Option<Rate>; Part::ALL.len()]);

impl Rates {
    /// Collects the price that `read` returns for each kind of token.
    pub fn read<E>(mut read: impl FnMut(Part) -> Result<Option<Rate>, E>) -> Result<Self, E> {
        let mut rates = Self::default();
        for part in Part::ALL {
            rates.0[part as usize] = read(part)?;
        }
        Ok(rates)
    }

    pub const fn get(&self, part: Part) -> Option<Rate> {
        self.0[part as usize]
    }

    pub const fn set(&mut self, part: Part, rate: Option<Rate>) {
        self.0[part as usize] = rate;
    }

    /// Returns these prices, with missing ones filled from `base`.
    pub fn over(self, base: Self) -> Self {
        Self(std::array::from_fn(|part| self.0[part].or(base.0[part])))
    }

    /// Returns half of each price.
    pub fn halved(self) -> Self {
        Self(self.0.map(|rate| rate.map(Rate::half)))
    }

    /// Returns true if tokens of any prompt and of any answer have a price.
    pub fn are_complete(&self) -> bool {
        self.get(Part::Input).is_some() && self.get(Part::Output).is_some()
    }
}
