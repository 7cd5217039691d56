use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies a channel within this process. A channel numbers the deliveries of one subscription. A channel that
/// replaces a lost one has another id, so that deliveries of the two are never confused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelId(u64);

impl ChannelId {
    /// Returns an id that no other channel of this process has.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Identifies a delivery: its channel and its number there, which grows with every delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryTag {
    pub channel: ChannelId,
    pub number: u64,
}
