use async_trait::async_trait;

use crate::StoreError;

/// Lock of the only feeder. It is lost when it is dropped, or when its database connection is lost.
#[async_trait]
pub trait Lead: Send + Sync {
    /// Returns the number of this lead, which is above those of all earlier leaders.
    fn term(&self) -> u64;

    /// Returns true while the lock is held. Cheap; does no I/O.
    fn is_held(&self) -> bool;

    /// Releases the lock and waits until another process can take it.
    async fn release(self: Box<Self>);
}

/// Elects the feeder. Two leaders at the same time would only publish duplicates.
#[async_trait]
pub trait Leader: Send + Sync {
    /// Returns `None` while another process leads.
    async fn try_lead(&self) -> Result<Option<Box<dyn Lead>>, StoreError>;
}
