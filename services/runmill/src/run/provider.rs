use std::collections::BTreeMap;

use anyhow::Context;
use reqwest::{StatusCode, Url};
use runmill_address::{AddressRules, BaseUrl};
use runmill_proto::api::{
    Capabilities, NewApiKey, NewProvider, Provider, ProviderKind, ProviderPatch, ProviderProtocol, RateLimit,
    RequestOverride, RetryOverride,
};

use super::{hash_label::hash_label, headers};
use crate::{
    cli::{ProviderArgs, ProviderName, YesOrNo},
    client::{Client, ClientError},
    env_key::env_key,
    exit::usage,
    process::Process,
    screen::note,
};

/// Provider that a command calls.
pub enum ProviderChoice {
    /// A provider of the server.
    Known(ProviderName),
    /// A provider that is named after its address, and created if the server does not have it.
    At(Address),
}

pub struct Address {
    pub base_url: String,
    /// Protocol of the API. `None` stands for the vendor's own protocol.
    pub protocol: Option<ProviderProtocol>,
    pub api_key: Option<String>,
    /// Environment variable from which the key was read.
    pub key_variable: String,
    pub headers: BTreeMap<String, String>,
    /// True if the model takes images, false if it takes none. `None` leaves it as the server has it.
    pub images: Option<bool>,
    /// Limits that the command states.
    pub limits: StatedLimits,
}

/// Limits of a provider that a command can state.
#[derive(Clone, Copy, Debug, Default)]
pub struct StatedLimits {
    pub concurrency: Option<u32>,
    pub rpm: Option<u32>,
}

impl ProviderChoice {
    pub fn from_args(args: &ProviderArgs, limits: StatedLimits, process: &Process) -> anyhow::Result<Self> {
        if let Some(name) = &args.provider {
            return Ok(Self::Known(name.clone()));
        }
        check(&args.base_url)?;
        let variable = args.api_key_env.as_deref().unwrap_or_else(|| key_variable(kind(&args.base_url)));
        let api_key = env_key(&process.env, variable)?;
        if api_key.is_none() && args.api_key_env.is_some() {
            return usage(format_args!("--api-key-env {variable}: the variable is not set"));
        }
        Ok(Self::At(Address {
            base_url: args.base_url.clone(),
            protocol: args.protocol.map(ProviderProtocol::from),
            api_key,
            key_variable: variable.to_owned(),
            headers: headers::parse(&args.header)?,
            images: args.images.map(YesOrNo::is_yes),
            limits,
        }))
    }

    /// Returns a remark on the key if the command has none and `provider` has none either.
    pub fn missing_key(&self, provider: &Provider) -> Option<String> {
        match self {
            Self::At(address) if address.lacks_key(Some(provider)) => Some(address.missing_key()),
            _ => None,
        }
    }

    /// Returns the provider, after sending the settings of this command to the server if they differ.
    pub async fn provider(&self, client: &Client) -> anyhow::Result<Provider> {
        match self {
            Self::Known(name) => known(client, name).await,
            Self::At(address) => {
                let provider = address.provider(client).await?;
                if let Some(text) = address.stored_key(&provider) {
                    note!("{text}");
                }
                Ok(provider)
            }
        }
    }
}

/// Returns the provider that a user names.
pub async fn known(client: &Client, name: &ProviderName) -> anyhow::Result<Provider> {
    match name {
        ProviderName::Id(id) => Ok(client.provider(*id).await?),
        ProviderName::Named(name) => match client.provider_named(name).await? {
            Some(provider) => Ok(provider),
            None => usage(format_args!(
                "no provider has the name `{name}`; `runmill providers list` shows those that there are"
            )),
        },
    }
}

/// Checks the form of a base URL before anything is sent with it, since it may have a password. Whether the address may be
/// called is decided by the server.
fn check(base_url: &str) -> anyhow::Result<()> {
    let any_address = AddressRules { allow_http: true, allow_link_local: true };
    match BaseUrl::normalise(base_url, any_address) {
        Ok(_) => Ok(()),
        Err(fault) => usage(format_args!("--base-url {fault}")),
    }
}

impl Address {
    /// Returns the vendor of the address.
    pub fn kind(&self) -> ProviderKind {
        kind(&self.base_url)
    }

