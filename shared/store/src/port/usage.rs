use async_trait::async_trait;
use runmill_proto::{ProviderId, Tenant};

use crate::StoreError;
pub use crate::columns::TokenKey;

/// Sums over the recorded calls of one day that have a token, a provider and a model in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSum {
    /// Day (UTC) on which the calls began, as `2026-11-30`.
    pub day: String,
    /// Tenant of the runs to which the calls were charged.
    pub tenant: Tenant,
    /// Token that submitted the run, or with which a client made its call.
    pub token_id: TokenKey,
    pub provider_id: ProviderId,
    pub model: String,
    /// Number of HTTP requests that reached the provider.
    pub calls: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Cost of the calls whose price is known.
    pub cost_nanousd: u64,
    /// Number of invocations whose cost is unknown, wholly or in part.
    pub unpriced: u64,
}

/// Key of a [`UsageSum`]. Keys sort as the sums are paged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageKey {
    pub day: String,
    pub tenant: Tenant,
    pub token_id: TokenKey,
    pub provider_id: ProviderId,
    pub model: String,
}

impl UsageSum {
    /// Returns the sum over no call.
    pub fn new(key: UsageKey) -> Self {
        let UsageKey { day, tenant, token_id, provider_id, model } = key;
        Self {
            day,
            tenant,
            token_id,
            provider_id,
            model,
            calls: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            cost_nanousd: 0,
            unpriced: 0,
        }
    }

    pub fn key(&self) -> UsageKey {
        UsageKey {
            day: self.day.clone(),
            tenant: self.tenant.clone(),
            token_id: self.token_id,
            provider_id: self.provider_id,
            model: self.model.clone(),
        }
    }
}

/// Tells who used how much.
#[async_trait]
pub trait UsageReader: Send + Sync {
    /// Returns the sums of the tenant, or of all, of the days `from` to `to`, both included, in the order of their keys,
    /// beginning after `after`, at most `limit`. Days are as `2026-11-30`.
    async fn usage(
        &self,
        tenant: Option<&Tenant>,
        days: (&str, &str),
        after: Option<&UsageKey>,
        limit: u32,
    ) -> Result<Vec<UsageSum>, StoreError>;
}
