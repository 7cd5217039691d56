use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    ModelLimit, RequestOverride, RetryOverride,
    model_limit::{strict_limits, strict_limits_option},
    strict::{strict, strict_option},
};
use crate::{
    ConfigFault, ProviderId, Range, Tenant,
    range::{number, optional_number},
    text_enum::text_enum,
};

text_enum! {
    /// Vendor of the provider's account. It decides the default protocol, and the prefix of the provider's models in
    /// LiteLLM's price list.
    ProviderKind {
        Openai = "openai",
        Anthropic = "anthropic",
        Google = "google",
        /// Any other server. Most of them have OpenAI's chat completions API.
        Custom = "custom",
    }
}

text_enum! {
    /// Protocol of a provider's API.
    ProviderProtocol {
        OpenaiChat = "openai_chat",
        OpenaiResponses = "openai_responses",
        AnthropicMessages = "anthropic_messages",
        Gemini = "gemini",
    }
}

impl ProviderKind {
    /// Returns the protocol of a provider that states none.
    pub const fn default_protocol(self) -> ProviderProtocol {
        match self {
            Self::Openai | Self::Custom => ProviderProtocol::OpenaiChat,
            Self::Anthropic => ProviderProtocol::AnthropicMessages,
            Self::Google => ProviderProtocol::Gemini,
        }
    }
}

/// Features that the provider has (true) or lacks (false). Null if not stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Capabilities {
    pub system_prompt: Option<bool>,
    pub json_mode: Option<bool>,
    pub reasoning: Option<bool>,
    pub images: Option<bool>,
    /// Thinking inside of an answer's text, between tags such as `<think>` or in channels, becomes the answer's
    /// reasoning, unless this is false.
    pub thinking_tags: Option<bool>,
    /// False to ask for buffered answers from the start.
    pub streaming: Option<bool>,
}

/// Limits of the account, shared by all executors. Null if not stated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct RateLimit {
    /// Largest number of calls in flight, from 1 to 100000.
    #[serde(deserialize_with = "optional_number")]
    pub concurrency: Option<u32>,
    /// Largest number of requests per minute, from 1 to 1000000000.
    #[serde(deserialize_with = "optional_number")]
    pub rpm: Option<u32>,
    /// Largest number of requests per second, from 0.001 to 1000000.
    #[serde(deserialize_with = "optional_number")]
    pub rps: Option<f64>,
    /// Largest number of tokens per minute, from 1 to 1000000000000.
    #[serde(deserialize_with = "optional_number")]
    pub tpm: Option<u64>,
    /// Largest number of tokens per day, from 1 to 1000000000000000.
    #[serde(deserialize_with = "optional_number")]
    pub tokens_per_day: Option<u64>,
    /// Largest cost per day in US dollars, from 0.000001 to 1000000000.
    #[serde(deserialize_with = "optional_number")]
    pub cost_per_day_usd: Option<f64>,
    /// Limits of single models, by their names at the provider; at most 100 models. They hold in addition to the
    /// account's.
    pub models: BTreeMap<String, ModelLimit>,
    /// Time zone of the day, an IANA name such as `Europe/Berlin`. Default: `UTC`.
    pub time_zone: Option<String>,
}

impl RateLimit {
    /// A provider's queue holds up to twice as many jobs, so without an upper bound one typing error could put a
    /// whole dataset into it.
    pub const CONCURRENCY: Range<u32> = Range::new(1, 100_000);
    pub const RPM: Range<u32> = Range::new(1, 1_000_000_000);

    /// Returns one fault for each limit that is out of its range.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let faults = [
            Self::CONCURRENCY.fault("/rate_limit/concurrency", self.concurrency),
            Self::RPM.fault("/rate_limit/rpm", self.rpm),
            ModelLimit::RPS.fault("/rate_limit/rps", self.rps),
            ModelLimit::TPM.fault("/rate_limit/tpm", self.tpm),
            Range::new(1, 1_000_000_000_000_000).fault("/rate_limit/tokens_per_day", self.tokens_per_day),
            Range::new(0.000_001, 1_000_000_000.0)
                .fault("/rate_limit/cost_per_day_usd", self.cost_per_day_usd),
            self.zone().err(),
        ];
        let mut faults: Vec<_> = faults.into_iter().flatten().collect();
        faults.extend(ModelLimit::faults(&self.models, "/rate_limit/models"));
        faults
    }

    /// Returns the time zone of the day, or the fault of its name.
    pub fn zone(&self) -> Result<TimeZone, ConfigFault> {
        let Some(name) = &self.time_zone else { return Ok(TimeZone::UTC) };
        TimeZone::get(name).map_err(|_| ConfigFault {
            pointer: "/rate_limit/time_zone".to_owned(),
            detail: format!("`{name}` is no time zone of the IANA database, such as Europe/Berlin"),
        })
    }
}

