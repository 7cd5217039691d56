use async_trait::async_trait;
use jiff::Timestamp;

use crate::StoreError;

/// Clock of the store, which all processes follow: a time that one of them writes is read by the others.
#[async_trait]
pub trait ServerTime: Send + Sync {
    /// Returns the time of the server, or `None` if the store is in this process and has no clock of its own.
    async fn server_time(&self) -> Result<Option<Timestamp>, StoreError>;
}
