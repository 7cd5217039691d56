use reqwest::Url;
use runmill_pricing::is_host_of;
use runmill_proto::{Fix, api::ProviderKind};

use super::azure::{self, PathPrefix};
use crate::protocol::{Form, without_prefix};

/// Differences between the servers that speak OpenAI's protocols. The servers whose host is
/// known are in `HOSTS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Prefixes of this server's models in LiteLLM's names. They are removed on the wire.
    prefixes: &'static [&'static str],
    /// True if every model's name at this server is `author/model`, so that a name with one slash has no prefix.
    names_have_author: bool,
    /// True if a model is first asked for by its whole name. At a server whose host is not known, a name that looks
    /// like one with a prefix may be the server's own, as gateways have them, and without the prefix it may name
    /// another model. At a known host it cannot be. Either name follows where the other is refused.
    whole_names: bool,
    pub(super) key_header: KeyHeader,
    path_prefix: PathPrefix,
    /// Name of the token limit that is tried first; see [`Fix::OtherTokenLimit`].
    pub(in crate::protocol) token_limit: TokenLimit,
    pub(in crate::protocol) open_sampling: OpenSampling,
    pub(in crate::protocol) seed: Option<SeedName>,
    pub(in crate::protocol) stream_options: StreamOptions,
    pub(in crate::protocol) effort: EffortShape,
}

/// Header in which a key is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyHeader {
    /// `authorization: Bearer ...`
    Bearer,
    /// `api-key: ...`
    ApiKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum TokenLimit {
    /// `max_tokens`
    Old,
    /// `max_completion_tokens`
    New,
}

/// Acceptance of `top_k` and `repetition_penalty`, which servers of open models have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum OpenSampling {
    None,
    Known,
    /// The penalty is also sent as `repeat_penalty`, the only name that llama.cpp knows.
    BothNames,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum SeedName {
    /// `seed`
    Seed,
    /// `random_seed`
    RandomSeed,
}

/// Options of `stream_options` that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum StreamOptions {
    /// No option is accepted. The usage is always sent.
    None,
    /// `include_usage`
    Usage,
    /// `include_usage` and `include_obfuscation`. The server pads each event, to hide its size from observers, unless
    /// `include_obfuscation` is false, which saves a third of the bytes.
    UsageAndPadding,
}

/// Form of the chat completions parameter that sets the reasoning effort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum EffortShape {
    /// `"reasoning_effort": "low"`
    Plain,
    /// `"reasoning": {"effort": "low"}`
    Nested,
}

/// Dialect of OpenAI's own models and of most vendors, where an unknown parameter may be an error.
const STRICT: Dialect = Dialect {
    prefixes: &[],
    names_have_author: false,
    whole_names: false,
    key_header: KeyHeader::Bearer,
    path_prefix: PathPrefix::Direct,
    token_limit: TokenLimit::Old,
    open_sampling: OpenSampling::None,
    seed: Some(SeedName::Seed),
    stream_options: StreamOptions::Usage,
    effort: EffortShape::Plain,
};

/// Dialect of servers of open models, which accept more sampling parameters.
const OPEN: Dialect = Dialect { open_sampling: OpenSampling::Known, ..STRICT };

impl Dialect {
    /// Dialect of OpenAI's own API, whose reasoning models refuse `max_tokens`.
    pub const OPENAI: Self = Self {
        prefixes: &["openai/responses/", "openai/"],
        token_limit: TokenLimit::New,
        stream_options: StreamOptions::UsageAndPadding,
        ..STRICT
    };

    /// Dialect of vLLM, TGI, Ollama, llama.cpp and most others.
    ///
    /// LiteLLM uses `openai/` for any compatible server, so it is a prefix here, too. Only OpenAI's open models keep
    /// it: their names begin with it at every server, as `openai/gpt-oss-20b`.
    pub const COMPATIBLE: Self = Self {
        prefixes: &[
            "hosted_vllm/",
            "custom_openai/",
            "openai/",
            "ollama_chat/",
            "ollama/",
            "lm_studio/",
            "llamafile/",
        ],
        whole_names: true,
        open_sampling: OpenSampling::BothNames,
        ..OPEN
    };
}

