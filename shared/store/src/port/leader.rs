use async_trait::async_trait;

use crate::StoreError;

/// Proof of being the one feeder. Lost when it is dropped, or when the database connection behind it is.
#[async_trait]
pub trait Lead: Send + Sync {
    /// Returns true while it is held. Cheap; does no I/O.
    fn is_held(&self) -> bool;

    /// Gives it up and waits until another process can have it.
    async fn release(self: Box<Self>);
}

/// Elects the feeder. Two leaders at once only publish duplicates.
#[async_trait]
pub trait Leader: Send + Sync {
    /// Returns `None` while another process leads.
    async fn try_lead(&self) -> Result<Option<Box<dyn Lead>>, StoreError>;
}
