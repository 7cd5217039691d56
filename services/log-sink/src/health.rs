use std::sync::{Arc, Mutex, PoisonError};

/// Whether the store takes what is written, as the writers last saw it.
#[derive(Clone, Debug, Default)]
pub struct StoreHealth(Arc<Mutex<Option<String>>>);

impl StoreHealth {
    /// `Err` says since which error nothing could be written.
    pub fn check(&self) -> Result<(), String> {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fault.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn set(&self, fault: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}
