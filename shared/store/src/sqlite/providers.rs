//! Tables `providers` and `provider_secrets`.

use async_trait::async_trait;
use runmill_proto::{
    ProviderId,
    api::{ProviderProtocol, SettingsOverride},
};
use rusqlite::{Connection, Error, Row, params};
use uuid::Uuid;

use super::{
    SqliteStore,
    error::is_taken,
    runs,
    values::{Columns as _, all, blob, execute, first, json, time},
};
use crate::{
    ProviderRow, Providers, SealedSecret, SecretOwner, StoreError,
    word::{from_word, word},
};

const INSERT: &str = "\
-- providers.insert
INSERT INTO providers (id, name, kind, protocol, base_url, capabilities, rate_limit, request, retry, version,
                       created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

const UPDATE: &str = "\
-- providers.update
UPDATE providers
SET name = ?2,
    kind = ?3,
    protocol = ?4,
    base_url = ?5,
    capabilities = ?6,
    rate_limit = ?7,
    request = ?8,
    retry = ?9,
    version = ?10,
    updated_at = ?11
WHERE id = ?1
  AND version = ?10 - 1";

const DELETE: &str = "\
-- providers.delete
DELETE FROM providers
WHERE id = ?1";

const EXISTS: &str = "\
-- providers.exists
SELECT EXISTS (
    SELECT 1
    FROM providers
    WHERE id = ?1
) AS found";

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
    WHERE id > ?1
    ORDER BY id
    LIMIT ?2
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
WHERE one.id = ?1
ORDER BY secret.position";

const INSERT_SECRET: &str = "\
-- provider_secrets.insert
INSERT INTO provider_secrets (id, provider_id, position, kind, name, sealed, masked, weight)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const DELETE_SECRETS: &str = "\
-- provider_secrets.delete
DELETE FROM provider_secrets
WHERE provider_id = ?1";

const SECRETS_PAGE: &str = "\
-- provider_secrets.page
SELECT provider_id, id AS secret_id, kind AS secret_kind, name AS secret_name, sealed, masked, weight
FROM provider_secrets
WHERE id > ?1
ORDER BY id
LIMIT ?2";

const RESEAL: &str = "\
-- provider_secrets.reseal
UPDATE provider_secrets
SET sealed = ?3 /* new */
WHERE id = ?1
  AND sealed = ?2 /* old */
RETURNING provider_id";

const GROW_VERSION: &str = "\
-- providers.grow_version
UPDATE providers
SET version = version + 1
WHERE id = ?1";

#[async_trait]
impl Providers for SqliteStore {
    async fn create_provider(&self, row: &ProviderRow) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |tx| {
            execute(
                tx,
                INSERT,
                params![
                    blob(row.id.uuid()),
                    row.name,
                    word(row.kind),
                    row.protocol.map(ProviderProtocol::as_str),
                    row.base_url,
                    json(&row.capabilities),
                    json(&row.rate_limit),
                    json(&row.settings.request),
                    json(&row.settings.retry),
                    row.version,
                    time(row.created_at),
                    time(row.updated_at),
                ],
            )
            .map_err(|error| refused(error, &row))?;
            insert_secrets(tx, &row)
        })
        .await
    }

    async fn update_provider(&self, row: &ProviderRow) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |tx| {
            let updated = execute(
                tx,
                UPDATE,
                params![
                    blob(row.id.uuid()),
                    row.name,
                    word(row.kind),
                    row.protocol.map(ProviderProtocol::as_str),
                    row.base_url,
                    json(&row.capabilities),
                    json(&row.rate_limit),
                    json(&row.settings.request),
                    json(&row.settings.retry),
                    row.version,
                    time(row.updated_at),
                ],
            )
            .map_err(|error| refused(error, &row))?;
            if updated == 0 {
                require(tx, row.id)?;
                return Err(StoreError::Conflict(format!("provider {} was changed meanwhile", row.id)));
            }
            execute(tx, DELETE_SECRETS, [blob(row.id.uuid())])?;
            insert_secrets(tx, &row)
        })
        .await
    }

    async fn provider(&self, id: ProviderId) -> Result<ProviderRow, StoreError> {
        self.read(move |db| collect(db, GET, [blob(id.uuid())])?.pop().ok_or_else(|| not_found(id))).await
    }

    async fn providers(&self, after: Option<ProviderId>, limit: u32) -> Result<Vec<ProviderRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), ProviderId::uuid);
        self.read(move |db| collect(db, PAGE, params![blob(after), limit])).await
    }

    async fn delete_provider(&self, id: ProviderId) -> Result<(), StoreError> {
        self.write(move |tx| {
            require(tx, id)?;
            if runs::has_active(tx, id)? {
                return Err(StoreError::Conflict(format!("a run of provider {id} has not ended")));
            }
            execute(tx, DELETE, [blob(id.uuid())])?;
            Ok(())
        })
        .await
    }

    async fn secrets(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<SecretOwner>, StoreError> {
        let after = blob(after.unwrap_or_default());
        self.read(move |db| {
            all(db, SECRETS_PAGE, params![after, limit], |row| {
                let provider_id = ProviderId::from_uuid(row.id("provider_id")?);
                Ok(SecretOwner { provider_id, secret: secret(row)? })
            })
        })
        .await
    }

    async fn reseal(&self, id: Uuid, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        let (old, new) = (old.to_owned(), new.to_owned());
        self.write(move |tx| {
            let owner = first(tx, RESEAL, params![blob(id), old, new], |row| row.id("provider_id"))?;
            if let Some(owner) = owner {
                execute(tx, GROW_VERSION, [blob(owner)])?;
            }
            Ok(owner.is_some())
        })
        .await
    }
}

