//! A client and a request for tests.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use prometheus::Registry;
use runmill_clock::Clock;
use runmill_llm::{
    CallPolicy, ChatMessage, ChatRequest, Client, Factory, FactorySettings, Role, Target, TargetKey,
};
use runmill_proto::{
    ProviderId,
    api::{ProviderKind, ProviderProtocol, Settings},
};
use runmill_quota::Lanes;
use uuid::Uuid;

pub const KEY: &str = "sk-live-4f9a1c77e0b24d5a";
pub const HEADER_SECRET: &str = "team-secret-77aa";
pub const PROVIDER: ProviderId = ProviderId::from_uuid(Uuid::nil());

pub fn client(base_url: String) -> Arc<Client> {
    factory().client(&target(base_url)).unwrap()
}

pub fn factory() -> Factory {
    let settings = FactorySettings::new(Clock::fixed(Timestamp::UNIX_EPOCH), Arc::new(Lanes::new(8)));
    let settings = FactorySettings { random: Arc::new(|| 0.0), ..settings };
    Factory::new(settings, &Registry::new()).unwrap()
}

pub fn target(base_url: String) -> Target {
    Target {
        provider_id: PROVIDER,
        version: 1,
        kind: ProviderKind::Custom,
        protocol: ProviderProtocol::OpenaiChat,
        base_url,
        proxy: None,
        keys: vec![TargetKey { label: "main".into(), value: KEY.into(), weight: 1 }],
        headers: BTreeMap::from([("X-Team".into(), HEADER_SECRET.into())]),
        connect_timeout: Duration::from_millis(200),
    }
}

pub fn request() -> ChatRequest {
    ChatRequest {
        model: "m".into(),
        messages: vec![ChatMessage::text(Role::User, "2+2?")],
        call_id: "run_1:7:0".into(),
        ..ChatRequest::default()
    }
}

/// Returns a policy without retries.
pub fn policy() -> CallPolicy {
    CallPolicy { max_retries: 0, ..CallPolicy::from(&Settings::default()) }
}
