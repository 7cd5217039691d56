//! Tables `providers` and `provider_secrets`.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use runmill_proto::{
    ProviderId,
    api::{ProviderProtocol, SettingsOverride},
};
use tokio_postgres::{Error, Row, types::Json};
use uuid::Uuid;

use super::{
    PgStore,
    error::violated,
    values::{Columns as _, integer, text},
};
use crate::{
    ProviderRow, Providers, SealedSecret, SecretOwner, StoreError,
    word::{from_word, word},
};

const INSERT: &str = "\
-- providers.insert
INSERT INTO providers (id, name, kind, protocol, base_url, capabilities, rate_limit, request, retry, version,
                       created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const UPDATE: &str = "\
-- providers.update
UPDATE providers
SET name = $2,
    kind = $3,
    protocol = $4,
    base_url = $5,
    capabilities = $6,
    rate_limit = $7,
    request = $8,
    retry = $9,
    version = $10,
    updated_at = $11
WHERE id = $1
  AND version = $10::bigint - 1";

const DELETE: &str = "\
-- providers.delete
DELETE FROM providers
WHERE id = $1";

// Waits for a run that is being created with it, and makes the next one wait.
const LOCK: &str = "\
-- providers.lock
SELECT id
FROM providers
WHERE id = $1
FOR UPDATE";

/// Keeps a provider from being deleted until the transaction ends.
pub const HOLD: &str = "\
-- providers.hold
SELECT id
FROM providers
WHERE id = $1
FOR SHARE";

// One statement, so that a row and its secrets are of one version.
const PAGE: &str = "\
-- providers.page
SELECT page.id, page.name, page.kind, page.protocol, page.base_url, page.capabilities, page.rate_limit, page.request,
       page.retry, page.version, page.created_at, page.updated_at,
       secret.id AS secret_id, secret.kind AS secret_kind, secret.name AS secret_name, secret.sealed, secret.masked,
       secret.weight
FROM (
    SELECT *
    FROM providers
    WHERE id > $1
    ORDER BY id
    LIMIT $2
) AS page
LEFT JOIN provider_secrets AS secret ON secret.provider_id = page.id
ORDER BY page.id, secret.position";

const GET: &str = "\
-- providers.get
SELECT one.id, one.name, one.kind, one.protocol, one.base_url, one.capabilities, one.rate_limit, one.request,
       one.retry, one.version, one.created_at, one.updated_at,
       secret.id AS secret_id, secret.kind AS secret_kind, secret.name AS secret_name, secret.sealed, secret.masked,
       secret.weight
FROM providers AS one
LEFT JOIN provider_secrets AS secret ON secret.provider_id = one.id
WHERE one.id = $1
ORDER BY secret.position";

const INSERT_SECRET: &str = "\
-- provider_secrets.insert
INSERT INTO provider_secrets (id, provider_id, position, kind, name, sealed, masked, weight)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const DELETE_SECRETS: &str = "\
-- provider_secrets.delete
DELETE FROM provider_secrets
WHERE provider_id = $1";

const SECRETS_PAGE: &str = "\
-- provider_secrets.page
SELECT provider_id, id AS secret_id, kind AS secret_kind, name AS secret_name, sealed, masked, weight
FROM provider_secrets
WHERE id > $1
ORDER BY id
LIMIT $2";

const RESEAL: &str = "\
-- provider_secrets.reseal
WITH resealed AS (
    UPDATE provider_secrets
    SET sealed = $3 /* new */
    WHERE id = $1
      AND sealed = $2 /* old */
    RETURNING provider_id
)
UPDATE providers
SET version = version + 1
FROM resealed
WHERE providers.id = resealed.provider_id";

#[async_trait]
impl Providers for PgStore {
    async fn create_provider(&self, row: &ProviderRow) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let statement = tx.prepare_cached(INSERT).await?;
        tx.execute(
            &statement,
            &[
                &row.id.uuid(),
                &text(&row.name),
                &word(row.kind),
                &row.protocol.map(ProviderProtocol::as_str),
                &text(&row.base_url),
                &Json(&row.capabilities),
                &Json(&row.rate_limit),
                &Json(&row.settings.request),
                &Json(&row.settings.retry),
                &row.version,
                &row.created_at,
                &row.updated_at,
            ],
        )
        .await
        .map_err(|error| refused(error, row))?;
        insert_secrets(&tx, row).await?;
        Ok(tx.commit().await?)
    }

    async fn update_provider(&self, row: &ProviderRow) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let statement = tx.prepare_cached(UPDATE).await?;
        let updated = tx
            .execute(
                &statement,
                &[
                    &row.id.uuid(),
                    &text(&row.name),
                    &word(row.kind),
                    &row.protocol.map(ProviderProtocol::as_str),
                    &text(&row.base_url),
                    &Json(&row.capabilities),
                    &Json(&row.rate_limit),
                    &Json(&row.settings.request),
                    &Json(&row.settings.retry),
                    &row.version,
                    &row.updated_at,
                ],
            )
            .await
            .map_err(|error| refused(error, row))?;
        if updated == 0 {
            tx.rollback().await?;
            // Its connection back first: the pool may have no other.
            drop(client);
            self.provider(row.id).await?;
            return Err(StoreError::Conflict(format!("provider {} was changed meanwhile", row.id)));
        }
        let statement = tx.prepare_cached(DELETE_SECRETS).await?;
        tx.execute(&statement, &[&row.id.uuid()]).await?;
        insert_secrets(&tx, row).await?;
        Ok(tx.commit().await?)
    }

    async fn provider(&self, id: ProviderId) -> Result<ProviderRow, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(GET).await?;
        let rows = client.query(&statement, &[&id.uuid()]).await?;
        collect(&rows)?.pop().ok_or_else(|| not_found(id))
    }

    async fn providers(&self, after: Option<ProviderId>, limit: u32) -> Result<Vec<ProviderRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), ProviderId::uuid);
        let client = self.client().await?;
        let statement = client.prepare_cached(PAGE).await?;
        collect(&client.query(&statement, &[&after, &i64::from(limit)]).await?)
    }

    async fn delete_provider(&self, id: ProviderId) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let statement = tx.prepare_cached(LOCK).await?;
        tx.query_opt(&statement, &[&id.uuid()]).await?.ok_or_else(|| not_found(id))?;
        if super::runs::has_active(&tx, id).await? {
            return Err(StoreError::Conflict(format!("a run of provider {id} has not ended")));
        }
        let statement = tx.prepare_cached(DELETE).await?;
        tx.execute(&statement, &[&id.uuid()]).await?;
        Ok(tx.commit().await?)
    }

    async fn secrets(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<SecretOwner>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(SECRETS_PAGE).await?;
        let rows = client.query(&statement, &[&after.unwrap_or_default(), &i64::from(limit)]).await?;
        rows.iter()
            .map(|row| {
                let provider_id = ProviderId::from_uuid(row.try_get("provider_id")?);
                Ok(SecretOwner { provider_id, secret: secret(row)? })
            })
            .collect()
    }

    async fn reseal(&self, id: Uuid, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(RESEAL).await?;
        Ok(client.execute(&statement, &[&id, &old, &new]).await? > 0)
    }
}