/// An API key to store. Its value is encrypted when it arrives and never shown again.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// Name of the key, unique within the provider.
    pub label: String,
    #[cfg_attr(feature = "openapi", schema(write_only))]
    pub value: String,
    /// Weight of this key, from 1 to 100: its share of the calls, relative to the weights of the other keys. Default:
    /// 1.
    #[serde(default = "one", deserialize_with = "number")]
    pub weight: u32,
}

impl NewApiKey {
    pub const WEIGHT: Range<u32> = Range::new(1, 100);
}

const fn one() -> u32 {
    1
}

// Not derived, because that would print the key.
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
    /// Name of the provider, unique in its tenant, of 1 to 200 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: String,
    pub kind: ProviderKind,
    /// Protocol of the provider's API. Default: the protocol of its `kind`.
    #[serde(default)]
    pub protocol: Option<ProviderProtocol>,
    /// Base URL without the path of the protocol, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// Proxy of the calls: a URL with the scheme `http`, `https`, `socks5` or `socks5h` and without credentials, or `none`.
    /// Default: `RUNMILL_PROVIDER_PROXY` of the executor.
    #[serde(default)]
    pub proxy: Option<String>,
    #[serde(default)]
    pub api_keys: Vec<NewApiKey>,
    /// HTTP headers to send with every call. Their values are encrypted like keys.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "strict")]
    pub capabilities: Capabilities,
    #[serde(default, deserialize_with = "strict_limits")]
    pub rate_limit: RateLimit,
    /// Time-outs for this provider. They take precedence over the workspace's settings.
    #[serde(default)]
    pub request: RequestOverride,
    /// Retries for this provider. They take precedence over the workspace's settings.
    #[serde(default)]
    pub retry: RetryOverride,
    /// True if tokens of other tenants may use the provider, too.
    // An older server does not know the field.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
}

// Not derived, because header values are secrets, too.
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

/// Changes of a provider. An absent field keeps its value. A list or an object replaces the whole old one.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ProviderPatch {
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    pub protocol: Option<ProviderProtocol>,
    pub base_url: Option<String>,
    pub proxy: Option<String>,
    pub api_keys: Option<Vec<NewApiKey>>,
    pub headers: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "strict_option")]
    pub capabilities: Option<Capabilities>,
    #[serde(deserialize_with = "strict_limits_option")]
    pub rate_limit: Option<RateLimit>,
    pub request: Option<RequestOverride>,
    pub retry: Option<RetryOverride>,
    // An older server does not know the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<bool>,
}

/// A provider: an account at a vendor, or a server, with its keys and limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Provider {
    pub id: ProviderId,
    /// Tenant to which the provider belongs.
    #[serde(default)]
    pub tenant: Tenant,
    /// True if tokens of other tenants may use the provider, too. They see neither its keys and headers nor its use.
    #[serde(default)]
    pub shared: bool,
    pub name: String,
    pub kind: ProviderKind,
    pub protocol: ProviderProtocol,
    pub base_url: String,
    #[serde(default)]
    pub proxy: Option<String>,
    pub api_keys: Vec<ApiKeyView>,
    pub headers: Vec<HeaderView>,
    pub capabilities: Capabilities,
    pub rate_limit: RateLimit,
    #[serde(default)]
    pub request: RequestOverride,
    #[serde(default)]
    pub retry: RetryOverride,
    /// Version of the provider: 1 at first, and incremented with every change.
    pub version: i64,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
}

/// An API key with its value masked: its last characters are shown, or none if it is short.
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