/// Dialect of Azure. Old versions of its API know only `max_tokens`, or no `stream_options`; their errors show which.
pub(super) const AZURE: Dialect = Dialect {
    prefixes: &["azure/responses/", "azure/", "azure_ai/", "openai/"],
    key_header: KeyHeader::ApiKey,
    stream_options: StreamOptions::Usage,
    ..Dialect::OPENAI
};

/// Dialect of Mistral, which refuses unknown parameters, and always sends the usage.
const MISTRAL: Dialect = Dialect {
    prefixes: &["mistral/", "codestral/"],
    seed: Some(SeedName::RandomSeed),
    stream_options: StreamOptions::None,
    ..STRICT
};

/// Dialect of `DeepSeek`, which has no seed.
const DEEPSEEK: Dialect = Dialect { prefixes: &["deepseek/"], seed: None, ..STRICT };

const OPENROUTER: Dialect =
    Dialect { prefixes: &["openrouter/"], names_have_author: true, effort: EffortShape::Nested, ..OPEN };

/// Dialects by host, which includes the hosts of regions (`eu.api.openai.com`). Sources: the vendors' API references
/// and SDKs; for the prefixes, LiteLLM's list of providers.
const HOSTS: [(&str, Dialect); 16] = [
    ("api.anthropic.com", Dialect { prefixes: &["anthropic/"], ..STRICT }),
    ("api.cerebras.ai", Dialect { prefixes: &["cerebras/"], token_limit: TokenLimit::New, ..STRICT }),
    ("api.deepseek.com", DEEPSEEK),
    ("api.fireworks.ai", Dialect { prefixes: &["fireworks_ai/"], ..OPEN }),
    ("api.groq.com", Dialect { prefixes: &["groq/"], token_limit: TokenLimit::New, ..STRICT }),
    ("api.mistral.ai", MISTRAL),
    ("api.moonshot.ai", Dialect { prefixes: &["moonshot/"], ..STRICT }),
    ("api.openai.com", Dialect::OPENAI),
    ("api.together.ai", TOGETHER),
    ("api.together.xyz", TOGETHER),
    ("api.x.ai", Dialect { prefixes: &["xai/"], ..STRICT }),
    ("api.z.ai", Dialect { prefixes: &["zai/"], ..STRICT }),
    ("codestral.mistral.ai", MISTRAL),
    ("dashscope.aliyuncs.com", DASHSCOPE),
    ("dashscope-intl.aliyuncs.com", DASHSCOPE),
    ("openrouter.ai", OPENROUTER),
];

const TOGETHER: Dialect = Dialect { prefixes: &["together_ai/"], names_have_author: true, ..OPEN };
const DASHSCOPE: Dialect = Dialect { prefixes: &["dashscope/"], ..OPEN };

/// Beginnings of names that look like a prefix but are part of the name: OpenAI's open models, and Groq's own models.
const OWN_NAMES: [&str; 2] = ["openai/gpt-oss-", "groq/compound"];

impl Dialect {
    /// Returns the dialect of a provider by its host, or by its kind if the host is not known.
    pub fn at(kind: ProviderKind, base_url: &Url) -> Self {
        if azure::is_at(base_url) {
            return Self { path_prefix: PathPrefix::of(base_url), ..AZURE };
        }
        let host = base_url.host_str().unwrap_or_default();
        let by_kind = match kind {
            ProviderKind::Openai => Self::OPENAI,
            ProviderKind::Google => Self { prefixes: &["gemini/", "google/"], ..STRICT },
            ProviderKind::Anthropic => Self { prefixes: &["anthropic/"], ..STRICT },
            ProviderKind::Custom => Self::COMPATIBLE,
        };
        HOSTS.iter().find(|(name, _)| is_host_of(host, name)).map_or(by_kind, |(_, dialect)| *dialect)
    }

    /// Returns a model's name on the wire.
    pub(in crate::protocol) fn model(self, name: &str, form: Form) -> &str {
        let is_whole =
            if self.whole_names { !form.has(Fix::ShortModelName) } else { form.has(Fix::FullModelName) };
        if is_whole {
            return name;
        }
        let bare = without_prefix(name, self.prefixes);
        let is_own = OWN_NAMES.iter().any(|own| name.starts_with(own));
        if is_own || self.names_have_author && !bare.contains('/') { name } else { bare }
    }

