//! The caller that uses the client.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use prometheus::Registry;
use runmill_clock::Clock;
use runmill_llm::{
    CallPolicy, ChatMessage, ChatRequest, Client, Factory, FactorySettings, Role, Target, TargetKey,
};
use runmill_proto::{
    ProviderId,
    api::{ProviderKind, Settings},
};
use runmill_quota::Lanes;
use uuid::Uuid;

use crate::{QUESTION, Subject, TOKENS, cost::Call};

pub struct Ours {
    client: Arc<Client>,
    request: ChatRequest,
    policy: CallPolicy,
    streams: bool,
}

impl Ours {
    pub fn new(subject: Subject, server: &str) -> Self {
        let factory = Factory::new(
            FactorySettings::new(Clock::fixed(Timestamp::UNIX_EPOCH), Arc::new(Lanes::new(64))),
            &Registry::new(),
        );
        let target = Target {
            provider_id: ProviderId::from_uuid(Uuid::nil()),
            version: 1,
            kind: ProviderKind::Custom,
            protocol: subject.protocol,
            base_url: subject.base_url(server),
            proxy: None,
            keys: vec![TargetKey { label: "bench".into(), value: "sk-bench".into(), weight: 1 }],
            headers: BTreeMap::new(),
            connect_timeout: Duration::from_secs(5),
        };
        let request = ChatRequest {
            model: subject.model().into(),
            messages: vec![ChatMessage::text(Role::User, QUESTION)],
            call_id: "run:0:0".into(),
            ..ChatRequest::default()
        };
        let policy = CallPolicy::from(&Settings::default());
        let client = factory.unwrap().client(&target).unwrap();
        Self { client, request, policy, streams: subject.streams }
    }
}

impl Call for Ours {
    async fn call(&self) {
        let invoked = self.client.invoke(&self.request, &self.policy).await;
        assert_eq!(invoked.streamed, self.streams);
        assert_eq!(invoked.result.unwrap().text.split_whitespace().count(), TOKENS);
    }
}