    async fn provider(&self, client: &Client) -> anyhow::Result<Provider> {
        let name = self.name();
        let found = client.provider_named(&name).await?;
        // The vendors serve nobody without a key. Other servers may need none.
        if self.kind() != ProviderKind::Custom && self.lacks_key(found.as_ref()) {
            return usage(self.missing_key());
        }
        let Some(found) = found else {
            return match client.create_provider(&self.new_provider(name)).await {
                Err(ClientError::Refused { status: StatusCode::FORBIDDEN, detail }) => usage(format_args!(
                    "a new provider is refused: {detail}; --provider names one that is there (`runmill providers list`)"
                )),
                created => created.context("the provider is refused"),
            };
        };
        match self.change(&found) {
            Some(patch) => Ok(client.patch_provider(&found, &patch).await?),
            None => Ok(found),
        }
    }

    fn lacks_key(&self, found: Option<&Provider>) -> bool {
        let is_known = found.is_some_and(|found| !found.api_keys.is_empty());
        // A header may hold the key.
        self.api_key.is_none() && self.headers.is_empty() && !is_known
    }

    /// Returns a remark on the keys of an earlier command if this one has none, because their owner pays for its calls.
    fn stored_key(&self, provider: &Provider) -> Option<String> {
        let masked: Vec<_> = provider.api_keys.iter().map(|key| key.masked.as_str()).collect();
        let keys = match masked.as_slice() {
            [] => return None,
            [one] => format!("key {one} that an earlier command stored is"),
            some => format!("keys {} that were stored earlier are", some.join(", ")),
        };
        self.api_key.is_none().then(|| format!("{} is not set: the {keys} used", self.key_variable))
    }

    fn missing_key(&self) -> String {
        format!("{} is not set; --api-key-env names another variable", self.key_variable)
    }

    /// Returns the settings of this command that differ from the server's, or `None` if none do. Equal settings are
    /// not sent, because sending keys resets their circuit breakers and resumes runs.
    fn change(&self, found: &Provider) -> Option<ProviderPatch> {
        let new_key = self.keys().first().is_some_and(|key| !has(found, key));
        let limit = self.above(&found.rate_limit);
        let new_limit = limit != found.rate_limit;
        let capabilities = self.capabilities(&found.capabilities);
        let new_capabilities = capabilities != found.capabilities;
        let new_host = host(&found.base_url) != host(self.base_url());
        (new_key || new_limit || new_capabilities || new_host).then(|| ProviderPatch {
            base_url: new_host.then(|| self.base_url().to_owned()),
            api_keys: new_key.then(|| self.keys()),
            capabilities: new_capabilities.then_some(capabilities),
            rate_limit: new_limit.then_some(limit),
            ..ProviderPatch::default()
        })
    }

    /// Returns the provider's name. Commands with other headers have other providers, because headers can change what
    /// a model answers. The two names of this machine are one provider.
    fn name(&self) -> String {
        let protocol = self.protocol.map(|protocol| format!(" {protocol}")).unwrap_or_default();
        let headers =
            headers::label(&self.headers).map(|label| format!(" headers {label}")).unwrap_or_default();
        let base_url =
            self.base_url().replacen("//localhost", "//127.0.0.1", usize::from(self.is_localhost()));
        format!("cli {base_url}{protocol}{headers}")
    }

    fn is_localhost(&self) -> bool {
        host(self.base_url()).is_some_and(|host| host == "localhost")
    }

    fn new_provider(&self, name: String) -> NewProvider {
        NewProvider {
            name,
            kind: self.kind(),
            protocol: self.protocol,
            base_url: self.base_url().to_owned(),
            proxy: None,
            api_keys: self.keys(),
            headers: self.headers.clone(),
            capabilities: self.capabilities(&Capabilities::default()),
            rate_limit: self.above(&RateLimit::default()),
            request: RequestOverride::default(),
            retry: RetryOverride::default(),
            shared: false,
        }
    }

    fn base_url(&self) -> &str {
        self.base_url.trim_end_matches('/')
    }

    fn keys(&self) -> Vec<NewApiKey> {
        let key = |value: &String| NewApiKey { label: label(value), value: value.clone(), weight: 1 };
        self.api_key.iter().map(key).collect()
    }

