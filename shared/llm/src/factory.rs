use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use prometheus::Registry;
use runmill_address::AddressRules;
use runmill_clock::Clock;
use runmill_egress::Egress;
use runmill_pricing::{PriceTable, Seller};
use runmill_proto::{
    ProviderId,
    api::{ExecutorKey, ProviderProtocol},
};
use runmill_quota::Lanes;

use crate::{
    Client, Random, Target, TargetError,
    client::Wire,
    keys::Keys,
    layer::{
        exchange::Exchange,
        negotiate::Negotiate,
        observe::Metrics,
        timeout::Timeout,
        wiring::{Identity, Wired},
    },
    protocol::{
        Protocol, anthropic_messages::AnthropicMessages, gemini::Gemini, openai_chat::OpenAiChat,
        openai_responses::OpenAiResponses,
    },
    redact::Redactor,
    target,
    transport::Transport,
};

/// Settings that all clients of a process share.
#[derive(Clone)]
pub struct FactorySettings {
    pub clock: Clock,
    pub random: Random,
    pub user_agent: String,
    /// Limits of the providers. Every attempt needs the admission of its provider's lane.
    pub lanes: Arc<Lanes>,
    /// Prices of models.
    pub prices: Arc<PriceTable>,
    /// Rules for the addresses that may be called.
    pub address_rules: AddressRules,
    /// Proxy of the calls, and the certificates that they trust.
    pub egress: Egress,
    /// Maximum number of clients that are kept. Beyond it, the least recently used one is dropped, with its idle
    /// connections.
    pub clients_max: usize,
}

impl FactorySettings {
    /// Returns settings without prices, for a process whose calls are limited by `lanes`.
    pub fn new(clock: Clock, lanes: Arc<Lanes>) -> Self {
        Self {
            clock,
            lanes,
            random: Arc::new(rand::random::<f64>),
            user_agent: concat!("runmill/", env!("CARGO_PKG_VERSION")).to_owned(),
            prices: Arc::default(),
            address_rules: AddressRules::default(),
            egress: Egress::default(),
            clients_max: 256,
        }
    }
}

/// Makes clients, and keeps them because a client holds the connections to its provider.
pub struct Factory {
    settings: FactorySettings,
    metrics: Arc<Metrics>,
    clients: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    by_provider: HashMap<ProviderId, Kept>,
    /// Logical clock: counts the uses of all clients.
    uses: u64,
}

struct Kept {
    client: Arc<Client>,
    last_use: u64,
}

impl Factory {
    /// Makes a factory. Only one is possible for each registry, because its metrics can be registered only once.
    /// Installs `ring` as the process's provider of cryptography for TLS, unless there is one.
    pub fn new(settings: FactorySettings, registry: &Registry) -> prometheus::Result<Self> {
        // An error means that one is already installed, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let metrics = Arc::new(Metrics::register(registry)?);
        Ok(Self { settings, metrics, clients: Mutex::default() })
    }

    /// Returns the client of this provider. From now on it uses this version of the provider's settings, or a newer
    /// one that it already has.
    ///
    /// Attempts in flight end with the settings with which they began. The next attempt of the same call uses the new
    /// ones.
    pub fn client(&self, target: &Target) -> Result<Arc<Client>, TargetError> {
        let identity = Identity { version: target.version, connect_timeout: target.connect_timeout };
        let mut clients = self.clients();
        let known = clients.find(target.provider_id);
        if let Some(client) = &known {
            let current = client.wiring().now();
            if current.identity != identity && current.identity.version <= identity.version {
                client.wiring().replace(self.wire(target, identity, Some(&current))?);
            }
            return Ok(client.clone());
        }
        let wired = self.wire(target, identity, None)?;
        let lane = self.settings.lanes.lane(target.provider_id);
        let client = Client::new(wired, target, lane, &self.settings, self.metrics.clone());
        let client = Arc::new(client);
        clients.keep(target.provider_id, &client, self.settings.clients_max);
        Ok(client)
    }

    /// Forgets the client of a provider that is gone. Calls in flight go on.
    pub fn forget(&self, provider_id: ProviderId) {
        self.clients().by_provider.remove(&provider_id);
    }

