use std::{fmt, sync::Arc};

use runmill_proto::Usage;

use crate::{
    bill,
    off_peak::OffPeak,
    part::{Charge, Part, Unpriced},
    rates::{Rate, Rates},
    terms::{ServiceTier, Terms},
    uplift::Uplift,
};

/// Prices of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Prices of the standard tier, which are complete.
    pub(crate) standard: Plan,
    /// Prices of the other tiers of service that have prices of their own.
    pub(crate) services: Vec<(ServiceTier, Plan)>,
    pub(crate) off_peak: Option<OffPeak>,
    pub(crate) uplift: Uplift,
    /// Price of each request, beside its tokens.
    pub(crate) request: Rate,
    /// Price of each web search.
    pub(crate) search: Option<Rate>,
    pub(crate) context_window: Option<u64>,
    pub(crate) max_output: Option<u64>,
    pub(crate) source: Arc<str>,
}

/// Prices of one tier of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub rates: Rates,
    /// Tiers in ascending order of `above`, which is unique.
    pub tiers: Vec<Tier>,
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
    /// Returns the cost of a call in nanodollars, rounded half up and at most `i64::MAX`, or the part of the usage that
    /// has no price.
    pub fn cost(&self, usage: &Usage, terms: Terms) -> Result<i64, Unpriced> {
        let tokens = bill::tokens(&self.rates(usage.prompt_tokens, terms), usage)?;
        let tokens = self.uplift.apply(terms, tokens);
        // Providers charge half the price for batches that have no price of their own.
        let is_half = terms.service == ServiceTier::Batch && self.plan(terms.service).is_none();
        let tokens = if is_half { tokens / 2 } else { tokens };
        let picousd = tokens.saturating_add(self.request.times(1)).saturating_add(self.searches(usage)?);
        let nanousd = picousd.saturating_add(PICO_PER_NANO / 2) / PICO_PER_NANO;
        Ok(i64::try_from(nanousd).unwrap_or(i64::MAX))
    }

    fn rates(&self, prompt_tokens: u64, terms: Terms) -> Rates {
        let rates = *self.plan(terms.service).unwrap_or(&self.standard).rates(prompt_tokens);
        match self.off_peak.as_ref().filter(|off_peak| off_peak.holds(terms.hours)) {
            Some(off_peak) => off_peak.rates.over(rates),
            None => rates,
        }
    }

    fn plan(&self, service: ServiceTier) -> Option<&Plan> {
        self.services.iter().find(|(tier, _)| *tier == service).map(|(_, plan)| plan)
    }

    fn searches(&self, usage: &Usage) -> Result<u128, Unpriced> {
        match self.search {
            _ if usage.web_searches == 0 => Ok(0),
            Some(price) => Ok(price.times(usage.web_searches)),
            None => Err(Unpriced(Charge::WebSearch)),
        }
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

impl Plan {
    /// Returns the prices that hold for a prompt of this length.
    pub fn rates(&self, prompt_tokens: u64) -> &Rates {
        let tier = self.tiers.iter().rev().find(|tier| prompt_tokens > tier.above);
        tier.map_or(&self.rates, |tier| &tier.rates)
    }
}

/// Displays `$0.15 input, $0.60 output per million tokens`.
impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |part| self.standard.rates.get(part).unwrap_or(Rate(0));
        write!(f, "{} input, {} output per million tokens", rate(Part::Input), rate(Part::Output))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns a price of 2 dollars for input, 10 for output, a tenth of input for cached input, a quarter more than input
    /// for cache writes, and 20 for reasoning.
    fn price() -> Price {
        let rates = |factor: f64| {
            let rate = |usd: f64| Rate::per_million(usd * factor);
            priced([
                (Part::Input, rate(2.0)),
                (Part::CachedInput, rate(0.2)),
                (Part::CacheWrite, rate(2.5)),
                (Part::Output, rate(10.0)),
                (Part::Reasoning, rate(20.0)),
            ])
        };
        Price {
            standard: Plan {
                rates: rates(1.0),
                tiers: vec![
                    Tier { above: 200_000, rates: rates(2.0) },
                    Tier { above: 500_000, rates: rates(3.0) },
                ],
            },
            services: Vec::new(),
            off_peak: None,
            uplift: Uplift::default(),
            request: Rate(0),
            search: None,
            context_window: None,
            max_output: None,
            source: Arc::from("a test"),
        }
    }

    fn priced<const N: usize>(prices: [(Part, Option<Rate>); N]) -> Rates {
        let mut rates = Rates::default();
        for (part, rate) in prices {
            rates.set(part, rate);
        }
        rates
    }

    fn cost(price: &Price, usage: &Usage) -> i64 {
        price.cost(usage, Terms::default()).unwrap()
    }

    fn usage(prompt: u64, cached: u64, written: u64, completion: u64, reasoning: u64) -> Usage {
        Usage {
            prompt_tokens: prompt,
            completion_tokens: completion,
            cached_tokens: cached,
            cache_write_tokens: written,
            reasoning_tokens: reasoning,
            ..Usage::default()
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
            assert_eq!(cost(&price(), &usage), want, "{usage:?}");
        }
    }

    #[test]
    fn half_a_nanodollar_is_rounded_up() {
        for (picousd, want) in [(499, 0), (500, 1), (1_499, 1), (1_500, 2)] {
            let mut price = price();
            price.standard.rates.set(Part::Input, Some(Rate(picousd)));
            assert_eq!(cost(&price, &usage(1, 0, 0, 0, 0)), want, "{picousd}");
        }
    }

    #[test]
    fn a_price_is_shown_as_people_quote_it() {
        assert_eq!(price().to_string(), "$2.00 input, $10.00 output per million tokens");
        let mut small = price();
        small.standard.rates.set(Part::Input, Some(Rate(37_500)));
        assert_eq!(small.to_string(), "$0.0375 input, $10.00 output per million tokens");
    }

    /// Counts of tokens that do not overlap: uncached prompt, cached prompt, written to a cache, answer, reasoning.
    type Parts = [u64; 5];

    fn whole([fresh, cached, written, answered, reasoned]: Parts) -> Usage {
        usage(fresh + cached + written, cached, written, answered + reasoned, reasoned)
    }

    fn any_rates() -> impl Strategy<Value = Rates> {
        prop::array::uniform5(0..1_000_000_000_u64).prop_map(
            |[input, cached_input, cache_write, output, reasoning]| {
                priced([
                    (Part::Input, Some(Rate(input))),
                    (Part::CachedInput, Some(Rate(cached_input))),
                    (Part::CacheWrite, Some(Rate(cache_write))),
                    (Part::Output, Some(Rate(output))),
                    (Part::Reasoning, Some(Rate(reasoning))),
                ])
            },
        )
    }

    fn flat(rates: Rates) -> Price {
        Price { standard: Plan { rates, tiers: Vec::new() }, ..price() }
    }

    proptest! {
        #[test]
        fn no_cost_is_negative_whatever_a_provider_counts(
            rates in any_rates(), counts in prop::array::uniform5(any::<u64>()),
        ) {
            let [prompt, cached, written, completion, reasoning] = counts;
            prop_assert!(cost(&flat(rates), &usage(prompt, cached, written, completion, reasoning)) >= 0);
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
            let apart = cost(&price, &whole(one)) + cost(&price, &whole(other));
            prop_assert!((cost(&price, &both) - apart).abs() <= 1);
        }

        /// Audio, generated images and searches have no price here.
        #[test]
        fn a_part_without_a_price_is_unknown_and_never_free(
            parts in prop::array::uniform5(0..1_000_u64), kind in 0..4_usize, more in 1..1_000_u64,
        ) {
            let mut usage = whole(parts);
            match kind {
                0 => (usage.prompt_tokens, usage.audio_input_tokens) = (usage.prompt_tokens + more, more),
                1 => (usage.completion_tokens, usage.audio_output_tokens) = (usage.completion_tokens + more, more),
                2 => (usage.completion_tokens, usage.image_output_tokens) = (usage.completion_tokens + more, more),
                _ => usage.web_searches = more,
            }
            prop_assert!(price().cost(&usage, Terms::default()).is_err());
        }

        #[test]
        fn one_more_token_of_any_kind_never_costs_less(
            parts in prop::array::uniform5(0..600_000_u64), kind in 0..5_usize, more in 1..600_000_u64,
        ) {
            let mut grown = parts;
            grown[kind] += more;
            prop_assert!(cost(&price(), &whole(grown)) >= cost(&price(), &whole(parts)));
        }
    }
}
