use runmill_pricing::Terms;
use runmill_proto::Usage;

/// Counts of a provider for an answer, and its statements about the bill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// Tokens, if the provider told those of both the prompt and the answer.
    pub usage: Option<Usage>,
    pub billing: Billing,
}

/// Statements of a provider about the bill of an answer, apart from the tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Billing {
    /// Conditions of the call. Its hours are not set.
    pub terms: Terms,
    pub told: Option<ToldCost>,
    /// True if a count could not be read. A price times the other counts is then not the cost.
    pub unreadable: bool,
}

/// Cost of an answer in nanodollars, as the answer tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldCost {
    /// Amount that the vendor has charged. It counts whatever a price table says.
    Charged(i64),
    /// Estimate of a proxy, by a price table of its own. It counts if no other price is known.
    Estimated(i64),
}

impl Metered {
    /// Returns the sum for an answer for which two requests were made. A cost is told only if both tell one.
    pub(crate) fn and(self, second: Self) -> Self {
        let usage = match (self.usage, second.usage) {
            (Some(mut first), Some(second)) => {
                first += second;
                Some(first)
            }
            (first, second) => first.or(second),
        };
        let unreadable = self.billing.unreadable || second.billing.unreadable;
        let told = self.billing.told.zip(second.billing.told).and_then(|(first, second)| first.and(second));
        Self { usage, billing: Billing { told, unreadable, ..second.billing } }
    }

    /// Replaces the counts by later ones. A tier of service that was told before stays.
    pub(crate) fn update(&mut self, later: Self) {
        let service = self.billing.terms.service;
        *self = later;
        if self.billing.terms.service == runmill_pricing::ServiceTier::Standard {
            self.billing.terms.service = service;
        }
    }
}

impl ToldCost {
    fn and(self, second: Self) -> Option<Self> {
        match (self, second) {
            (Self::Charged(first), Self::Charged(second)) => {
                Some(Self::Charged(first.saturating_add(second)))
            }
            (Self::Estimated(first), Self::Estimated(second)) => {
                Some(Self::Estimated(first.saturating_add(second)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
impl From<Usage> for Metered {
    fn from(usage: Usage) -> Self {
        Self { usage: Some(usage), billing: Billing::default() }
    }
}
