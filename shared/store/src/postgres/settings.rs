//! Table `settings`.

use async_trait::async_trait;
use runmill_proto::api::Settings;
use tokio_postgres::types::Json;

use super::{PgStore, values::Cell as _};
use crate::{SettingsReader, SettingsWriter, StoreError};

const GET: &str = "\
SELECT /* settings.get */ body, version
FROM settings";

const PUT: &str = "\
INSERT /* settings.put */ INTO settings (body, version)
VALUES ($1, 1)
ON CONFLICT (only_row) DO UPDATE
SET body = excluded.body,
    version = settings.version + 1
RETURNING version";

#[async_trait]
impl SettingsReader for PgStore {
    async fn settings(&self) -> Result<(Settings, i64), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(GET).await?;
        match client.query_opt(&statement, &[]).await? {
            Some(row) => Ok((row.cell("body")?, row.try_get("version")?)),
            None => Ok((Settings::default(), 0)),
        }
    }
}

#[async_trait]
impl SettingsWriter for PgStore {
    async fn put_settings(&self, settings: &Settings) -> Result<i64, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(PUT).await?;
        Ok(client.query_one(&statement, &[&Json(settings)]).await?.try_get("version")?)
    }
}
