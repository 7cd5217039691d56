use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    RequestOverride, RetryOverride,
    strict::{strict, strict_option},
};
use crate::{
    ConfigFault, ProviderId, Range,
    range::{number, optional_number},
    text_enum::text_enum,
};

text_enum! {
    /// Vendor of the provider's account. Decides the default protocol, and the prefix of its models in LiteLLM's price list.
    ProviderKind {
        Openai = "openai",
        Anthropic = "anthropic",
        Google = "google",
        /// Any other server. Most of them have OpenAI's chat completions API.
        Custom = "custom",
    }
}

text_enum! {
    /// API that a provider has.
    ProviderProtocol {
        OpenaiChat = "openai_chat",
        OpenaiResponses = "openai_responses",
        AnthropicMessages = "anthropic_messages",
        Gemini = "gemini",
    }
}

impl ProviderKind {
    /// Protocol of a provider that states none.
    pub const fn default_protocol(self) -> ProviderProtocol {
        match self {
            Self::Openai | Self::Custom => ProviderProtocol::OpenaiChat,
            Self::Anthropic => ProviderProtocol::AnthropicMessages,
            Self::Google => ProviderProtocol::Gemini,
        }
    }
}

/// Features that the provider has (true) or lacks (false). Null: not stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Capabilities {
    pub system_prompt: Option<bool>,
    pub json_mode: Option<bool>,
    pub reasoning: Option<bool>,
    pub images: Option<bool>,
}

/// Limits of the account, shared by all executors. Null: not stated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct RateLimit {
    /// Calls in flight at once, from 1 to 100000.
    #[serde(deserialize_with = "optional_number")]
    pub concurrency: Option<u32>,
    /// Requests per minute, from 1 to 1000000000.
    #[serde(deserialize_with = "optional_number")]
    pub rpm: Option<u32>,
    /// Requests per second, from 0.001 to 1000000.
    #[serde(deserialize_with = "optional_number")]
    pub rps: Option<f64>,
    /// Tokens per minute, from 1 to 1000000000000.
    #[serde(deserialize_with = "optional_number")]
    pub tpm: Option<u64>,
    /// Tokens per day, from 1 to 1000000000000000.
    #[serde(deserialize_with = "optional_number")]
    pub tokens_per_day: Option<u64>,
    /// Cost per day in US dollars, from 0.000001 to 1000000000.
    #[serde(deserialize_with = "optional_number")]
    pub cost_per_day_usd: Option<f64>,
}

impl RateLimit {
    /// Twice as many jobs are kept in a provider's queue, so without an end one typing error would put a whole dataset
    /// into it.
    pub const CONCURRENCY: Range<u32> = Range::new(1, 100_000);

    /// One fault for each limit that is out of its range.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let faults = [
            Self::CONCURRENCY.fault("/rate_limit/concurrency", self.concurrency),
            Range::new(1, 1_000_000_000).fault("/rate_limit/rpm", self.rpm),
            Range::new(0.001, 1_000_000.0).fault("/rate_limit/rps", self.rps),
            Range::new(1, 1_000_000_000_000).fault("/rate_limit/tpm", self.tpm),
            Range::new(1, 1_000_000_000_000_000).fault("/rate_limit/tokens_per_day", self.tokens_per_day),
            Range::new(0.000_001, 1_000_000_000.0)
                .fault("/rate_limit/cost_per_day_usd", self.cost_per_day_usd),
        ];
        faults.into_iter().flatten().collect()
    }
}

/// An API key to store. Its value is encrypted at once and never shown again.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// Name of the key, unique within the provider.
    pub label: String,
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub value: String,
    /// Share of the calls that this key gets, relative to the weights of the other keys: from 1 to 100. Default: 1.
    #[serde(default = "one", deserialize_with = "number")]
    pub weight: u32,
}

impl NewApiKey {
    pub const WEIGHT: Range<u32> = Range::new(1, 100);
}

const fn one() -> u32 {
    1
}

// Not derived: that would print the key.
impl std::fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApiKey")
            .field("label", &self.label)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// A provider to add.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewProvider {
    /// Name of the provider, unique in the workspace.
    pub name: String,
    pub kind: ProviderKind,
    /// API that the provider has. Default: the one of its `kind`.
    #[serde(default)]
    pub protocol: Option<ProviderProtocol>,
    /// Address without the path of the protocol, such as `https://api.openai.com/v1`.
    pub base_url: String,
    #[serde(default)]
    pub api_keys: Vec<NewApiKey>,
    /// HTTP headers to send with every call. Their values are encrypted as keys are.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "strict")]
    pub capabilities: Capabilities,
    #[serde(default, deserialize_with = "strict")]
    pub rate_limit: RateLimit,
    /// Time-outs for this provider. They take precedence over the workspace's settings.
    #[serde(default)]
    pub request: RequestOverride,
    /// Retries for this provider. They take precedence over the workspace's settings.
    #[serde(default)]
    pub retry: RetryOverride,
}

// Not derived: header values are secrets, too.
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

/// Changes of a provider. A field that is absent keeps its value. A list or object replaces the whole old one.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ProviderPatch {
    pub name: Option<String>,
    pub protocol: Option<ProviderProtocol>,
    pub base_url: Option<String>,
    pub api_keys: Option<Vec<NewApiKey>>,
    pub headers: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "strict_option")]
    pub capabilities: Option<Capabilities>,
    #[serde(deserialize_with = "strict_option")]
    pub rate_limit: Option<RateLimit>,
    pub request: Option<RequestOverride>,
    pub retry: Option<RetryOverride>,
}

/// A provider: an account at a vendor, or a server, with its keys and limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Provider {
    pub id: ProviderId,
    pub name: String,
    pub kind: ProviderKind,
    pub protocol: ProviderProtocol,
    pub base_url: String,
    pub api_keys: Vec<ApiKeyView>,
    pub headers: Vec<HeaderView>,
    pub capabilities: Capabilities,
    pub rate_limit: RateLimit,
    #[serde(default)]
    pub request: RequestOverride,
    #[serde(default)]
    pub retry: RetryOverride,
    /// Version of the provider: 1 at first, and one more with every change.
    pub version: i64,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
}

/// An API key with its value masked: at most a few of its characters are shown, and none if it is short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKeyView {
    pub label: String,
    pub masked: String,
    pub weight: u32,
}

/// An HTTP header with its value masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeaderView {
    pub name: String,
    pub masked: String,
}
