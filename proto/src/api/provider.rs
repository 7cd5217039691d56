use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ProviderId;

/// Which vendor's account this is; decides the protocol, and LiteLLM's prefix of its model names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    Openai,
    Anthropic,
    Google,
    /// Any server that speaks OpenAI's chat completions.
    Custom,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Capabilities {
    pub system_prompt: Option<bool>,
    pub json_mode: Option<bool>,
    pub reasoning: Option<bool>,
    pub images: Option<bool>,
}

/// What the account may use, over all executors; `None`: no limit is stated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct RateLimit {
    /// Calls in flight.
    pub concurrency: Option<u32>,
    pub rpm: Option<u32>,
    pub rps: Option<f64>,
    pub tpm: Option<u64>,
    pub tokens_per_day: Option<u64>,
    pub cost_per_day_usd: Option<f64>,
}

/// A key to store. Its value is sealed at once and never shown again.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewApiKey {
    pub label: String,
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub value: String,
}

// By hand: a derived one would print the key.
impl std::fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApiKey").field("label", &self.label).finish_non_exhaustive()
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewProvider {
    pub name: String,
    pub kind: ProviderKind,
    /// Up to and without the protocol's own path, as `https://api.openai.com/v1`.
    pub base_url: String,
    #[serde(default)]
    pub api_keys: Vec<NewApiKey>,
    /// Sent with every call; the values are sealed as keys are.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub capabilities: Capabilities,
    #[serde(default)]
    pub rate_limit: RateLimit,
}

// By hand: header values are secrets, too.
impl std::fmt::Debug for NewProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewProvider")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("api_keys", &self.api_keys)
            .field("headers", &self.headers.keys())
            .finish_non_exhaustive()
    }
}

/// What to change; what is absent stays. `api_keys` and `headers` replace all there are.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ProviderPatch {
    pub name: Option<String>,
    pub base_url: Option<String>,
    pub api_keys: Option<Vec<NewApiKey>>,
    pub headers: Option<BTreeMap<String, String>>,
    pub capabilities: Option<Capabilities>,
    pub rate_limit: Option<RateLimit>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Provider {
    pub id: ProviderId,
    pub name: String,
    pub kind: ProviderKind,
    pub base_url: String,
    pub api_keys: Vec<ApiKeyView>,
    pub headers: Vec<HeaderView>,
    pub capabilities: Capabilities,
    pub rate_limit: RateLimit,
    /// Grows with every change.
    pub version: i64,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
}

/// A key as it may be seen: its value masked but for a few characters, or all of them when it is short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKeyView {
    pub label: String,
    pub masked: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeaderView {
    pub name: String,
    pub masked: String,
}
