use std::sync::{Arc, Mutex, PoisonError};

/// Result of the last attempt to lead or to feed.
#[derive(Clone, Debug, Default)]
pub struct FeederHealth(Arc<Mutex<Option<NotFeeding>>>);

/// The last attempt to lead or to feed failed, by a fault that stops all feeding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFeeding(pub String);

impl FeederHealth {
    /// Returns an error from a failed attempt until the next successful one. A dispatcher that does not lead is
    /// healthy while it can find out that another does.
    pub fn check(&self) -> Result<(), NotFeeding> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    pub(crate) fn set(&self, fault: Option<NotFeeding>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}