    /// Returns the path of a method for `model`, which is its name on the wire.
    pub(in crate::protocol) fn path_of(self, model: &str, method: &str) -> String {
        self.path_prefix.path_of(model, method)
    }

    /// Returns the path of a method whose model is named in the request's body.
    pub(in crate::protocol) fn path(self, method: &str) -> String {
        self.path_prefix.path(method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(kind: ProviderKind, base_url: &str) -> Dialect {
        Dialect::at(kind, &base_url.parse().unwrap())
    }

    #[test]
    fn a_known_host_decides_and_else_the_kind() {
        use ProviderKind::{Custom, Openai};
        let table = [
            (Openai, "https://api.openai.com/v1", Dialect::OPENAI),
            (Custom, "https://eu.api.openai.com/v1", Dialect::OPENAI),
            (Openai, "http://proxy.internal/v1", Dialect::OPENAI),
            (Openai, "https://api.mistral.ai/v1", MISTRAL),
            (Custom, "https://OpenRouter.ai/api/v1", OPENROUTER),
            (Custom, "https://notopenrouter.ai/api/v1", Dialect::COMPATIBLE),
            (Custom, "http://127.0.0.1:8000/v1", Dialect::COMPATIBLE),
            (Custom, "https://r.openai.azure.com/openai/v1", AZURE),
        ];
        for (kind, base_url, want) in table {
            assert_eq!(at(kind, base_url), want, "{base_url}");
        }
    }

    #[test]
    fn a_model_is_asked_for_by_the_name_that_its_server_knows() {
        let azure = "https://r.openai.azure.com";
        let table = [
            ("https://api.openai.com", "openai/gpt-4o", "gpt-4o"),
            ("https://api.openai.com", "openai/responses/o3", "o3"),
            ("https://api.openai.com", "ft:gpt-4o:org/x", "ft:gpt-4o:org/x"),
            (azure, "azure/my-deployment", "my-deployment"),
            ("https://api.mistral.ai", "mistral/mistral-small-latest", "mistral-small-latest"),
            ("https://api.groq.com", "groq/openai/gpt-oss-20b", "openai/gpt-oss-20b"),
            ("https://api.groq.com", "openai/gpt-oss-20b", "openai/gpt-oss-20b"),
            ("https://api.groq.com", "groq/compound-mini", "groq/compound-mini"),
            ("https://api.deepseek.com", "deepseek/deepseek-chat", "deepseek-chat"),
            ("https://openrouter.ai", "openai/gpt-4o", "openai/gpt-4o"),
            ("https://openrouter.ai", "openrouter/openai/gpt-4o", "openai/gpt-4o"),
            ("https://openrouter.ai", "openrouter/auto", "openrouter/auto"),
            ("https://api.together.xyz", "together_ai/Qwen/Qwen3", "Qwen/Qwen3"),
        ];
        for (base_url, name, want) in table {
            let dialect = at(ProviderKind::Custom, base_url);
            let names = [Fix::ShortModelName, Fix::FullModelName].map(|fix| Form::default().with(fix));
            assert_eq!(dialect.model(name, Form::default()), want, "{name} at {base_url}");
            assert_eq!(names.map(|form| dialect.model(name, form)), [want, name], "{name} at {base_url}");
        }
    }

    #[test]
    fn an_unknown_server_is_asked_for_the_whole_name_first() {
        let table = [
            ("hosted_vllm/openai/gpt-oss-20b", "openai/gpt-oss-20b"),
            ("openai/gpt-oss-20b", "openai/gpt-oss-20b"),
            ("openai/small", "small"),
            ("ollama/llama3.2", "llama3.2"),
            ("Qwen/Qwen3", "Qwen/Qwen3"),
        ];
        for (name, short) in table {
            let dialect = Dialect::COMPATIBLE;
            let after_refusal = Form::default().with(Fix::ShortModelName);
            assert_eq!([Form::default(), after_refusal].map(|it| dialect.model(name, it)), [name, short]);
        }
    }
}
