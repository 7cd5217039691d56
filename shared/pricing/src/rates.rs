use std::fmt;

use runmill_proto::{Range, Usage};

/// A price in picodollars per token. One dollar per million tokens is 1,000,000 picodollars per token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rate(pub u64);

/// Range of prices in dollars per million tokens. The largest is more than ten times the price of any model so far: a
/// higher price is probably a price per million tokens in the place of one per token.
pub(crate) const PER_MILLION: Range<f64> = Range::new(0.0, 10_000.0);

/// Range of the same prices in dollars per token.
pub(crate) const PER_TOKEN: Range<f64> = Range::new(0.0, 0.01);

impl Rate {
    /// Converts dollars per million tokens, to the nearest picodollar per token. Returns `None` out of [`PER_MILLION`].
    pub fn per_million(usd: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10^10")]
        let rate = |usd: f64| Self((usd * 1e6).round() as u64);
        Some(usd).filter(|usd| PER_MILLION.contains(*usd)).map(rate)
    }

    /// Converts dollars per token. Returns `None` out of [`PER_TOKEN`].
    pub fn per_token(usd: f64) -> Option<Self> {
        Some(usd).filter(|usd| PER_TOKEN.contains(*usd)).and_then(|usd| Self::per_million(usd * 1e6))
    }

    /// Returns the cost in picodollars. It cannot overflow, because a rate is at most 10^10.
    fn times(self, tokens: u64) -> u128 {
        u128::from(self.0) * u128::from(tokens)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "at most 10^10")]
        let usd = self.0 as f64 / 1e6;
        // A price has two decimals, as people write cents, or more if it needs them.
        if self.0.is_multiple_of(10_000) { write!(f, "${usd:.2}") } else { write!(f, "${usd}") }
    }
}

/// Price of each kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rates {
    pub input: Rate,
    pub cached_input: Rate,
    pub cache_write: Rate,
    pub output: Rate,
    pub reasoning: Rate,
}

impl Rates {
    /// Returns the cost in picodollars. If the provider counts more tokens in a part, such as the cached ones, than
    /// in the whole, the part is reduced to the whole.
    pub fn cost(&self, usage: &Usage) -> u128 {
        let cached = usage.cached_tokens.min(usage.prompt_tokens);
        let written = usage.cache_write_tokens.min(usage.prompt_tokens - cached);
        let reasoned = usage.reasoning_tokens.min(usage.completion_tokens);
        self.cached_input.times(cached)
            + self.cache_write.times(written)
            + self.input.times(usage.prompt_tokens - cached - written)
            + self.reasoning.times(reasoned)
            + self.output.times(usage.completion_tokens - reasoned)
    }
}

/// Prices as a table states them. Prices that the table omits are `None`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quote {
    pub input: Option<Rate>,
    pub cached_input: Option<Rate>,
    pub cache_write: Option<Rate>,
    pub output: Option<Rate>,
    pub reasoning: Option<Rate>,
}

impl Quote {
    /// Returns these prices, with missing ones filled from `base`.
    pub fn over(self, base: Self) -> Self {
        Self {
            input: self.input.or(base.input),
            cached_input: self.cached_input.or(base.cached_input),
            cache_write: self.cache_write.or(base.cache_write),
            output: self.output.or(base.output),
            reasoning: self.reasoning.or(base.reasoning),
        }
    }

    /// Returns complete rates: tokens without a price of their own cost as much as the prompt or answer of which they
    /// are a part. Returns `None` without a price of input and of output.
    pub fn rates(self) -> Option<Rates> {
        let (input, output) = (self.input?, self.output?);
        Some(Rates {
            input,
            cached_input: self.cached_input.unwrap_or(input),
            cache_write: self.cache_write.unwrap_or(input),
            output,
            reasoning: self.reasoning.unwrap_or(output),
        })
    }
}
