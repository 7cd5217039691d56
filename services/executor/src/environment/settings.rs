use std::sync::{Arc, PoisonError, RwLock};

use runmill_proto::api::Settings;
use runmill_store::{SettingsReader, StoreError};

/// Settings of the workspace as they were last read.
#[derive(Clone, Default)]
pub struct SettingsCache(Arc<RwLock<Arc<Settings>>>);

impl SettingsCache {
    pub fn get(&self) -> Arc<Settings> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn refresh(&self, store: &dyn SettingsReader) -> Result<(), StoreError> {
        let (settings, _version) = store.settings().await?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        Ok(())
    }
}
