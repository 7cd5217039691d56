use std::fmt;

use runmill_proto::Usage;

/// Picodollars per token: a dollar per million tokens is 1,000,000 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rate(pub u64);

/// Ten times and more what any model has cost. Above it, a price per million was taken for one per token.
const PER_MILLION_MAX: f64 = 10_000.0;

impl Rate {
    /// `usd` dollars per million tokens, to the nearest picodollar per token.
    pub fn per_million(usd: f64) -> Result<Self, &'static str> {
        if !(0.0..=PER_MILLION_MAX).contains(&usd) {
            return Err("must be from 0 to 10000 dollars per million tokens");
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10^10")]
        Ok(Self((usd * 1e6).round() as u64))
    }

    /// `usd` dollars per token.
    pub fn per_token(usd: f64) -> Result<Self, &'static str> {
        Self::per_million(usd * 1e6).map_err(|_| "must be from 0 to 0.01 dollars per token")
    }

    /// In picodollars. No overflow: a rate is at most 10^10.
    fn times(self, tokens: u64) -> u128 {
        u128::from(self.0) * u128::from(tokens)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "at most 10^10")]
        let usd = self.0 as f64 / 1e6;
        // Cents as people write them, but nothing cut off.
        if self.0.is_multiple_of(10_000) { write!(f, "${usd:.2}") } else { write!(f, "${usd}") }
    }
}

/// The price of each kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rates {
    pub input: Rate,
    pub cached_input: Rate,
    pub cache_write: Rate,
    pub output: Rate,
    pub reasoning: Rate,
}

impl Rates {
    /// In picodollars. A part that is said to be larger than its whole counts as the whole.
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

/// Prices as a table states them, before what it leaves out is filled in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quote {
    pub input: Option<Rate>,
    pub cached_input: Option<Rate>,
    pub cache_write: Option<Rate>,
    pub output: Option<Rate>,
    pub reasoning: Option<Rate>,
}

impl Quote {
    /// What this leaves out is as in `base`.
    pub fn over(self, base: Self) -> Self {
        Self {
            input: self.input.or(base.input),
            cached_input: self.cached_input.or(base.cached_input),
            cache_write: self.cache_write.or(base.cache_write),
            output: self.output.or(base.output),
            reasoning: self.reasoning.or(base.reasoning),
        }
    }

    /// Tokens without a price of their own cost as much as those they are part of. `None`: there is no price of input
    /// or output.
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
