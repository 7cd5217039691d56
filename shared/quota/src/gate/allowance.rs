use crate::lease::Pace;

/// Use that this process may make of one set of limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowance {
    /// Maximum number of attempts in flight. Zero stops all new ones.
    pub concurrency: u32,
    /// `None` here and below if there is no such limit.
    pub calls_per_minute: Option<Pace>,
    pub calls_per_second: Option<Pace>,
    pub tokens_per_minute: Option<Pace>,
}

impl Allowance {
    /// An allowance without any limit.
    pub const UNLIMITED: Self = Self {
        concurrency: u32::MAX,
        calls_per_minute: None,
        calls_per_second: None,
        tokens_per_minute: None,
    };
}
