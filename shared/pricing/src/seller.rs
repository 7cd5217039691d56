use runmill_proto::api::ProviderKind;

use crate::terms::Place;

/// Company that is paid for a call. It decides to which entries of a table a model's bare name may refer.
///
/// A self-hosted server is no vendor, whatever the names of its models: its `gpt-4o` does not have OpenAI's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seller {
    /// LiteLLM's prefixes that name this seller, written before a model's name and a slash; the most likely first.
    prefixes: &'static [&'static str],
    is_vendor: bool,
    /// Place where the seller's address processes calls.
    place: Place,
}

const OPENAI: Seller = vendor(&["openai"]);
const ANTHROPIC: Seller = vendor(&["anthropic"]);
/// Google, whose own API lists models as `models/...`.
const GOOGLE: Seller = vendor(&["gemini", "vertex_ai", "models"]);
/// Seller of any self-hosted server, for which LiteLLM has these prefixes.
const SELF_HOSTED: Seller =
    Seller { prefixes: &["hosted_vllm", "custom_openai"], is_vendor: false, place: Place::Global };

/// Vendors by the host of their OpenAI-compatible API, for custom providers. The list has only hosts that name models as the
/// vendor does.
const HOSTS: [(&str, Seller); 13] = [
    ("api.cerebras.ai", vendor(&["cerebras"])),
    ("api.deepseek.com", vendor(&["deepseek"])),
    ("api.fireworks.ai", vendor(&["fireworks_ai"])),
    ("api.groq.com", vendor(&["groq"])),
    ("api.minimax.io", vendor(&["minimax"])),
    ("api.mistral.ai", vendor(&["mistral"])),
    ("api.moonshot.ai", vendor(&["moonshot"])),
    ("api.openai.com", OPENAI),
    ("api.anthropic.com", ANTHROPIC),
    ("api.together.xyz", vendor(&["together_ai"])),
    ("api.x.ai", vendor(&["xai"])),
    ("api.z.ai", vendor(&["zai"])),
    ("generativelanguage.googleapis.com", GOOGLE),
];

const fn vendor(prefixes: &'static [&'static str]) -> Seller {
    Seller { prefixes, is_vendor: true, place: Place::Global }
}

impl Seller {
    /// Returns the seller of a provider: the vendor of its kind, or the vendor whose host a custom provider's address names.
    pub fn at(kind: ProviderKind, base_url: &str) -> Self {
        let known = |host: &str| HOSTS.iter().find(|(name, _)| is_host_of(host, name));
        let host = host(base_url);
        let seller = match (kind, host.and_then(known)) {
            (ProviderKind::Custom, Some((_, vendor))) => *vendor,
            _ => kind.into(),
        };
        Self { place: host.map_or(Place::Global, place), ..seller }
    }

    /// Returns the place where the seller processes calls, as far as its address tells.
    pub const fn place(self) -> Place {
        self.place
    }

    /// Returns `model` without a prefix of this seller.
    pub(crate) fn bare(self, model: &str) -> &str {
        self.prefixes.iter().find_map(|prefix| model.strip_prefix(prefix)?.strip_prefix('/')).unwrap_or(model)
    }

    /// Returns the names under which a table may have a model with this bare name, the most likely first.
    pub(crate) fn names(self, bare: &str) -> impl Iterator<Item = String> {
        let prefixed = self.prefixes.iter().map(move |prefix| format!("{prefix}/{bare}"));
        prefixed.chain([bare.to_owned()])
    }

    /// Returns true if this seller appends dates to the names of models' versions.
    pub(crate) fn dates_its_models(self) -> bool {
        self.is_vendor
    }
}

/// Converts a kind to its seller, if the provider's address is not known or does not matter.
impl From<ProviderKind> for Seller {
    fn from(kind: ProviderKind) -> Self {
        match kind {
            ProviderKind::Openai => OPENAI,
            ProviderKind::Anthropic => ANTHROPIC,
            ProviderKind::Google => GOOGLE,
            ProviderKind::Custom => SELF_HOSTED,
        }
    }
}

/// Returns true if `host` is a vendor's host `name`, or a regional one (`eu.api.openai.com`).
pub fn is_host_of(host: &str, name: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Returns the place that a vendor's regional host names.
fn place(host: &str) -> Place {
    let host = host.to_ascii_lowercase();
    match host.as_str() {
        "eu.api.openai.com" => Place::Eu,
        "us.api.openai.com" => Place::Us,
        "gov.api.openai.com" => Place::FedRamp,
        // Regions and groups of regions have hosts such as `europe-west4-aiplatform.googleapis.com` and
        // `aiplatform.eu.rep.googleapis.com`.
        _ if host.ends_with("-aiplatform.googleapis.com") || host.ends_with(".rep.googleapis.com") => {
            Place::Regional
        }
        _ => Place::Global,
    }
}

fn host(base_url: &str) -> Option<&str> {
    let (_, rest) = base_url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    host.split(':').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_vendors_own_host_is_the_vendor() {
        let mistral = vendor(&["mistral"]);
        let table = [
            ("https://api.mistral.ai/v1", mistral),
            ("https://API.Mistral.ai:443", mistral),
            ("https://api.mistral.ai?x=1", mistral),
            ("https://me:key@api.mistral.ai/v1", mistral),
            ("https://eu.api.openai.com/v1", Seller { place: Place::Eu, ..OPENAI }),
            ("https://notapi.openai.com/v1", SELF_HOSTED),
            ("https://api.mistral.ai.example.org/v1", SELF_HOSTED),
            ("https://api.mistral.ai@example.org/v1", SELF_HOSTED),
            ("https://example.org/api.mistral.ai", SELF_HOSTED),
            ("http://127.0.0.1:8090/v1", SELF_HOSTED),
            ("api.mistral.ai", SELF_HOSTED),
            ("", SELF_HOSTED),
        ];
        for (base_url, want) in table {
            assert_eq!(Seller::at(ProviderKind::Custom, base_url), want, "{base_url}");
        }
    }

    #[test]
    fn a_regional_host_tells_the_place() {
        let table = [
            ("https://us.api.openai.com/v1", Place::Us),
            ("https://GOV.api.openai.com/v1", Place::FedRamp),
            ("https://api.openai.com/v1", Place::Global),
            ("https://europe-west4-aiplatform.googleapis.com/v1", Place::Regional),
            ("https://aiplatform.eu.rep.googleapis.com/v1", Place::Regional),
            ("https://aiplatform.googleapis.com/v1", Place::Global),
        ];
        for (base_url, want) in table {
            assert_eq!(Seller::at(ProviderKind::Openai, base_url).place(), want, "{base_url}");
        }
    }

    #[test]
    fn a_vendors_kind_is_the_vendor_at_any_address() {
        let proxy = "https://proxy.example.org/api.mistral.ai";
        assert_eq!(Seller::at(ProviderKind::Openai, proxy), OPENAI);
        assert_eq!(Seller::at(ProviderKind::Anthropic, "https://api.mistral.ai"), ANTHROPIC);
    }
}
