//! Names of LiteLLM, through which LightEval calls models.

use runmill_proto::api::ProviderProtocol;
use runmill_store::ProviderRow;

/// Caller of one protocol in LiteLLM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Litellm {
    /// Name before the `/` of a model's name.
    pub prefix: &'static str,
    /// Variable from which LiteLLM reads the key.
    pub key_variable: &'static str,
}

pub const OPENAI: Litellm = Litellm { prefix: "openai", key_variable: "OPENAI_API_KEY" };
const ANTHROPIC: Litellm = Litellm { prefix: "anthropic", key_variable: "ANTHROPIC_API_KEY" };
const GEMINI: Litellm = Litellm { prefix: "gemini", key_variable: "GEMINI_API_KEY" };

impl Litellm {
    pub fn of(provider: &ProviderRow) -> Self {
        match provider.protocol.unwrap_or_else(|| provider.kind.default_protocol()) {
            ProviderProtocol::OpenaiChat | ProviderProtocol::OpenaiResponses => OPENAI,
            ProviderProtocol::AnthropicMessages => ANTHROPIC,
            ProviderProtocol::Gemini => GEMINI,
        }
    }

    /// Returns the name by which LiteLLM calls the model. A prefix in the model's own name stays, because runs send it, too.
    pub fn model(self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    /// Returns the provider's base URL in LiteLLM's form: for Anthropic it ends before `/v1`.
    pub fn base_url(self, base_url: &str) -> &str {
        if self == ANTHROPIC { base_url.strip_suffix("/v1").unwrap_or(base_url) } else { base_url }
    }
}
