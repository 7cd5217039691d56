use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use prometheus::Registry;
use runmill_proto::{ProviderId, api::ProviderKind};
use runmill_quota::Gate;

use crate::{
    Client, Clock, Random, Target, TargetError,
    layer::{exchange::Exchange, observe::Metrics},
    protocol::{
        Protocol,
        openai_chat::{Dialect, OpenAiChat},
    },
    redact::Redactor,
    transport::Transport,
};

/// What every client of a process has in common.
#[derive(Clone)]
pub struct FactorySettings {
    pub clock: Clock,
    pub random: Random,
    pub user_agent: String,
    /// Clients kept at once. Above it, the one that was unused for longest goes, and its idle connections
    /// with it.
    pub clients_max: usize,
}

impl FactorySettings {
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            random: Arc::new(rand::random::<f64>),
            user_agent: concat!("runmill/", env!("CARGO_PKG_VERSION")).to_owned(),
            clients_max: 256,
        }
    }
}

/// Makes clients, and keeps them: a client holds the connections to its provider.
pub struct Factory {
    settings: FactorySettings,
    metrics: Arc<Metrics>,
    clients: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    by_key: HashMap<(ProviderId, String), Kept>,
    /// Grows with each use.
    uses: u64,
}

struct Kept {
    client: Arc<Client>,
    version: i64,
    connect_timeout: Duration,
    gate: Arc<Gate>,
    last_use: u64,
}

impl Factory {
    /// One for each registry: its metrics can be registered once. Makes `ring` the process's provider of
    /// cryptography for TLS, unless there is one.
    pub fn new(settings: FactorySettings, registry: &Registry) -> prometheus::Result<Self> {
        // An error says that there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let metrics = Arc::new(Metrics::register(registry)?);
        Ok(Self { settings, metrics, clients: Mutex::default() })
    }

    /// The client of this provider and key, as of this version of its settings. `gate` is the provider's
    /// lane's.
    ///
    /// Asking for a newer version drops every client of the provider's older ones; calls in flight on them
    /// end as they would have.
    pub fn client(&self, target: &Target, gate: &Arc<Gate>) -> Result<Arc<Client>, TargetError> {
        let mut clients = self.clients();
        if let Some(client) = clients.find(target, gate) {
            return Ok(client);
        }
        let client = Arc::new(self.build(target, gate)?);
        clients.keep(target, gate, &client, self.settings.clients_max);
        Ok(client)
    }

    /// Forgets every client. Calls in flight go on.
    pub fn reset(&self) {
        *self.clients() = Clients::default();
    }

    fn build(&self, target: &Target, gate: &Arc<Gate>) -> Result<Client, TargetError> {
        let protocol = protocol(target.kind)?;
        let transport = Transport::new(target, &*protocol, &self.settings.user_agent)?;
        let secrets = target.api_key.iter().chain(target.headers.values()).cloned();
        let redactor = Redactor::new(secrets);
        let FactorySettings { clock, random, .. } = self.settings.clone();
        let exchange = Exchange { protocol, transport, redactor, clock: Arc::clone(&clock) };
        Ok(Client::new(exchange, target, Arc::clone(gate), (clock, random), Arc::clone(&self.metrics)))
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().expect("nothing panics while it holds this lock")
    }
}

fn protocol(kind: ProviderKind) -> Result<Box<dyn Protocol>, TargetError> {
    match kind {
        ProviderKind::Openai => Ok(Box::new(OpenAiChat { dialect: Dialect::OpenAi })),
        ProviderKind::Custom => Ok(Box::new(OpenAiChat { dialect: Dialect::Compatible })),
        ProviderKind::Anthropic => Err(TargetError::Protocol("anthropic")),
        ProviderKind::Google => Err(TargetError::Protocol("google")),
    }
}

impl Clients {
    fn find(&mut self, target: &Target, gate: &Arc<Gate>) -> Option<Arc<Client>> {
        self.uses += 1;
        let kept = self.by_key.get_mut(&key(target))?;
        let same = kept.version == target.version
            && kept.connect_timeout == target.connect_timeout
            && Arc::ptr_eq(&kept.gate, gate);
        kept.last_use = self.uses;
        same.then(|| Arc::clone(&kept.client))
    }

