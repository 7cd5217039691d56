use anyhow::Context;
use reqwest::Url;
use runmill_proto::{
    ProviderId,
    api::{
        Capabilities, NewApiKey, NewProvider, Provider, ProviderKind, ProviderPatch, ProviderProtocol,
        RateLimit, RequestOverride, RetryOverride,
    },
};

use crate::{cli::ProviderArgs, client::Client, process::Process};

/// Whom a command is to call.
pub enum ProviderChoice {
    Known(ProviderId),
    /// Named after its address, and made when it is not there.
    At(Address),
}

pub struct Address {
    pub base_url: String,
    /// None: as its vendor speaks.
    pub protocol: Option<ProviderProtocol>,
    pub api_key: Option<String>,
    pub concurrency: Option<u32>,
}

impl ProviderChoice {
    pub fn from_args(args: &ProviderArgs, concurrency: Option<u32>, process: &Process) -> Self {
        if let Some(id) = args.provider {
            return Self::Known(id);
        }
        let variable = args.api_key_env.as_deref().unwrap_or_else(|| key_variable(kind(&args.base_url)));
        Self::At(Address {
            base_url: args.base_url.clone(),
            protocol: args.protocol.map(ProviderProtocol::from),
            api_key: process.env.get(variable).map(str::to_owned),
            concurrency,
        })
    }

    /// Of the provider as the server knows it, with the key as it is now.
    pub async fn id(&self, client: &Client) -> anyhow::Result<ProviderId> {
        match self {
            Self::Known(id) => Ok(*id),
            Self::At(address) => Ok(address.provider(client).await?.id),
        }
    }
}

impl Address {
    /// Whose address it is.
    pub fn kind(&self) -> ProviderKind {
        kind(&self.base_url)
    }

    async fn provider(&self, client: &Client) -> anyhow::Result<Provider> {
        let name = match self.protocol {
            None => format!("cli {}", self.base_url()),
            Some(protocol) => format!("cli {} {protocol}", self.base_url()),
        };
        let Some(found) = client.provider_named(&name).await? else {
            return client
                .create_provider(&self.new_provider(name))
                .await
                .context("the provider was not taken");
        };
        let keys = self.keys();
        let patch = ProviderPatch {
            api_keys: (!keys.is_empty()).then_some(keys),
            rate_limit: Some(self.rate_limit()),
            ..ProviderPatch::default()
        };
        Ok(client.patch_provider(&found, &patch).await?)
    }

    fn new_provider(&self, name: String) -> NewProvider {
        NewProvider {
            name,
            kind: self.kind(),
            protocol: self.protocol,
            base_url: self.base_url().to_owned(),
            api_keys: self.keys(),
            headers: std::collections::BTreeMap::default(),
            capabilities: Capabilities::default(),
            rate_limit: self.rate_limit(),
            request: RequestOverride::default(),
            retry: RetryOverride::default(),
        }
    }

    fn base_url(&self) -> &str {
        self.base_url.trim_end_matches('/')
    }

    fn keys(&self) -> Vec<NewApiKey> {
        let key = |value: &String| NewApiKey { label: "cli".to_owned(), value: value.clone(), weight: 1 };
        self.api_key.iter().map(key).collect()
    }

    pub fn rate_limit(&self) -> RateLimit {
        RateLimit { concurrency: self.concurrency, ..RateLimit::default() }
    }
}

/// Whose address it is. Google also speaks OpenAI's protocol, below a path of its own.
fn kind(base_url: &str) -> ProviderKind {
    let url = Url::parse(base_url.trim()).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    match host {
        "api.openai.com" => ProviderKind::Openai,
        "api.anthropic.com" => ProviderKind::Anthropic,
        "generativelanguage.googleapis.com" if !base_url.contains("/openai") => ProviderKind::Google,
        _ => ProviderKind::Custom,
    }
}

/// Where each vendor's own clients look for the key.
const fn key_variable(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Openai | ProviderKind::Custom => "OPENAI_API_KEY",
        ProviderKind::Anthropic => "ANTHROPIC_API_KEY",
        ProviderKind::Google => "GEMINI_API_KEY",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_whose_it_is() {
        let table = [
            ("https://api.openai.com/v1", ProviderKind::Openai),
            ("https://api.anthropic.com/v1/", ProviderKind::Anthropic),
            ("https://generativelanguage.googleapis.com/v1beta", ProviderKind::Google),
            ("https://generativelanguage.googleapis.com/v1beta/openai", ProviderKind::Custom),
            ("http://api.openai.com.example.org/v1", ProviderKind::Custom),
            ("http://127.0.0.1:8000/v1", ProviderKind::Custom),
            ("no address", ProviderKind::Custom),
        ];
        for (base_url, want) in table {
            assert_eq!(kind(base_url), want, "{base_url}");
        }
    }
}
