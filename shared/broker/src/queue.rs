use runmill_proto::{ProviderId, RunId};

/// Number of deliveries from which on a message that [failed](crate::Delivery::requeue_as_failed) becomes a dead letter.
/// A broker may count other returns, too, but none of those makes a dead letter.
pub const DELIVERY_LIMIT: u32 = 20;

/// Number of returns from which on a message is renewed: published anew, with its count in a header, and then acked. So
/// lost connections and hand-backs, which the broker counts, never add up to its limit, unless ten connections in a row
/// are lost before a renewal ends. One that is lost during a renewal leaves two messages, so this is not smaller than needed.
pub(crate) const RENEWED_AT: u32 = DELIVERY_LIMIT / 2;

/// All queues. Only the implementations know their names and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// Jobs of one provider's lane.
    Jobs(ProviderId),
    /// Calls of clients that wait, for one provider's lane. They do not survive a restart of the broker, and a queue that
    /// nobody takes from for about a minute is deleted with them.
    Calls(ProviderId),
    /// Logs of the runs in this partition.
    Logs(u16),
    /// Requests to any executor.
    Requests,
    /// Dead letters: messages that nobody could handle, with the reason.
    Dead,
}

/// Content of a queue at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Number of messages that wait for a consumer. Unacked ones do not count.
    pub ready: u64,
    pub consumers: u64,
}

impl Queue {
    /// Returns the number of returns at which the broker itself drops or dead-letters a message. The largest one stands
    /// for none, because a dead letter has no further queue to go to: versions before 4.0 read -1 as no return at all,
    /// and later ones have a limit of 20 if it is left out.
    pub(crate) fn broker_limit(self) -> u32 {
        match self {
            Self::Jobs(_) | Self::Calls(_) | Self::Logs(_) | Self::Requests => DELIVERY_LIMIT,
            Self::Dead => i32::MAX.unsigned_abs(),
        }
    }

    /// Returns false if the messages are of no use after a restart of the broker, so that latency counts for more.
    pub(crate) fn is_replicated(self) -> bool {
        !matches!(self, Self::Calls(_))
    }

    /// Returns true if a message that failed too often becomes a dead letter. A request is dropped instead: its
    /// requester no longer waits.
    pub(crate) fn has_dead_letters(self) -> bool {
        match self {
            Self::Jobs(_) | Self::Logs(_) => true,
            Self::Calls(_) | Self::Requests | Self::Dead => false,
        }
    }
}

/// Returns the partition of a run's logs, below `partitions`. All processes must use the same number of partitions.
///
/// # Panics
/// If `partitions` is zero.
pub fn log_partition(run_id: RunId, partitions: u16) -> u16 {
    // The low bits of a UUIDv7 are random.
    let low = run_id.uuid().as_u128() % u128::from(partitions);
    u16::try_from(low).expect("below partitions, a u16")
}
