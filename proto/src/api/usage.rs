use serde::{Deserialize, Serialize};

use crate::{ProviderId, Tenant, TokenId};

/// Sums over the recorded calls of one day that have a token, a provider and a model in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageRecord {
    /// Day (UTC) on which the calls began, as `2026-11-30`.
    #[cfg_attr(feature = "openapi", schema(format = Date))]
    pub day: String,
    pub tenant: Tenant,
    /// Token that submitted the run, or with which a client made its call. Null for a token that the server was started
    /// with.
    pub token_id: Option<TokenId>,
    pub provider_id: ProviderId,
    pub model: String,
    /// Number of HTTP requests that reached the provider.
    pub calls: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Cost of the calls whose price is known.
    pub cost_usd: f64,
    /// Number of invocations whose cost is unknown, wholly or in part.
    pub unpriced: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct UsageQuery {
    /// First day (UTC), as `2026-11-01`. Default: 29 days ago.
    pub from: Option<String>,
    /// Last day (UTC), as `2026-11-30`. Default: today.
    pub to: Option<String>,
    /// Maximum number of entries of a page, from 1 to 1000. Default: 100.
    // Kept as the text that was sent, so that the error can name the range.
    #[cfg_attr(feature = "openapi", param(value_type = Option<u32>))]
    pub limit: Option<String>,
    /// Value of `next` in the previous page.
    pub after: Option<String>,
}
