use std::time::Duration;

/// State of a caller's limits, which some protocols send in headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub requests: Option<Meter>,
    pub tokens: Option<Meter>,
}

/// State of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    pub limit: u32,
    pub remaining: u32,
    /// Time until the whole limit is free again.
    pub reset: Duration,
}
