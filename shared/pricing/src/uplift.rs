use runmill_proto::Range;

use crate::terms::{Place, Terms};

/// Factor in millionths by which the cost of a call's tokens is multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Factor(u32);

/// Range of factors.
pub(crate) const FACTORS: Range<f64> = Range::new(0.0, 100.0);

const ONE: u32 = 1_000_000;

impl Factor {
    /// Returns `None` out of [`FACTORS`].
    pub fn of(factor: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10^8")]
        let millionths = |factor: f64| Self((factor * f64::from(ONE)).round() as u32);
        Some(factor).filter(|factor| FACTORS.contains(*factor)).map(millionths)
    }

    fn times(self, cost: u128) -> u128 {
        if self.0 == ONE { cost } else { cost.saturating_mul(self.0.into()) / u128::from(ONE) }
    }
}

impl Default for Factor {
    fn default() -> Self {
        Self(ONE)
    }
}

/// Factors for calls that a provider processed in a certain place, or faster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uplift {
    pub eu: Factor,
    pub us: Factor,
    pub fedramp: Factor,
    pub regional: Factor,
    pub fast: Factor,
}

impl Uplift {
    pub fn apply(&self, terms: Terms, cost: u128) -> u128 {
        let cost = if terms.fast { self.fast.times(cost) } else { cost };
        match terms.place {
            Place::Global => cost,
            Place::Eu => self.eu.times(cost),
            Place::Us => self.us.times(cost),
            Place::FedRamp => self.fedramp.times(cost),
            Place::Regional => self.regional.times(cost),
        }
    }
}
