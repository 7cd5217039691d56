use jiff::Timestamp;

use crate::columns::columns;

/// Record of a run's resumptions after a pause or a restart of its process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resumption {
    pub count: u32,
    pub last_at: Option<Timestamp>,
}

columns! {
    Resumption {
        updated count as resumed_count,
        updated last_at as last_resumed_at,
    }
}

impl Resumption {
    pub const fn add(&mut self, now: Timestamp) {
        self.count += 1;
        self.last_at = Some(now);
    }
}