    /// Returns the limits of a run: those of this command, or the server's if the command states none.
    pub async fn rate_limit(&self, client: Option<&Client>) -> Result<RateLimit, ClientError> {
        let known = match client {
            Some(client) => client.provider_named(&self.name()).await?,
            None => None,
        };
        Ok(self.above(&known.map(|known| known.rate_limit).unwrap_or_default()))
    }

    fn capabilities(&self, known: &Capabilities) -> Capabilities {
        Capabilities { images: self.images.or(known.images), ..known.clone() }
    }

    fn above(&self, known: &RateLimit) -> RateLimit {
        let StatedLimits { concurrency, rpm } = self.limits;
        RateLimit { concurrency: concurrency.or(known.concurrency), rpm: rpm.or(known.rpm), ..known.clone() }
    }
}

/// Returns true if the provider has this key and no other.
fn has(found: &Provider, key: &NewApiKey) -> bool {
    matches!(found.api_keys.as_slice(), [only] if only.label == key.label)
}

/// Returns a label that distinguishes a person's keys and does not reveal them.
/// Masked values cannot distinguish them: a key and the same key with a typing error can look alike.
fn label(value: &str) -> String {
    format!("cli {}", hash_label(value.as_bytes()))
}

/// Returns the vendor of an address. Google also serves OpenAI's protocol, below a path of its own.
fn kind(base_url: &str) -> ProviderKind {
    match host(base_url).unwrap_or_default().as_str() {
        "api.openai.com" => ProviderKind::Openai,
        "api.anthropic.com" => ProviderKind::Anthropic,
        "generativelanguage.googleapis.com" if !base_url.contains("/openai") => ProviderKind::Google,
        _ => ProviderKind::Custom,
    }
}

fn host(base_url: &str) -> Option<String> {
    Url::parse(base_url.trim()).ok()?.host_str().map(str::to_owned)
}