/// [`StoreError::NotFound`] if the provider is not there.
pub fn require(db: &Connection, id: ProviderId) -> Result<(), StoreError> {
    match first(db, EXISTS, [blob(id.uuid())], |row| Ok(row.get("found")?))? {
        Some(true) => Ok(()),
        _ => Err(not_found(id)),
    }
}

fn insert_secrets(db: &Connection, row: &ProviderRow) -> Result<(), StoreError> {
    for (secret, position) in row.secrets.iter().zip(0_i64..) {
        execute(
            db,
            INSERT_SECRET,
            params![
                blob(secret.id),
                blob(row.id.uuid()),
                position,
                secret.kind.as_str(),
                secret.name,
                secret.sealed,
                secret.masked,
                secret.weight,
            ],
        )?;
    }
    Ok(())
}

fn refused(error: Error, row: &ProviderRow) -> StoreError {
    if is_taken(&error, "providers.name") {
        return StoreError::Conflict(format!("there is a provider with the name `{}` already", row.name));
    }
    if is_taken(&error, "providers.id") {
        return StoreError::Conflict(format!("there is a provider {} already", row.id));
    }
    error.into()
}

fn not_found(id: ProviderId) -> StoreError {
    StoreError::NotFound { what: "provider", id: id.to_string() }
}

/// Rows of providers with a secret each, or none, to providers with their secrets.
fn collect(
    db: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<ProviderRow>, StoreError> {
    let rows = all(db, sql, params, |row| {
        let has_secret = row.get::<_, Option<[u8; 16]>>("secret_id")?.is_some();
        Ok((provider(row)?, if has_secret { Some(secret(row)?) } else { None }))
    })?;
    let mut providers: Vec<ProviderRow> = Vec::new();
    for (provider, secret) in rows {
        if providers.last().is_none_or(|last| last.id != provider.id) {
            providers.push(provider);
        }
        if let Some(last) = providers.last_mut() {
            last.secrets.extend(secret);
        }
    }
    Ok(providers)
}

fn provider(row: &Row<'_>) -> Result<ProviderRow, StoreError> {
    Ok(ProviderRow {
        id: ProviderId::from_uuid(row.id("id")?),
        name: row.text("name")?,
        kind: from_word(&row.text("kind")?)?,
        protocol: row.optional_word("protocol")?,
        base_url: row.text("base_url")?,
        secrets: Vec::new(),
        capabilities: row.json("capabilities")?,
        rate_limit: row.json("rate_limit")?,
        settings: SettingsOverride { request: row.json("request")?, retry: row.json("retry")? },
        version: row.get("version")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

fn secret(row: &Row<'_>) -> Result<SealedSecret, StoreError> {
    Ok(SealedSecret {
        id: row.id("secret_id")?,
        kind: row.word("secret_kind")?,
        name: row.text("secret_name")?,
        sealed: row.get("sealed")?,
        masked: row.text("masked")?,
        weight: row.number("weight")?,
    })
}