    /// Makes the circuit breaker of every key half-open, because a user reports that the cause is corrected.
    pub fn reset_key_breakers(&self) {
        self.clients().by_provider.values().for_each(|kept| kept.client.reset_key_breakers());
    }

    /// Returns the state of a provider's keys, or nothing if the provider was not called yet.
    pub fn keys(&self, provider_id: ProviderId) -> Vec<ExecutorKey> {
        self.clients().by_provider.get(&provider_id).map(|kept| kept.client.keys()).unwrap_or_default()
    }

    /// Forgets every client. Calls in flight go on.
    pub fn reset(&self) {
        *self.clients() = Clients::default();
    }

    fn wire(
        &self,
        target: &Target,
        identity: Identity,
        before: Option<&Wired<Wire>>,
    ) -> Result<Wired<Wire>, TargetError> {
        let protocol = protocol(target)?;
        let FactorySettings { user_agent, address_rules, egress, .. } = &self.settings;
        let transport = Transport::new(target, user_agent, *address_rules, egress)?;
        let keys = Keys::new(target::keys(target, &*protocol)?);
        let redactor = Redactor::new(target.keys.iter().map(|key| &key.value), &target.headers);
        let (api, clock) = ((target.protocol, target.kind), self.settings.clock.clone());
        let exchange = Exchange { protocol, api, transport, redactor, clock };
        // The negotiated forms stay valid if the new wiring has the same server and the same protocol.
        let memory = before.map(|wired| &wired.inner.inner).filter(|it| it.inner.is_like(&exchange));
        let memory = memory.map(|negotiate| negotiate.memory.clone()).unwrap_or_default();
        let has_logprobs = target.protocol != ProviderProtocol::AnthropicMessages;
        let seller = Seller::at(target.kind, &target.base_url);
        Ok(Wired {
            identity,
            keys,
            seller,
            inner: Timeout { inner: Negotiate { inner: exchange, memory, has_logprobs } },
        })
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().expect("nothing panics while it holds this lock")
    }
}

fn protocol(target: &Target) -> Result<Box<dyn Protocol>, TargetError> {
    let (kind, base_url) = (target.kind, target.url()?);
    Ok(match target.protocol {
        ProviderProtocol::AnthropicMessages => Box::new(AnthropicMessages),
        ProviderProtocol::Gemini => Box::new(Gemini),
        ProviderProtocol::OpenaiChat => Box::new(OpenAiChat::for_provider(kind, &base_url)),
        ProviderProtocol::OpenaiResponses => Box::new(OpenAiResponses::for_provider(kind, &base_url)),
    })
}

impl Clients {
    fn find(&mut self, id: ProviderId) -> Option<Arc<Client>> {
        self.uses += 1;
        let kept = self.by_provider.get_mut(&id)?;
        kept.last_use = self.uses;
        Some(kept.client.clone())
    }

