use serde::{Deserialize, Serialize};

use super::ConfigFault;
use crate::{Range, range::optional_number};

/// Other forms in which a run asks each item, to see how much its score hangs on the form.
///
/// Sample 0 of an item is the item as it stands. The samples after it are its other forms, which take the strategies in turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Variation {
    #[serde(default)]
    pub enabled: bool,
    /// Number of other forms of each item, from 1 to 999. Default: one for each strategy.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
    pub per_item: Option<u32>,
    /// Default: all strategies.
    #[serde(default = "Strategy::all")]
    pub strategies: Vec<Strategy>,
}

/// Way in which the form of an item is changed, and not its meaning. It hangs on the item's id and on the number of the
/// sample alone, so it is the same in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The choices have another order, and the reference is that of the order.
    ShuffledChoices,
    /// The text has other white space between its words, and around it. Code keeps its own.
    Whitespace,
    /// The text has only lower-case letters. Code keeps its own.
    Case,
    /// A polite phrase goes before the text.
    Prefix,
    /// A polite phrase follows the text.
    Suffix,
}

impl Strategy {
    pub const ALL: [Self; 5] =
        [Self::ShuffledChoices, Self::Whitespace, Self::Case, Self::Prefix, Self::Suffix];

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShuffledChoices => "shuffled_choices",
            Self::Whitespace => "whitespace",
            Self::Case => "case",
            Self::Prefix => "prefix",
            Self::Suffix => "suffix",
        }
    }
}

impl Variation {
    const PER_ITEM: Range<u32> = Range::new(1, 999);

    /// Returns the number of forms of each item, with the item as it stands.
    pub fn forms(&self) -> u32 {
        let each = u32::try_from(self.strategies.len()).unwrap_or(u32::MAX);
        1 + Self::PER_ITEM.clamp(self.per_item.unwrap_or(each))
    }

    /// Returns the strategy of a sample. `None` for the item as it stands.
    pub fn strategy(&self, sample: u32) -> Option<Strategy> {
        let turn = usize::try_from(sample.checked_sub(1)?).ok()?;
        self.strategies.get(turn.checked_rem(self.strategies.len())?).copied()
    }

    pub(super) fn faults(&self) -> Vec<ConfigFault> {
        let mut faults: Vec<_> =
            Self::PER_ITEM.fault("/variation/per_item", self.per_item).into_iter().collect();
        if self.enabled && self.strategies.is_empty() {
            let detail = "is empty: name a strategy, or leave it out for all".to_owned();
            faults.push(ConfigFault { pointer: "/variation/strategies".into(), detail });
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_take_the_strategies_in_turn() {
        let variation: Variation =
            serde_json::from_value(json!({"enabled": true, "per_item": 3, "strategies": ["case", "prefix"]}))
                .unwrap();
        let strategies: Vec<_> = (0..4).map(|sample| variation.strategy(sample)).collect();
        assert_eq!(strategies, [None, Some(Strategy::Case), Some(Strategy::Prefix), Some(Strategy::Case)]);
        assert_eq!(variation.forms(), 4);
        let all: Variation = serde_json::from_value(json!({"enabled": true})).unwrap();
        assert_eq!((all.forms(), all.strategies.as_slice()), (6, &Strategy::ALL[..]));
    }

    #[test]
    fn names_are_those_in_json() {
        for strategy in Strategy::ALL {
            assert_eq!(json!(strategy), strategy.as_str());
        }
    }
}
