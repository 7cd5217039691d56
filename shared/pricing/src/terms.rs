use jiff::Timestamp;

/// Conditions under which a provider did a call, apart from the tokens, on which its price may depend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub service: ServiceTier,
    pub place: Place,
    /// True if the provider answered in a faster mode that it sells at a multiple of the price.
    pub fast: bool,
    pub hours: Hours,
}

/// Class of service that the provider says it has charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceTier {
    #[default]
    Standard,
    Flex,
    Balanced,
    Priority,
    Ultrafast,
    Batch,
}

impl ServiceTier {
    /// All tiers but the standard one, with their names in answers, the first of which is also the name in tables.
    pub(crate) const NAMES: [(Self, &'static [&'static str]); 5] = [
        (Self::Flex, &["flex", "on_demand_flex"]),
        (Self::Balanced, &["balanced"]),
        (Self::Priority, &["priority", "fast", "on_demand_priority"]),
        (Self::Ultrafast, &["ultrafast"]),
        (Self::Batch, &["batch"]),
    ];

    /// Returns the tier with this name in an answer. Any other name, such as `default`, is the standard tier.
    pub fn named(name: &str) -> Self {
        let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        Self::NAMES.iter().find(|(_, names)| is(names)).map_or(Self::Standard, |(tier, _)| *tier)
    }
}

/// Place where the provider processed a call, as far as prices depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Global,
    Eu,
    Us,
    /// The address for the United States' authorities.
    FedRamp,
    /// Any single region of a cloud.
    Regional,
}

/// Time of a call, for models that are cheaper at some hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hours {
    /// A time outside of the cheaper hours, whenever they are.
    #[default]
    Peak,
    /// A time within the cheaper hours, if the model has any.
    OffPeak,
    /// The time at which the call ended.
    At(Timestamp),
}