    fn keep(&mut self, target: &Target, gate: &Arc<Gate>, client: &Arc<Client>, max: usize) {
        let id = target.provider_id;
        self.by_key.retain(|(provider_id, _), kept| *provider_id != id || kept.version >= target.version);
        if self.by_key.get(&key(target)).is_some_and(|kept| kept.version > target.version) {
            // Whoever still asks for the old gets it, and must not push out the new.
            return;
        }
        if self.by_key.len() >= max {
            let oldest = self.by_key.iter().min_by_key(|(_, kept)| kept.last_use).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.by_key.remove(&key));
        }
        let kept = Kept {
            client: Arc::clone(client),
            version: target.version,
            connect_timeout: target.connect_timeout,
            gate: Arc::clone(gate),
            last_use: self.uses,
        };
        self.by_key.insert(key(target), kept);
    }
}

fn key(target: &Target) -> (ProviderId, String) {
    (target.provider_id, target.key_label.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn factory(clients_max: usize) -> Factory {
        let settings = FactorySettings::new(Arc::new(|| Timestamp::UNIX_EPOCH));
        Factory::new(FactorySettings { clients_max, ..settings }, &Registry::new()).unwrap()
    }

    fn target(provider: u128, label: &str, version: i64) -> Target {
        Target {
            provider_id: ProviderId::from_uuid(Uuid::from_u128(provider)),
            version,
            kind: ProviderKind::Custom,
            base_url: "http://127.0.0.1:1/v1".into(),
            key_label: label.into(),
            api_key: None,
            headers: BTreeMap::new(),
            connect_timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_client_is_kept_until_something_of_it_changes() {
        let (factory, gate) = (factory(9), Arc::new(Gate::new(1)));
        let client = |target: &Target, gate: &Arc<Gate>| factory.client(target, gate).unwrap();
        let first = client(&target(1, "a", 1), &gate);
        assert!(Arc::ptr_eq(&first, &client(&target(1, "a", 1), &gate)));

        let slower = Target { connect_timeout: Duration::from_secs(2), ..target(1, "a", 1) };
        for other in [target(1, "b", 1), target(2, "a", 1), slower, target(1, "a", 2)] {
            assert!(!Arc::ptr_eq(&first, &client(&other, &gate)), "{other:?}");
        }
        assert!(!Arc::ptr_eq(&first, &client(&target(1, "a", 1), &gate)), "the older version");

        let kept = client(&target(2, "a", 1), &gate);
        assert!(!Arc::ptr_eq(&kept, &client(&target(2, "a", 1), &Arc::new(Gate::new(1)))));
        let kept = client(&target(2, "a", 1), &gate);
        factory.reset();
        assert!(!Arc::ptr_eq(&kept, &client(&target(2, "a", 1), &gate)));
    }

    #[test]
    fn a_newer_version_drops_the_providers_older_clients_and_stays() {
        let (factory, gate) = (factory(9), Arc::new(Gate::new(1)));
        let ask = |target: &Target| factory.client(target, &gate).unwrap();
        ask(&target(1, "removed key", 1));
        ask(&target(2, "other provider", 1));
        let new = ask(&target(1, "a", 2));

        ask(&target(1, "a", 1));

        let labels: std::collections::BTreeSet<_> =
            factory.clients().by_key.keys().map(|(_, label)| label.clone()).collect();
        assert_eq!(labels, ["a", "other provider"].map(String::from).into());
        assert!(Arc::ptr_eq(&new, &ask(&target(1, "a", 2))));
    }

    #[test]
    fn the_client_that_was_unused_for_longest_goes_first() {
        let (factory, gate) = (factory(2), Arc::new(Gate::new(1)));
        let ask = |provider| factory.client(&target(provider, "", 1), &gate).unwrap();
        let (one, two) = (ask(1), ask(2));
        ask(1);
        ask(3);

        assert!(Arc::ptr_eq(&one, &ask(1)));
        assert!(!Arc::ptr_eq(&two, &ask(2)));
    }

    #[test]
    fn a_target_that_cannot_be_called_is_refused() {
        let (factory, gate) = (factory(1), Arc::new(Gate::new(1)));
        let good = || target(1, "a", 1);
        let header = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.into())]);
        let table = [
            (Target { base_url: "host".into(), ..good() }, "base URL: not a URL"),
            (Target { api_key: Some("sk\n1".into()), ..good() }, "API key `a` cannot be sent"),
            (Target { headers: header("x y", "1"), ..good() }, "header `x y` cannot be sent"),
            (Target { headers: header("x-y", "s\u{7}ecret"), ..good() }, "header `x-y` cannot be sent"),
            (Target { kind: ProviderKind::Google, ..good() }, "provider kind `google`"),
        ];
        for (target, want) in table {
            let error = factory.client(&target, &gate).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(want) && !error.contains("ecret"), "{error}");
        }
    }
}
