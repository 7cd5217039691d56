//! Tables `providers` and `provider_secrets`.

use async_trait::async_trait;
use runmill_proto::{ProviderId, Tenant};
use rusqlite::{Connection, Error, params, params_from_iter};
use uuid::Uuid;

use super::{
    SqliteStore,
    error::is_taken,
    runs,
    values::{Cell as _, all, blob, execute, first, record},
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
    Sql::new(|| sql::insert::<ProviderRow>(Dialect::Sqlite, "providers.insert", "providers", ""));

static UPDATE: Sql = Sql::new(|| {
    let rest = "WHERE id = ?1\n  AND version = ?2 /* the one before */";
    sql::update::<ProviderRow>(Dialect::Sqlite, "providers.update", "providers", 3, rest)
});

const OTHER_ANSWERS: &str = "\
-- providers.other_answers
UPDATE providers
SET answers_since = ?2
WHERE id = ?1
  AND (kind, protocol, base_url, capabilities) IS NOT (?3, ?4, ?5, ?6)";

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

// One statement reads both, so that a row and its secrets are of one version.
static PAGE: Sql = Sql::new(|| {
    format!(
        "\
-- providers.page
SELECT {}, {}
FROM (
    SELECT *
    FROM providers
    WHERE id > ?1
      AND (?3 IS NULL OR tenant = ?3 OR shared)
    ORDER BY id
    LIMIT ?2
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
-- providers.get
SELECT {}, {}
FROM providers AS one
LEFT JOIN provider_secrets AS secret ON secret.provider_id = one.id
WHERE one.id = ?1
ORDER BY secret.position",
        ColumnList::of::<ProviderRow>().select("one"),
        ColumnList::of::<SealedSecret>().select("secret"),
    )
});

static INSERT_SECRET: Sql = Sql::new(|| {
    sql::insert::<SealedSecret>(Dialect::Sqlite, "provider_secrets.insert", "provider_secrets", "")
});

const DELETE_SECRETS: &str = "\
-- provider_secrets.delete
DELETE FROM provider_secrets
WHERE provider_id = ?1";

static SECRETS_PAGE: Sql = Sql::new(|| {
    let rest = "WHERE id > ?1\nORDER BY id\nLIMIT ?2";
    sql::select::<SecretOwner>("provider_secrets.page", "provider_secrets", rest)
});

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
impl ProviderReader for SqliteStore {
    async fn provider(&self, id: ProviderId) -> Result<ProviderRow, StoreError> {
        let found = self.read(move |db| Ok(joined(db, &GET, [blob(id.uuid())])?.pop())).await?;
        found.ok_or_else(|| StoreError::not_found("provider", id))
    }

    async fn providers(
        &self,
        tenant: Option<&Tenant>,
        after: Option<ProviderId>,
        limit: u32,
    ) -> Result<Vec<ProviderRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), ProviderId::uuid);
        let tenant = tenant.map(ToString::to_string);
        self.read(move |db| joined(db, &PAGE, params![blob(after), limit, tenant])).await
    }
}

#[async_trait]
impl ProviderWriter for SqliteStore {
    async fn create_provider(&self, row: &ProviderRow) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |tx| {
            let inserted = execute(tx, &INSERT, params_from_iter(inserted::<ProviderRow>(&row)));
            inserted.map_err(|error| refused(error, &row))?;
            insert_secrets(tx, &row)
        })
        .await
    }

    async fn update_provider(&self, row: &ProviderRow) -> Result<(), StoreError> {
        let row = row.clone();
        self.write(move |tx| {
            note_other_answers(tx, &row)?;
            let mut values = vec![row.id.to_value(), Value::Int(row.version - 1)];
            push_updated::<ProviderRow>(&mut values, &row);
            let updated = execute(tx, &UPDATE, params_from_iter(values));
            if updated.map_err(|error| refused(error, &row))? == 0 {
                require(tx, row.id)?;
                return Err(StoreError::Conflict(format!("provider {} was changed meanwhile", row.id)));
            }
            execute(tx, DELETE_SECRETS, [blob(row.id.uuid())])?;
            insert_secrets(tx, &row)
        })
        .await
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
}

#[async_trait]
impl SecretRotation for SqliteStore {
    async fn secrets(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<SecretOwner>, StoreError> {
        let after = blob(after.unwrap_or_default());
        self.read(move |db| all(db, &SECRETS_PAGE, params![after, limit], record)).await
    }

    async fn reseal(&self, id: Uuid, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        let (old, new) = (old.to_owned(), new.to_owned());
        self.write(move |tx| {
            let owner =
                first(tx, RESEAL, params![blob(id), old, new], |row| row.cell::<Uuid>("provider_id"))?;
            if let Some(owner) = owner {
                execute(tx, GROW_VERSION, [blob(owner)])?;
            }
            Ok(owner.is_some())
        })
        .await
    }
}

/// Returns [`StoreError::NotFound`] if the provider does not exist.
pub fn require(db: &Connection, id: ProviderId) -> Result<(), StoreError> {
    match first(db, EXISTS, [blob(id.uuid())], |row| Ok(row.get("found")?))? {
        Some(true) => Ok(()),
        _ => Err(StoreError::not_found("provider", id)),
    }
}

/// Notes the time of a change after which the provider may answer otherwise.
fn note_other_answers(db: &Connection, row: &ProviderRow) -> Result<(), StoreError> {
    let ProviderRow { id, updated_at, kind, protocol, base_url, capabilities, .. } = row;
    let values = [
        id.to_value(),
        updated_at.to_value(),
        kind.to_value(),
        protocol.to_value(),
        base_url.to_value(),
        capabilities.to_value(),
    ];
    execute(db, OTHER_ANSWERS, params_from_iter(values))?;
    Ok(())
}

fn insert_secrets(db: &Connection, row: &ProviderRow) -> Result<(), StoreError> {
    for (secret, position) in row.secrets.iter().zip(0..) {
        let new = NewSecretRow { provider_id: row.id, position, secret };
        execute(db, &INSERT_SECRET, params_from_iter(inserted::<SealedSecret>(&new)))?;
    }
    Ok(())
}

fn refused(error: Error, row: &ProviderRow) -> StoreError {
    if is_taken(&error, "providers.tenant, providers.name") {
        return StoreError::Conflict(format!("there is a provider with the name `{}` already", row.name));
    }
    if is_taken(&error, "providers.id") {
        return StoreError::Conflict(format!("there is a provider {} already", row.id));
    }
    error.into()
}

fn joined(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<ProviderRow>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut providers = Vec::new();
    while let Some(row) = rows.next()? {
        push_joined(&mut providers, &mut Cells::new(row))?;
    }
    Ok(providers)
}
