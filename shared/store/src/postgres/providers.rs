//! Tables `providers` and `provider_secrets`.

use async_trait::async_trait;
use runmill_proto::{ProviderId, Tenant};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::{
    PgStore,
    error::violated,
    runs,
    session::Transaction,
    values::{parameters, record},
};
use crate::{
    ProviderReader, ProviderRow, ProviderWriter, SealedSecret, SecretOwner, SecretRotation, StoreError,
    columns::{
        Cells, ColumnList, Dialect, Stored as _, Value, inserted, push_updated,
        sql::{self, Sql},
    },
    tables::{NewSecretRow, push_joined},
};

static INSERT: Sql =
    Sql::new(|| sql::insert::<ProviderRow>(Dialect::Postgres, "providers.insert", "providers", ""));

static UPDATE: Sql = Sql::new(|| {
    let rest = "WHERE id = $1\n  AND version = $2 /* the one before */";
    sql::update::<ProviderRow>(Dialect::Postgres, "providers.update", "providers", 3, rest)
});

// Compares the JSON by its text, which is written in one way.
const OTHER_ANSWERS: &str = "\
UPDATE /* providers.other_answers */ providers
SET answers_since = $2
WHERE id = $1
  AND (kind, protocol, base_url, capabilities::text) IS DISTINCT FROM ($3::text, $4::text, $5::text, $6::text)";

const DELETE: &str = "\
DELETE /* providers.delete */ FROM providers
WHERE id = $1";

// Waits until a run that is being created with the provider is committed, and blocks further ones until this
// transaction ends.
const LOCK: &str = "\
SELECT /* providers.lock */ id
FROM providers
WHERE id = $1
FOR UPDATE";

const HOLD: &str = "\
SELECT /* providers.hold */ id
FROM providers
WHERE id = $1
FOR SHARE";

// One statement reads both, so that a row and its secrets are of one version.
static PAGE: Sql = Sql::new(|| {
    format!(
        "\
SELECT /* providers.page */ {}, {}
FROM (
    SELECT *
    FROM providers
    WHERE id > $1
      AND ($3::text IS NULL OR tenant = $3 OR shared)
    ORDER BY id
    LIMIT $2
) AS page
LEFT JOIN provider_secrets AS secret ON secret.provider_id = page.id
ORDER BY page.id, secret.position",
        ColumnList::of::<ProviderRow>().select("page"),
        ColumnList::of::<SealedSecret>().select("secret"),
    )
});

static GET: Sql = Sql::new(|| {
    format!(
        "\
SELECT /* providers.get */ {}, {}
FROM providers AS one
LEFT JOIN provider_secrets AS secret ON secret.provider_id = one.id
WHERE one.id = $1
ORDER BY secret.position",
        ColumnList::of::<ProviderRow>().select("one"),
        ColumnList::of::<SealedSecret>().select("secret"),
    )
});

static INSERT_SECRET: Sql = Sql::new(|| {
    sql::insert::<SealedSecret>(Dialect::Postgres, "provider_secrets.insert", "provider_secrets", "")
});

const DELETE_SECRETS: &str = "\
DELETE /* provider_secrets.delete */ FROM provider_secrets
WHERE provider_id = $1";

static SECRETS_PAGE: Sql = Sql::new(|| {
    let rest = "WHERE id > $1\nORDER BY id\nLIMIT $2";
    sql::select::<SecretOwner>("provider_secrets.page", "provider_secrets", rest)
});

const RESEAL: &str = "\
WITH /* provider_secrets.reseal */ resealed AS (
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
impl ProviderReader for PgStore {
    async fn provider(&self, id: ProviderId) -> Result<ProviderRow, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&GET).await?;
        let rows = client.query(&statement, &[&id.uuid()]).await?;
        joined(&rows)?.pop().ok_or_else(|| StoreError::not_found("provider", id))
    }

    async fn providers(
        &self,
        tenant: Option<&Tenant>,
        after: Option<ProviderId>,
        limit: u32,
    ) -> Result<Vec<ProviderRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), ProviderId::uuid);
        let client = self.client().await?;
        let statement = client.prepare_cached(&PAGE).await?;
        let tenant = tenant.map(Tenant::as_str);
        joined(&client.query(&statement, &[&after, &i64::from(limit), &tenant]).await?)
    }
}

