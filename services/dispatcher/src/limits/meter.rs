use runmill_proto::lease::Resource;
use runmill_quota::lease::Limit;

/// A limit, and the worth of one of its slots.
pub struct Meter {
    pub resource: Resource,
    pub stated: Option<f64>,
    /// Limit that the fleet found by itself, where none is stated.
    pub adaptive: Option<f64>,
}

impl Meter {
    /// Returns the worth of slots in the unit of the limit.
    pub fn value(&self, slots: u32) -> f64 {
        match self.limit().and_then(|limit| limit.pace(slots)) {
            None => f64::from(slots),
            Some(pace) if self.resource == Resource::CallsPerSecond => pace.per_second,
            Some(pace) => pace.per_second * 60.0,
        }
    }

    /// Returns a number of calls in flight, or `None` for a rate.
    pub fn calls(&self, slots: u32) -> Option<u32> {
        (self.resource == Resource::Concurrency).then_some(slots)
    }

    /// Returns the largest number of calls or tokens above the rate, or `None` for the concurrency.
    pub fn burst(&self) -> Option<f64> {
        let limit = self.limit()?;
        limit.pace(limit.slots()).map(|pace| pace.burst)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and a limit is positive"
    )]
    fn limit(&self) -> Option<Limit> {
        let limit = self.stated.or(self.adaptive)?;
        Some(match self.resource {
            Resource::Concurrency => Limit::concurrency(limit as u32),
            Resource::CallsPerMinute => Limit::calls(limit / 60.0),
            Resource::CallsPerSecond => Limit::calls(limit),
            Resource::TokensPerMinute => Limit::tokens(limit as u64),
        })
    }
}
