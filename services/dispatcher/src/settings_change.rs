use runmill_proto::{api::Settings, message::Control};
use runmill_store::DispatcherStore;

use crate::{announcer::Announcer, error::UseCaseError};

/// Checks `settings`, stores them in place of the workspace's, and tells every process.
pub async fn put(
    store: &dyn DispatcherStore,
    announcer: &Announcer,
    settings: &Settings,
) -> Result<(), UseCaseError> {
    UseCaseError::if_any(settings.faults())?;
    store.put_settings(settings).await?;
    announcer.announce(Control::SettingsChanged).await;
    Ok(())
}
