//! Table `settings`.

use async_trait::async_trait;
use runmill_proto::api::Settings;

use super::{
    SqliteStore,
    values::{Cell as _, first},
};
use crate::{SettingsReader, SettingsWriter, StoreError, columns::Stored as _};

const GET: &str = "\
-- settings.get
SELECT body, version
FROM settings";

const PUT: &str = "\
-- settings.put
INSERT INTO settings (only_row, body, version)
VALUES (1, ?1, 1)
ON CONFLICT (only_row) DO UPDATE
SET body = excluded.body,
    version = settings.version + 1
RETURNING version";

#[async_trait]
impl SettingsReader for SqliteStore {
    async fn settings(&self) -> Result<(Settings, i64), StoreError> {
        let stored = self.read(|db| first(db, GET, [], |row| Ok((row.cell("body")?, row.get("version")?))));
        Ok(stored.await?.unwrap_or_default())
    }
}

#[async_trait]
impl SettingsWriter for SqliteStore {
    async fn put_settings(&self, settings: &Settings) -> Result<i64, StoreError> {
        let settings = settings.clone();
        self.write(move |tx| {
            Ok(tx.prepare_cached(PUT)?.query_row([settings.to_value()], |row| row.get(0))?)
        })
        .await
    }
}