/// Returns the environment variable from which the vendor's own clients read the key.
const fn key_variable(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Openai | ProviderKind::Custom => "OPENAI_API_KEY",
        ProviderKind::Anthropic => "ANTHROPIC_API_KEY",
        ProviderKind::Google => "GEMINI_API_KEY",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use runmill_proto::{ProviderId, Tenant, api::ApiKeyView};
    use runmill_vault::mask;
    use uuid::Uuid;

    use super::*;

    const KEY: &str = "sk-0123456789abcdef";

    fn address(api_key: Option<&str>, concurrency: Option<u32>) -> Address {
        Address {
            base_url: "https://api.openai.com/v1".to_owned(),
            protocol: None,
            api_key: api_key.map(str::to_owned),
            key_variable: "OPENAI_API_KEY".to_owned(),
            headers: BTreeMap::new(),
            images: None,
            limits: StatedLimits { concurrency, rpm: None },
        }
    }

    /// Returns the provider that a server shows after `address` has created it.
    fn made_by(address: &Address) -> Provider {
        let new = address.new_provider("cli".to_owned());
        let key =
            |key: NewApiKey| ApiKeyView { label: key.label, masked: mask(&key.value), weight: key.weight };
        Provider {
            id: ProviderId::from_uuid(Uuid::nil()),
            tenant: Tenant::default(),
            shared: new.shared,
            name: new.name,
            kind: new.kind,
            protocol: new.kind.default_protocol(),
            base_url: new.base_url,
            proxy: None,
            api_keys: new.api_keys.into_iter().map(key).collect(),
            headers: Vec::new(),
            capabilities: new.capabilities,
            rate_limit: new.rate_limit,
            request: new.request,
            retry: new.retry,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_was_not_said_or_is_so_already_is_not_sent() {
        let found = made_by(&address(Some(KEY), Some(4)));
        for same in [address(None, None), address(Some(KEY), None), address(Some(KEY), Some(4))] {
            assert!(same.change(&found).is_none(), "{:?}", same.limits);
        }
    }

    #[test]
    fn a_limit_that_differs_is_sent_with_the_others_as_they_are() {
        let mut found = made_by(&address(Some(KEY), Some(4)));
        found.rate_limit.rpm = Some(60);

        let patch = address(Some(KEY), Some(8)).change(&found).unwrap();

        assert!(patch.api_keys.is_none());
        let want = RateLimit { concurrency: Some(8), rpm: Some(60), ..RateLimit::default() };
        assert_eq!(patch.rate_limit, Some(want));

        let limits = StatedLimits { concurrency: None, rpm: Some(30) };
        let patch = Address { limits, ..address(None, None) }.change(&found).unwrap();
        let want = RateLimit { concurrency: Some(4), rpm: Some(30), ..RateLimit::default() };
        assert_eq!(patch.rate_limit, Some(want));
    }

    #[test]
    fn a_key_that_is_another_is_sent_alone() {
        // The last pair has the same mask.
        for (old, new) in [(None, KEY), (Some("k"), "l"), (Some(KEY), "sk-O123456789abcdef")] {
            let patch = address(Some(new), None).change(&made_by(&address(old, Some(4)))).unwrap();

            assert_eq!(patch.api_keys.unwrap()[0].value, new, "after {old:?}");
            assert!(patch.rate_limit.is_none());
        }
    }

    #[test]
    fn whether_the_model_takes_images_is_sent_if_it_was_said() {
        let mut found = made_by(&address(None, None));
        for (images, sent) in
            [(None, None), (Some(true), Some(true)), (Some(true), None), (Some(false), Some(false))]
        {
            let patch = Address { images, ..address(None, None) }.change(&found);
            let capabilities = patch.and_then(|patch| patch.capabilities);
            assert_eq!(capabilities.as_ref().and_then(|it| it.images), sent);
            found.capabilities = capabilities.unwrap_or(found.capabilities);
        }
    }

    #[test]
    fn other_headers_are_another_provider_whose_name_reveals_none() {
        let with = |value: &str| Address {
            headers: BTreeMap::from([("x-team".to_owned(), value.to_owned())]),
            ..address(None, None)
        };
        assert_eq!(address(None, None).name(), "cli https://api.openai.com/v1");
        assert_ne!(with("hidden").name(), with("other").name());
        assert!(!with("hidden").name().contains("hidden"));
        assert_eq!(with("hidden").new_provider("x".into()).headers["x-team"], "hidden");
    }

    #[test]
    fn the_names_of_this_machine_are_one_provider_at_the_address_of_the_command() {
        let at = |base_url: &str| Address { base_url: base_url.to_owned(), ..address(None, None) };
        let (named, numbered) = (at("http://localhost:8000/v1"), at("http://127.0.0.1:8000/v1/"));
        assert_eq!(named.name(), "cli http://127.0.0.1:8000/v1");
        assert_eq!(named.name(), numbered.name());
        assert_ne!(
            at("http://localhost.example.org/v1").name(),
            at("http://127.0.0.1.example.org/v1").name()
        );

        assert!(named.change(&made_by(&named)).is_none());
        let patch = named.change(&made_by(&numbered)).unwrap();
        assert_eq!(patch.base_url.as_deref(), Some("http://localhost:8000/v1"));
    }

    #[test]
    fn a_key_is_missing_if_neither_the_command_nor_the_provider_has_one() {
        let without = made_by(&address(None, None));
        let asked = |address: Address| ProviderChoice::At(address).missing_key(&without);
        let told = asked(address(None, None)).unwrap();
        assert_eq!(told, "OPENAI_API_KEY is not set; --api-key-env names another variable");
        assert_eq!(asked(address(Some(KEY), None)), None);
        let headers = BTreeMap::from([("authorization".to_owned(), "Bearer x".to_owned())]);
        assert_eq!(asked(Address { headers, ..address(None, None) }), None);
        let known = made_by(&address(Some(KEY), None));
        assert_eq!(ProviderChoice::At(address(None, None)).missing_key(&known), None);
    }

    #[test]
    fn a_key_of_an_earlier_command_is_told_and_masked() {
        let known = made_by(&address(Some(KEY), None));
        let told = address(None, None).stored_key(&known).unwrap();
        let masked = &known.api_keys[0].masked;
        assert_eq!(
            told,
            format!("OPENAI_API_KEY is not set: the key {masked} that an earlier command stored is used")
        );
        assert!(!told.contains(KEY));
        assert_eq!(address(Some(KEY), None).stored_key(&known), None);
        assert_eq!(address(None, None).stored_key(&made_by(&address(None, None))), None);
    }

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
