use clap::{Args, ValueEnum};
use runmill_proto::api::ProviderProtocol;

use super::provider_name::ProviderName;

/// Provider that the command calls.
#[derive(Args)]
pub struct ProviderArgs {
    /// Base URL of the provider, without /chat/completions, /responses, /messages or /models
    #[arg(
        long,
        value_name = "URL",
        default_value = "https://api.openai.com/v1",
        conflicts_with = "provider"
    )]
    pub base_url: String,
    /// Wire protocol; by default the vendor's own, and OpenAI's chat completions at other addresses
    #[arg(long, value_enum, conflicts_with = "provider")]
    pub protocol: Option<ProtocolArg>,
    /// Name or ID of a provider that the server knows, in place of --base-url; `runmill providers list` shows them
    #[arg(long, value_name = "NAME", requires = "server")]
    pub provider: Option<ProviderName>,
    /// Environment variable that holds the API key; by default `ANTHROPIC_API_KEY` at Anthropic's address,
    /// `GEMINI_API_KEY` at Google's, and `OPENAI_API_KEY` at others
    #[arg(long, value_name = "NAME")]
    pub api_key_env: Option<String>,
    /// Header of every request to the provider; it is stored encrypted. May be given several times
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "provider")]
    pub header: Vec<String>,
    /// Say whether the model takes images; they are sent unless it is `no`, which refuses items that have some
    #[arg(long, value_enum, conflicts_with = "provider")]
    pub images: Option<YesOrNo>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum YesOrNo {
    Yes,
    No,
}

impl YesOrNo {
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ProtocolArg {
    OpenaiChat,
    OpenaiResponses,
    AnthropicMessages,
    Gemini,
}

impl From<ProtocolArg> for ProviderProtocol {
    fn from(protocol: ProtocolArg) -> Self {
        match protocol {
            ProtocolArg::OpenaiChat => Self::OpenaiChat,
            ProtocolArg::OpenaiResponses => Self::OpenaiResponses,
            ProtocolArg::AnthropicMessages => Self::AnthropicMessages,
            ProtocolArg::Gemini => Self::Gemini,
        }
    }
}