async fn insert_secrets(tx: &Transaction<'_>, row: &ProviderRow) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(INSERT_SECRET).await?;
    for (secret, position) in row.secrets.iter().zip(0_i32..) {
        tx.execute(
            &statement,
            &[
                &secret.id,
                &row.id.uuid(),
                &position,
                &secret.kind.as_str(),
                &text(&secret.name),
                &secret.sealed,
                &text(&secret.masked),
                &integer(secret.weight),
            ],
        )
        .await?;
    }
    Ok(())
}

fn refused(error: Error, row: &ProviderRow) -> StoreError {
    match violated(&error) {
        Some("providers_name_unique") => {
            StoreError::Conflict(format!("there is a provider with the name `{}` already", row.name))
        }
        Some("providers_pkey") => StoreError::Conflict(format!("there is a provider {} already", row.id)),
        _ => error.into(),
    }
}

pub fn not_found(id: ProviderId) -> StoreError {
    StoreError::NotFound { what: "provider", id: id.to_string() }
}

/// Rows of providers with a secret each, or none, to providers with their secrets.
fn collect(rows: &[Row]) -> Result<Vec<ProviderRow>, StoreError> {
    let mut providers: Vec<ProviderRow> = Vec::new();
    for row in rows {
        let id = ProviderId::from_uuid(row.try_get("id")?);
        if providers.last().is_none_or(|last| last.id != id) {
            providers.push(provider(id, row)?);
        }
        if row.try_get::<_, Option<Uuid>>("secret_id")?.is_some()
            && let Some(last) = providers.last_mut()
        {
            last.secrets.push(secret(row)?);
        }
    }
    Ok(providers)
}

fn provider(id: ProviderId, row: &Row) -> Result<ProviderRow, StoreError> {
    Ok(ProviderRow {
        id,
        name: row.try_get("name")?,
        kind: from_word(row.try_get("kind")?)?,
        protocol: row.optional_word("protocol")?,
        base_url: row.try_get("base_url")?,
        secrets: Vec::new(),
        capabilities: row.json("capabilities")?,
        rate_limit: row.json("rate_limit")?,
        settings: SettingsOverride { request: row.json("request")?, retry: row.json("retry")? },
        version: row.try_get("version")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}

fn secret(row: &Row) -> Result<SealedSecret, StoreError> {
    Ok(SealedSecret {
        id: row.try_get("secret_id")?,
        kind: row.word("secret_kind")?,
        name: row.try_get("secret_name")?,
        sealed: row.try_get("sealed")?,
        masked: row.try_get("masked")?,
        weight: row.number("weight")?,
    })
}
