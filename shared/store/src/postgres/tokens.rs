//! Table `tokens`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{Tenant, TokenId, api::Budget};
use uuid::Uuid;

use super::{
    PgStore,
    error::violated,
    session::Transaction,
    values::{parameters, record, text},
};
use crate::{
    StoreError, TokenBudget, TokenRow, Tokens,
    columns::{
        ColumnList, Dialect, Stored as _, inserted,
        sql::{self, Sql},
    },
    time::micros,
};

static INSERT: Sql = Sql::new(|| sql::insert::<TokenRow>(Dialect::Postgres, "tokens.insert", "tokens", ""));

static GET: Sql = Sql::new(|| sql::select::<TokenRow>("tokens.get", "tokens", "WHERE id = $1"));

static BUDGET: Sql = Sql::new(|| {
    let rest = "WHERE id = $1\n  AND budget IS NOT NULL";
    sql::select::<TokenBudget>("tokens.budget", "tokens", rest)
});

static BY_PREFIX: Sql =
    Sql::new(|| sql::select::<TokenRow>("tokens.by_prefix", "tokens", "WHERE prefix = $1"));

static PAGE: Sql = Sql::new(|| {
    sql::select::<TokenRow>(
        "tokens.page",
        "tokens",
        "WHERE id > $1\n  AND run_id IS NULL\nORDER BY id\nLIMIT $2",
    )
});

// A tenant has few tokens, and all of them are found by their ids.
static PAGE_OF_TENANT: Sql = Sql::new(|| {
    let rest = "WHERE tenant = $3\n  AND run_id IS NULL\n  AND id > $1\nORDER BY id\nLIMIT $2";
    sql::select::<TokenRow>("tokens.page_of_tenant", "tokens", rest)
});

static REVOKE: Sql = Sql::new(|| {
    format!(
        "\
UPDATE /* tokens.revoke */ tokens
SET revoked_at = coalesce(revoked_at, $2)
WHERE id = $1
RETURNING {}",
        ColumnList::of::<TokenRow>().select("tokens"),
    )
});

static SET_BUDGET: Sql = Sql::new(|| {
    format!(
        "\
UPDATE /* tokens.set_budget */ tokens
SET budget = $2
WHERE id = $1
RETURNING {}",
        ColumnList::of::<TokenRow>().select("tokens"),
    )
});

const FORGET: &str = "\
DELETE /* tokens.forget_of_ended */ FROM tokens
WHERE run_id IS NOT NULL
  AND (
      SELECT runs.finished_at
      FROM runs
      WHERE runs.id = tokens.run_id
  ) IS NOT NULL";

const USED: &str = "\
UPDATE /* tokens.used */ tokens
SET last_used_at = $2
WHERE id = $1";

pub async fn budget(store: &PgStore, id: TokenId) -> Result<Option<TokenBudget>, StoreError> {
    let client = store.client().await?;
    let statement = client.prepare_cached(&BUDGET).await?;
    client.query_opt(&statement, &[&id.uuid()]).await?.as_ref().map(record).transpose()
}

#[async_trait]
impl Tokens for PgStore {
    async fn create_token(&self, row: &TokenRow) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&INSERT).await?;
        let inserted = client.execute(&statement, &parameters(&inserted::<TokenRow>(row))).await;
        inserted.map(drop).map_err(|error| match violated(&error) {
            Some("tokens_prefix_unique") => StoreError::Conflict("there is such a token already".to_owned()),
            _ => error.into(),
        })
    }

    async fn token(&self, id: TokenId) -> Result<TokenRow, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&GET).await?;
        let row = client.query_opt(&statement, &[&id.uuid()]).await?;
        record(&row.ok_or_else(|| StoreError::not_found("token", id))?)
    }

    async fn token_by_prefix(&self, prefix: &str) -> Result<Option<TokenRow>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&BY_PREFIX).await?;
        client.query_opt(&statement, &[&text(prefix)]).await?.as_ref().map(record).transpose()
    }

    async fn tokens(
        &self,
        tenant: Option<&Tenant>,
        after: Option<TokenId>,
        limit: u32,
    ) -> Result<Vec<TokenRow>, StoreError> {
        let after = after.map_or(Uuid::nil(), TokenId::uuid);
        self.page((&PAGE, &PAGE_OF_TENANT), tenant, after, limit).await
    }

    async fn revoke_token(&self, id: TokenId, now: Timestamp) -> Result<TokenRow, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&REVOKE).await?;
        let row = client.query_opt(&statement, &[&id.uuid(), &micros(now)]).await?;
        record(&row.ok_or_else(|| StoreError::not_found("token", id))?)
    }

    async fn set_token_budget(&self, id: TokenId, budget: Option<Budget>) -> Result<TokenRow, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&SET_BUDGET).await?;
        let row = client.query_opt(&statement, &[&id.uuid(), &budget.to_value()]).await?;
        record(&row.ok_or_else(|| StoreError::not_found("token", id))?)
    }

    async fn token_used(&self, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(USED).await?;
        client.execute(&statement, &[&id.uuid(), &micros(now)]).await?;
        Ok(())
    }
}

/// Inserts the token of a run.
pub async fn insert(tx: &Transaction<'_>, row: &TokenRow) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(&INSERT).await?;
    tx.execute(&statement, &parameters(&inserted::<TokenRow>(row))).await?;
    Ok(())
}

/// Deletes the tokens of runs that have ended.
pub async fn forget_of_ended(tx: &Transaction<'_>) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(FORGET).await?;
    tx.execute(&statement, &[]).await?;
    Ok(())
}