    fn keep(&mut self, id: ProviderId, client: &Arc<Client>, max: usize) {
        self.by_provider.remove(&id);
        if self.by_provider.len() >= max {
            let oldest = self.by_provider.iter().min_by_key(|(_, kept)| kept.last_use).map(|(id, _)| *id);
            oldest.and_then(|id| self.by_provider.remove(&id));
        }
        self.by_provider.insert(id, Kept { client: client.clone(), last_use: self.uses });
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use jiff::Timestamp;
    use runmill_proto::api::ProviderKind;
    use uuid::Uuid;

    use super::*;
    use crate::TargetKey;

    fn factory(clients_max: usize) -> Factory {
        let settings = FactorySettings::new(Clock::fixed(Timestamp::UNIX_EPOCH), Arc::new(Lanes::new(1)));
        Factory::new(FactorySettings { clients_max, ..settings }, &Registry::new()).unwrap()
    }

    fn target(provider: u128, label: &str, version: i64) -> Target {
        Target {
            provider_id: ProviderId::from_uuid(Uuid::from_u128(provider)),
            version,
            kind: ProviderKind::Custom,
            protocol: ProviderProtocol::OpenaiChat,
            base_url: "http://127.0.0.1:1/v1".into(),
            proxy: None,
            keys: vec![TargetKey { label: label.into(), value: "sk-1".into(), weight: 1 }],
            headers: BTreeMap::new(),
            connect_timeout: Duration::from_secs(1),
        }
    }

    fn label(client: &Client) -> String {
        client.keys()[0].label.clone()
    }

    #[test]
    fn a_client_is_kept_until_it_is_forgotten_or_all_are() {
        let factory = factory(9);
        let client = || factory.client(&target(1, "a", 1)).unwrap();
        let first = client();
        assert!(Arc::ptr_eq(&first, &client()));

        factory.forget(target(1, "a", 1).provider_id);
        let second = client();
        assert!(!Arc::ptr_eq(&first, &second));
        factory.reset();
        assert!(!Arc::ptr_eq(&second, &client()));
    }

    #[test]
    fn a_newer_version_holds_for_whoever_has_the_client_and_an_older_one_does_not_come_back() {
        let factory = factory(9);
        let held = factory.client(&target(1, "old", 1)).unwrap();

        factory.client(&target(1, "new", 2)).unwrap();
        factory.client(&target(1, "old", 1)).unwrap();

        assert_eq!(label(&held), "new");
    }

    #[test]
    fn a_changed_setting_of_the_workspace_makes_new_connections() {
        let factory = factory(9);
        let client = factory.client(&target(1, "a", 1)).unwrap();
        let before = client.wiring().now();

        factory.client(&target(1, "a", 1)).unwrap();
        assert!(Arc::ptr_eq(&before, &client.wiring().now()));
        let slower = Target { connect_timeout: Duration::from_secs(2), ..target(1, "a", 1) };
        factory.client(&slower).unwrap();

        assert!(!Arc::ptr_eq(&before, &client.wiring().now()));
    }

    #[test]
    fn what_was_learnt_of_a_server_is_kept_while_it_is_the_same() {
        let factory = factory(9);
        let memory = |target: &Target| {
            let client = factory.client(target).unwrap();
            client.wiring().now().inner.inner.memory.clone()
        };
        let first = memory(&target(1, "a", 1));

        let other_key = memory(&target(1, "b", 2));
        let others = [
            Target { protocol: ProviderProtocol::OpenaiResponses, ..target(1, "b", 3) },
            Target { kind: ProviderKind::Openai, ..target(1, "b", 4) },
            Target { base_url: "http://127.0.0.1:2/v1".into(), ..target(1, "b", 5) },
        ];

        assert!(Arc::ptr_eq(&first, &other_key));
        let mut before = other_key;
        for other in others {
            let after = memory(&other);
            assert!(!Arc::ptr_eq(&before, &after), "{other:?}");
            before = after;
        }
    }

    #[test]
    fn the_client_that_was_unused_for_longest_goes_first() {
        let factory = factory(2);
        let ask = |provider| factory.client(&target(provider, "", 1)).unwrap();
        let (one, two) = (ask(1), ask(2));
        ask(1);
        ask(3);

        assert!(Arc::ptr_eq(&one, &ask(1)));
        assert!(!Arc::ptr_eq(&two, &ask(2)));
    }

    #[test]
    fn a_target_that_cannot_be_called_is_refused() {
        let factory = factory(1);
        let good = || target(1, "a", 1);
        let header = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.into())]);
        let key = |value: &str| vec![TargetKey { label: "a".into(), value: value.into(), weight: 1 }];
        let table = [
            (Target { base_url: "host".into(), ..good() }, "base URL: must be a URL such as"),
            (Target { base_url: "http://example.org/v1".into(), ..good() }, "RUNMILL_ALLOW_HTTP=true"),
            (
                Target { base_url: "https://169.254.169.254/v1".into(), ..good() },
                "RUNMILL_ALLOW_LINK_LOCAL=true",
            ),
            (Target { proxy: Some("proxy:3128".into()), ..good() }, "proxy: must be `none` or the URL"),
            (Target { keys: key("sk\n1"), ..good() }, "API key `a` cannot be sent"),
            (Target { headers: header("x y", "1"), ..good() }, "header `x y` cannot be sent"),
            (Target { headers: header("x-y", "s\u{7}ecret"), ..good() }, "header `x-y` cannot be sent"),
        ];
        for (target, want) in table {
            let error = factory.client(&target).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(want) && !error.contains("ecret"), "{error}");
        }
    }
}
