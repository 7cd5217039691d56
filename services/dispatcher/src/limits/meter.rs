use runmill_proto::lease::Resource;

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
        match (self.resource, self.stated.or(self.adaptive)) {
            (Resource::Concurrency, _) | (_, None) => f64::from(slots),
            (_, Some(limit)) => f64::from(slots) * limit / f64::from(self.slots(limit)),
        }
    }

    /// Returns a number of calls in flight, or `None` for a rate.
    pub fn calls(&self, slots: u32) -> Option<u32> {
        (self.resource == Resource::Concurrency).then_some(slots)
    }

    /// Returns the largest number of calls or tokens above the rate, or `None` for the concurrency.
    pub fn burst(&self) -> Option<f64> {
        let limit = self.stated.or(self.adaptive)?;
        match self.resource {
            Resource::Concurrency => None,
            Resource::CallsPerMinute | Resource::CallsPerSecond => Some(f64::from(self.slots(limit))),
            Resource::TokensPerMinute => Some(limit / 60.0 * TOKEN_BURST_SECONDS),
        }
    }

    /// Returns the number of slots of the whole limit.
    fn slots(&self, limit: f64) -> u32 {
        match self.resource {
            Resource::Concurrency => whole(limit),
            Resource::CallsPerMinute => call_slots(limit / 60.0),
            Resource::CallsPerSecond => call_slots(limit),
            Resource::TokensPerMinute => whole((limit / 20_000.0).clamp(1.0, 32.0)),
        }
    }
}

/// Length of the burst of tokens at the whole rate.
const TOKEN_BURST_SECONDS: f64 = 2.0;

fn call_slots(per_second: f64) -> u32 {
    whole((per_second / 10.0).ceil().max(per_second.floor().min(8.0)).max(1.0))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and a limit is positive"
)]
fn whole(number: f64) -> u32 {
    number as u32
}
