use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    ProviderId, Role, RunId, Tenant, TokenId,
    api::{Budget, Token},
};

use crate::{StoreError, columns::columns};

/// A bearer token of the API as it is stored: without the token itself.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenRow {
    pub id: TokenId,
    pub name: String,
    /// First characters of the token, by which it is found. No two tokens have the same.
    pub prefix: String,
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
    pub role: Role,
    /// Tenant of the token. `None` if it is of all tenants.
    pub tenant: Option<Tenant>,
    /// Providers that the token may use. `None` if it may use all that its tenant may use.
    pub providers: Option<Vec<ProviderId>>,
    /// Largest use of all runs that the token submits.
    pub budget: Option<Budget>,
    pub created_at: Timestamp,
    /// Time from which the token is refused.
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    /// Run to which the token belongs. Its calls are charged to the run, and it is refused when the run has ended. `None`
    /// for a user's token.
    pub run_id: Option<RunId>,
}

columns! {
    TokenRow {
        fixed id,
        fixed name,
        fixed prefix,
        fixed hash,
        fixed role,
        fixed tenant,
        fixed providers,
        fixed budget,
        fixed created_at,
        fixed expires_at,
        fixed revoked_at,
        fixed last_used_at,
        fixed run_id,
    }
}

/// Drops the hash. The rest of the budget is in another table.
impl From<TokenRow> for Token {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            prefix: row.prefix,
            role: row.role,
            tenant: row.tenant,
            providers: row.providers,
            budget: row.budget,
            budget_left: None,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// Budget of a token, which holds for all runs that the token submits together.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenBudget {
    pub token_id: TokenId,
    /// Name of the token.
    pub token: String,
    pub budget: Budget,
}

columns! {
    TokenBudget {
        fixed token_id as id,
        fixed token as name,
        fixed budget,
    }
}

/// Bearer tokens of the API. No user's token is ever deleted, so that the audit log can be read with them; a token ends by its
/// expiry or its revocation.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Stores a token. Returns [`StoreError::Conflict`] if another has the same prefix.
    async fn create_token(&self, row: &TokenRow) -> Result<(), StoreError>;

    async fn token(&self, id: TokenId) -> Result<TokenRow, StoreError>;

    /// Returns the token with this prefix, also if it has expired or was revoked.
    async fn token_by_prefix(&self, prefix: &str) -> Result<Option<TokenRow>, StoreError>;

    /// Returns at most `limit` users' tokens of the tenant, or all, in the order of their ids, beginning after `after`.
    async fn tokens(
        &self,
        tenant: Option<&Tenant>,
        after: Option<TokenId>,
        limit: u32,
    ) -> Result<Vec<TokenRow>, StoreError>;

    /// Revokes the token at `now`, unless it was revoked before, and returns it.
    async fn revoke_token(&self, id: TokenId, now: Timestamp) -> Result<TokenRow, StoreError>;

    /// Replaces the budget of the token, and returns the token. What its runs have used stays used.
    async fn set_token_budget(&self, id: TokenId, budget: Option<Budget>) -> Result<TokenRow, StoreError>;

    /// Records that the token was used at `now`.
    async fn token_used(&self, id: TokenId, now: Timestamp) -> Result<(), StoreError>;
}
