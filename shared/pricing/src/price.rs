use std::{fmt, sync::Arc};

use runmill_proto::Usage;

use crate::rates::Rates;

/// Prices of one model's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub(crate) rates: Rates,
    /// Tiers in ascending order of `above`, which is unique.
    pub(crate) tiers: Vec<Tier>,
    pub(crate) context_window: Option<u64>,
    pub(crate) max_output: Option<u64>,
    pub(crate) source: Arc<str>,
}

/// Prices of a model for long prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tier {
    /// Number of prompt tokens above which the tier applies to all tokens of a call.
    pub above: u64,
    pub rates: Rates,
}

const PICO_PER_NANO: u128 = 1_000;

impl Price {
    /// Returns the cost of a call in nanodollars, rounded half up and at most `i64::MAX`.
    pub fn cost(&self, usage: &Usage) -> i64 {
        let picousd = self.rates(usage.prompt_tokens).cost(usage);
        let nanousd = (picousd + PICO_PER_NANO / 2) / PICO_PER_NANO;
        i64::try_from(nanousd).unwrap_or(i64::MAX)
    }

    fn rates(&self, prompt_tokens: u64) -> &Rates {
        let tier = self.tiers.iter().rev().find(|tier| prompt_tokens > tier.above);
        tier.map_or(&self.rates, |tier| &tier.rates)
    }

    /// Returns the largest number of tokens of a prompt, if the table has it.
    pub fn context_window(&self) -> Option<u64> {
        self.context_window
    }

    /// Returns the largest number of tokens of an answer, if the table has it.
    pub fn max_output(&self) -> Option<u64> {
        self.max_output
    }

    /// Returns the name and the date of the table that this price is from, in words.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// Displays `$0.15 input, $0.60 output per million tokens`.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} input, {} output per million tokens", self.rates.input, self.rates.output)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rates::Rate;

    /// Returns a price of 2 dollars for input, 10 for output, a tenth of input for cached input, a quarter more than input
    /// for cache writes, and 20 for reasoning.
    fn price() -> Price {
        let rate = |usd| Rate::per_million(usd).unwrap();
        let rates = |factor: f64| Rates {
            input: rate(2.0 * factor),
            cached_input: rate(0.2 * factor),
            cache_write: rate(2.5 * factor),
            output: rate(10.0 * factor),
            reasoning: rate(20.0 * factor),
        };
        Price {
            rates: rates(1.0),
            tiers: vec![
                Tier { above: 200_000, rates: rates(2.0) },
                Tier { above: 500_000, rates: rates(3.0) },
            ],
            context_window: None,
            max_output: None,
            source: Arc::from("a test"),
        }
    }

    fn usage(prompt: u64, cached: u64, written: u64, completion: u64, reasoning: u64) -> Usage {
        Usage {
            prompt_tokens: prompt,
            completion_tokens: completion,
            cached_tokens: cached,
            cache_write_tokens: written,
            reasoning_tokens: reasoning,
        }
    }

    #[test]
    fn each_kind_of_token_has_its_price() {
        let table = [
            // prompt, cached, written, completion, reasoning; nanodollars
            ((0, 0, 0, 0, 0), 0),
            ((1, 0, 0, 0, 0), 2_000),
            ((1, 1, 0, 0, 0), 200),
            ((1, 0, 1, 0, 0), 2_500),
            ((0, 0, 0, 1, 0), 10_000),
            ((0, 0, 0, 1, 1), 20_000),
            ((10, 3, 2, 5, 4), 5 * 2_000 + 3 * 200 + 2 * 2_500 + 10_000 + 4 * 20_000),
            // Cached and written tokens exceed the prompt, and reasoning tokens the answer.
            ((1, 9, 9, 1, 9), 200 + 20_000),
            // The tier of the prompt applies to the whole call.
            ((200_000, 0, 0, 1, 0), 200_000 * 2_000 + 10_000),
            ((200_001, 0, 0, 1, 0), 200_001 * 4_000 + 20_000),
            ((500_001, 500_001, 0, 1, 1), 500_001 * 600 + 60_000),
            ((u64::MAX, 0, 0, u64::MAX, 0), i64::MAX),
        ];
        for ((prompt, cached, written, completion, reasoning), want) in table {
            let usage = usage(prompt, cached, written, completion, reasoning);
            assert_eq!(price().cost(&usage), want, "{usage:?}");
        }
    }

    #[test]
    fn half_a_nanodollar_is_rounded_up() {
        for (picousd, want) in [(499, 0), (500, 1), (1_499, 1), (1_500, 2)] {
            let mut price = price();
            price.rates.input = Rate(picousd);
            assert_eq!(price.cost(&usage(1, 0, 0, 0, 0)), want, "{picousd}");
        }
    }

    #[test]
    fn a_price_is_shown_as_people_quote_it() {
        assert_eq!(price().to_string(), "$2.00 input, $10.00 output per million tokens");
        let mut small = price();
        small.rates.input = Rate(37_500);
        assert_eq!(small.to_string(), "$0.0375 input, $10.00 output per million tokens");
    }

    /// Counts of tokens that do not overlap: uncached prompt, cached prompt, written to a cache, answer, reasoning.
    type Parts = [u64; 5];

    fn whole([fresh, cached, written, answered, reasoned]: Parts) -> Usage {
        usage(fresh + cached + written, cached, written, answered + reasoned, reasoned)
    }

    fn any_rates() -> impl Strategy<Value = Rates> {
        prop::array::uniform5(0..1_000_000_000_u64).prop_map(
            |[input, cached_input, cache_write, output, reasoning]| Rates {
                input: Rate(input),
                cached_input: Rate(cached_input),
                cache_write: Rate(cache_write),
                output: Rate(output),
                reasoning: Rate(reasoning),
            },
        )
    }

    fn flat(rates: Rates) -> Price {
        Price { rates, tiers: Vec::new(), ..price() }
    }

    proptest! {
        #[test]
        fn no_cost_is_negative_whatever_a_provider_counts(
            rates in any_rates(), counts in prop::array::uniform5(any::<u64>()),
        ) {
            let [prompt, cached, written, completion, reasoning] = counts;
            prop_assert!(flat(rates).cost(&usage(prompt, cached, written, completion, reasoning)) >= 0);
        }

        /// Each of the three roundings changes a cost by at most half a nanodollar.
        #[test]
        fn two_calls_cost_what_one_of_all_their_tokens_costs(
            rates in any_rates(),
            one in prop::array::uniform5(0..1_000_000_u64),
            other in prop::array::uniform5(0..1_000_000_u64),
        ) {
            let (price, mut both) = (flat(rates), whole(one));
            both += whole(other);
            let apart = price.cost(&whole(one)) + price.cost(&whole(other));
            prop_assert!((price.cost(&both) - apart).abs() <= 1);
        }

        #[test]
        fn one_more_token_of_any_kind_never_costs_less(
            parts in prop::array::uniform5(0..600_000_u64), kind in 0..5_usize, more in 1..600_000_u64,
        ) {
            let mut grown = parts;
            grown[kind] += more;
            prop_assert!(price().cost(&whole(grown)) >= price().cost(&whole(parts)));
        }
    }
}
