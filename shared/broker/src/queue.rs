use runmill_proto::{ProviderId, RunId};

/// After this many returns a message becomes a dead letter (`RabbitMQ` delivers it once more than that).
pub const DELIVERY_LIMIT: u32 = 20;

/// Every queue there is. Implementations know its name and arguments; nobody else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// Jobs of one provider's lane.
    Jobs(ProviderId),
    /// Logs of the runs that hash to this partition.
    Logs(u16),
    /// Questions to any executor.
    Requests,
    /// What could not be handled, with the reason.
    Dead,
}

impl Queue {
    /// How often a message may be returned before it is taken out; `None`: for ever, because there is no
    /// place after the dead letters.
    pub(crate) fn returns_max(self) -> Option<u32> {
        match self {
            Self::Jobs(_) | Self::Logs(_) | Self::Requests => Some(DELIVERY_LIMIT),
            Self::Dead => None,
        }
    }

    /// Whether what is taken out becomes a dead letter. A request does not: its asker has long gone.
    pub(crate) fn keeps_spent(self) -> bool {
        match self {
            Self::Jobs(_) | Self::Logs(_) => true,
            Self::Requests | Self::Dead => false,
        }
    }
}

/// The partition of a run's logs, below `partitions`, which must be the same in every process.
///
/// # Panics
/// If `partitions` is zero.
pub fn log_partition(run_id: RunId, partitions: u16) -> u16 {
    // The low bits of a UUIDv7 are random.
    let low = run_id.uuid().as_u128() % u128::from(partitions);
    u16::try_from(low).expect("below partitions, a u16")
}
