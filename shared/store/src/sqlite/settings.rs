//! Table `settings`.

use async_trait::async_trait;
use runmill_proto::api::Settings;

use super::{
    SqliteStore,
    values::{Columns as _, first, json},
};
use crate::{SettingsStore, StoreError};

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
impl SettingsStore for SqliteStore {
    async fn settings(&self) -> Result<(Settings, i64), StoreError> {
        let stored = self.read(|db| first(db, GET, [], |row| Ok((row.json("body")?, row.get("version")?))));
        Ok(stored.await?.unwrap_or_default())
    }

    async fn put_settings(&self, settings: &Settings) -> Result<i64, StoreError> {
        let body = json(settings);
        self.write(move |tx| Ok(tx.prepare_cached(PUT)?.query_row([&body], |row| row.get(0))?)).await
    }
}
