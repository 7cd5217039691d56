use jiff::Timestamp;
use runmill_pricing::{Hours, Place, Price, Terms};
use runmill_proto::Usage;

use crate::{Billing, ToldCost};

/// Cost of an attempt, as far as it is known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub nanousd: Option<i64>,
    /// Reason why the cost is unknown although there is a price and a usage.
    pub unknown: Option<String>,
}

/// Returns the cost of an attempt that ended at `ended_at`, at the seller's `place` unless the answer names another.
///
/// A vendor's own figure goes first, then the price table's, and then a proxy's estimate.
pub(super) fn of(
    usage: Option<&Usage>,
    billing: Billing,
    place: Place,
    ended_at: Timestamp,
    price: Option<&Price>,
) -> Cost {
    let estimate = match billing.told {
        Some(ToldCost::Charged(nanousd)) => return Cost { nanousd: Some(nanousd), unknown: None },
        Some(ToldCost::Estimated(nanousd)) => Some(nanousd),
        None => None,
    };
    let Some((price, usage)) = price.zip(usage) else { return Cost { nanousd: estimate, unknown: None } };
    let place = if billing.terms.place == Place::Global { place } else { billing.terms.place };
    let terms = Terms { place, hours: Hours::At(ended_at), ..billing.terms };
    let cost = match price.cost(usage, terms) {
        _ if billing.unreadable => Err("a count of the usage cannot be read".to_owned()),
        cost => cost.map_err(|unpriced| unpriced.to_string()),
    };
    match (cost, estimate) {
        (Ok(nanousd), _) | (Err(_), Some(nanousd)) => Cost { nanousd: Some(nanousd), unknown: None },
        (Err(reason), None) => Cost { nanousd: None, unknown: Some(reason) },
    }
}

#[cfg(test)]
mod tests {
    use runmill_pricing::{PriceTable, ServiceTier};
    use runmill_proto::api::ProviderKind;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn price() -> Price {
        let table = r#"{"models": {"m": {"input": 1, "output": 5, "service_tiers": {"flex": {"input": 0.5}},
            "off_peak": {"hours_utc": "00:00-01:00", "output": 2}, "uplift": {"eu": 2, "us": 3}}}}"#;
        PriceTable::load(table).unwrap().price(ProviderKind::Custom, "m").unwrap().clone()
    }

    fn told(cost: ToldCost) -> Billing {
        Billing { told: Some(cost), ..Billing::default() }
    }

    #[test]
    fn a_vendors_figure_goes_before_a_price_and_a_price_before_an_estimate() {
        let usage = Usage { prompt_tokens: 10, completion_tokens: 1, ..Usage::default() };
        let (charged, estimated) = (told(ToldCost::Charged(7)), told(ToldCost::Estimated(8)));
        let price = price();
        let table = [
            ("a charge", Some(usage), charged, Some(&price), Some(7)),
            ("a charge without usage", None, charged, Some(&price), Some(7)),
            ("an estimate and a price", Some(usage), estimated, Some(&price), Some(12_000)),
            ("an estimate without a price", Some(usage), estimated, None, Some(8)),
            ("an estimate without usage", None, estimated, Some(&price), Some(8)),
            ("no usage", None, Billing::default(), Some(&price), None),
            ("no price", Some(usage), Billing::default(), None, None),
        ];
        for (name, usage, billing, price, want) in table {
            let cost = of(usage.as_ref(), billing, Place::Global, NOW, price);
            assert_eq!(cost, Cost { nanousd: want, unknown: None }, "{name}");
        }
    }

    #[test]
    fn the_terms_of_the_answer_count() {
        let usage = Usage { prompt_tokens: 10, completion_tokens: 1, ..Usage::default() };
        let later: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        let flex = Terms { service: ServiceTier::Flex, ..Terms::default() };
        let us = Terms { place: Place::Us, ..Terms::default() };
        let table = [
            ("off-peak", Terms::default(), Place::Global, NOW, 12_000),
            ("later", Terms::default(), Place::Global, later, 15_000),
            ("flex", flex, Place::Global, later, 10_000),
            ("the seller's place", Terms::default(), Place::Eu, later, 30_000),
            ("the answer's place", us, Place::Eu, later, 45_000),
        ];
        for (name, terms, place, at, want) in table {
            let billing = Billing { terms, ..Billing::default() };
            let cost = of(Some(&usage), billing, place, at, Some(&price()));
            assert_eq!(cost.nanousd, Some(want), "{name}");
        }
    }

    #[test]
    fn an_unknown_cost_has_a_reason_and_is_not_zero() {
        let audio = Usage { prompt_tokens: 10, audio_input_tokens: 1, ..Usage::default() };
        let cost = of(Some(&audio), Billing::default(), Place::Global, NOW, Some(&price()));
        let reason = "the price table has no price for audio tokens of the prompt".to_owned();
        assert_eq!(cost, Cost { nanousd: None, unknown: Some(reason) });

        let unreadable = Billing { unreadable: true, ..Billing::default() };
        let usage = Usage { prompt_tokens: 10, ..Usage::default() };
        let cost = of(Some(&usage), unreadable, Place::Global, NOW, Some(&price()));
        let reason = "a count of the usage cannot be read".to_owned();
        assert_eq!(cost, Cost { nanousd: None, unknown: Some(reason) });
    }
}
