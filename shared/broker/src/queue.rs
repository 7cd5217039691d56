use runmill_proto::{ProviderId, RunId, message::Job};

/// Number of times that a message may be returned to its queue. At the next return it becomes a dead letter, so it is
/// delivered at most one time more than this.
pub const DELIVERY_LIMIT: u32 = 20;

/// An executor publishes a job anew before the broker would dead-letter it.
const _: () = assert!(Job::DELIVERIES_MAX < DELIVERY_LIMIT);

/// All queues. Only the implementations know their names and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// Jobs of one provider's lane.
    Jobs(ProviderId),
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
    /// Returns the delivery limit. There is none for dead letters, which have no further queue to go to.
    pub(crate) fn delivery_limit(self) -> Option<u32> {
        match self {
            Self::Jobs(_) | Self::Logs(_) | Self::Requests => Some(DELIVERY_LIMIT),
            Self::Dead => None,
        }
    }

    /// Returns true if a message beyond the delivery limit becomes a dead letter. A request is dropped instead: its
    /// requester no longer waits.
    pub(crate) fn has_dead_letters(self) -> bool {
        match self {
            Self::Jobs(_) | Self::Logs(_) => true,
            Self::Requests | Self::Dead => false,
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