#[async_trait]
impl ProviderWriter for PgStore {
    async fn create_provider(&self, row: &ProviderRow) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let statement = tx.prepare_cached(&INSERT).await?;
        let inserted = tx.execute(&statement, &parameters(&inserted::<ProviderRow>(row))).await;
        inserted.map_err(|error| refused(error, row))?;
        insert_secrets(&tx, row).await?;
        Ok(tx.commit().await?)
    }

    async fn update_provider(&self, row: &ProviderRow) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        note_other_answers(&tx, row).await?;
        let statement = tx.prepare_cached(&UPDATE).await?;
        let mut values = vec![row.id.to_value(), Value::Int(row.version - 1)];
        push_updated::<ProviderRow>(&mut values, row);
        let updated = tx.execute(&statement, &parameters(&values)).await;
        if updated.map_err(|error| refused(error, row))? == 0 {
            tx.rollback().await?;
            // The connection is returned to the pool first, because the pool may have no other.
            drop(client);
            self.provider(row.id).await?;
            return Err(StoreError::Conflict(format!("provider {} was changed meanwhile", row.id)));
        }
        let statement = tx.prepare_cached(DELETE_SECRETS).await?;
        tx.execute(&statement, &[&row.id.uuid()]).await?;
        insert_secrets(&tx, row).await?;
        Ok(tx.commit().await?)
    }

    async fn delete_provider(&self, id: ProviderId) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let statement = tx.prepare_cached(LOCK).await?;
        tx.query_opt(&statement, &[&id.uuid()])
            .await?
            .ok_or_else(|| StoreError::not_found("provider", id))?;
        if runs::has_active(&tx, id).await? {
            return Err(StoreError::Conflict(format!("a run of provider {id} has not ended")));
        }
        let statement = tx.prepare_cached(DELETE).await?;
        tx.execute(&statement, &[&id.uuid()]).await?;
        Ok(tx.commit().await?)
    }
}

#[async_trait]
impl SecretRotation for PgStore {
    async fn secrets(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<SecretOwner>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&SECRETS_PAGE).await?;
        let rows = client.query(&statement, &[&after.unwrap_or_default(), &i64::from(limit)]).await?;
        rows.iter().map(record).collect()
    }

    async fn reseal(&self, id: Uuid, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(RESEAL).await?;
        Ok(client.execute(&statement, &[&id, &old, &new]).await? > 0)
    }
}

/// Notes the time of a change after which the provider may answer otherwise.
async fn note_other_answers(tx: &Transaction<'_>, row: &ProviderRow) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(OTHER_ANSWERS).await?;
    let ProviderRow { id, updated_at, kind, protocol, base_url, capabilities, .. } = row;
    let values = [
        id.to_value(),
        updated_at.to_value(),
        kind.to_value(),
        protocol.to_value(),
        base_url.to_value(),
        capabilities.to_value(),
    ];
    tx.execute(&statement, &parameters(&values)).await?;
    Ok(())
}

async fn insert_secrets(tx: &Transaction<'_>, row: &ProviderRow) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(&INSERT_SECRET).await?;
    for (secret, position) in row.secrets.iter().zip(0..) {
        let new = NewSecretRow { provider_id: row.id, position, secret };
        tx.execute(&statement, &parameters(&inserted::<SealedSecret>(&new))).await?;
    }
    Ok(())
}

/// Keeps the provider from being deleted until the transaction ends.
pub async fn hold(tx: &Transaction<'_>, id: ProviderId) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(HOLD).await?;
    let found = tx.query_opt(&statement, &[&id.uuid()]).await?;
    found.map(drop).ok_or_else(|| StoreError::not_found("provider", id))
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

fn joined(rows: &[Row]) -> Result<Vec<ProviderRow>, StoreError> {
    let mut providers = Vec::new();
    for row in rows {
        push_joined(&mut providers, &mut Cells::new(row))?;
    }
    Ok(providers)
}
