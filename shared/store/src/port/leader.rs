use std::time::Duration;

use async_trait::async_trait;

use crate::StoreError;

/// Lease of the only feeder. It ends by itself if it is not renewed, so a leader that is frozen or cut off is replaced. Where
/// the store notices the death of a process, the lease ends with it.
#[async_trait]
pub trait Lead: Send + Sync {
    /// Returns the number of this lead, which is above those of all earlier leads.
    fn term(&self) -> u64;

    /// Returns true while the lease lasts by the monotonic clock of this process, which is never longer than by the
    /// store's, and while the store cannot take the process for dead. Cheap; does no I/O.
    fn is_held(&self) -> bool;

    /// Extends the lease by its full length from now on. Returns false if the lease has ended.
    async fn renew(&self) -> Result<bool, StoreError>;

    /// Ends the lease, so that another process can lead at once.
    async fn release(&self);
}

/// Elects the feeder. While a leader that was frozen goes on, there can be two for a moment; jobs of an earlier term
/// are then treated as possible copies.
#[async_trait]
pub trait Leader: Send + Sync {
    /// Takes the lead for `lease`. Returns `None` while another process leads.
    async fn try_lead(&self, lease: Duration) -> Result<Option<Box<dyn Lead>>, StoreError>;

    /// Returns true if some process leads now.
    async fn is_led(&self) -> Result<bool, StoreError>;
}
