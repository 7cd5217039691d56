use async_trait::async_trait;
use runmill_proto::api::Settings;

use crate::StoreError;

/// Reads the settings of the workspace.
#[async_trait]
pub trait SettingsReader: Send + Sync {
    /// Returns the settings with their version. Version 0 has the defaults.
    async fn settings(&self) -> Result<(Settings, i64), StoreError>;
}

#[async_trait]
pub trait SettingsWriter: Send + Sync {
    /// Replaces the settings of the workspace. Returns the new version.
    async fn put_settings(&self, settings: &Settings) -> Result<i64, StoreError>;
}
