use async_trait::async_trait;
use runmill_proto::api::Settings;

use crate::StoreError;

/// The workspace's settings: one value, with a version that grows with each change.
#[async_trait]
pub trait SettingsStore: Send + Sync {
    /// The defaults at version 0 where nothing was stored.
    async fn settings(&self) -> Result<(Settings, i64), StoreError>;

    /// Replaces them; the new version.
    async fn put_settings(&self, settings: &Settings) -> Result<i64, StoreError>;
}
