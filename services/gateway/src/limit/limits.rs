/// Limits of one model, for each API key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of calls in flight.
    pub slots: Option<u32>,
    pub per_second: Option<Rate>,
    /// Maximum number of calls that begin in any 60 seconds.
    pub per_minute: Option<u32>,
    /// Maximum number of tokens, of prompts and answers, of the calls that begin in any 60 seconds.
    pub tokens_per_minute: Option<u32>,
}

/// A token bucket, full at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Calls per second.
    pub calls: u32,
    /// Number of calls that may begin at once.
    pub burst: u32,
}

impl Limits {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
