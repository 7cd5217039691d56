//! Answers the question whether a model can be called: by the same client, keys and limits as a run's calls.

mod advice;
mod report;

use std::sync::Arc;

use anyhow::Context;
use jiff::SignedDuration;
use runmill_broker::{Delivery, Envelope, Queue, SharedBroker};
use runmill_llm::{CallPolicy, ChatMessage, ChatRequest, Client, Interrupts, Invoked, Role, Unanswered};
use runmill_proto::{
    Generation, JobConfig, ProviderId, ResponseFormat,
    api::{RetryOverride, SmokeTestReport},
    message::SmokeTest,
};
use runmill_store::{ExecutorStore, ProviderReader};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use self::report::{answered, unusable};
use crate::{
    gates::Gates,
    job::JobRunner,
    outcome::settled,
    providers::{OpenProvider, ProviderError},
};

/// Tests at once; further ones wait in the queue, for another executor.
const TESTS_MAX: u16 = 4;

const QUESTION: &str = "Answer with the one word: ready";
const JSON_QUESTION: &str = r#"Answer with this JSON object and nothing else: {"ready": true}"#;

/// Room for a reasoning model to think of one word, at a cost of nearly nothing.
const TOKENS_MAX: u32 = 512;

/// Takes smoke tests and answers them.
pub struct SmokeTests {
    pub runner: Arc<JobRunner>,
    pub gates: Gates,
    pub store: Arc<dyn ExecutorStore>,
}

impl SmokeTests {
    /// Until `stop`; then leaves those in hand to another executor. To wait for them could take longer than the drain, and
    /// to ask again costs nearly nothing.
    pub async fn run(self, broker: SharedBroker, stop: CancellationToken) -> anyhow::Result<()> {
        let requests = broker.subscribe(Queue::Requests, TESTS_MAX).await;
        let mut requests = requests.context("taking smoke tests")?;
        let (this, tasks) = (Arc::new(self), TaskTracker::new());
        while let Some(Some(delivery)) = stop.run_until_cancelled(requests.next()).await {
            let (this, broker, stop) = (this.clone(), broker.clone(), stop.clone());
            tasks.spawn(async move { this.answer(&broker, delivery, &stop).await });
        }
        requests.stop().await;
        tasks.close();
        tasks.wait().await;
        Ok(())
    }

    async fn answer(&self, broker: &SharedBroker, delivery: Delivery, stop: &CancellationToken) {
        let test: SmokeTest = match delivery.message.decode() {
            Ok(test) => test,
            Err(error) => return settled(delivery.dead_letter(&error.to_string()).await),
        };
        let Some(report) = self.test(&test, stop).await else {
            return settled(delivery.hand_back().await);
        };
        tracing::info!(
            event = "smoke_test.done",
            provider_id = %test.provider_id,
            model = test.model,
            ok = report.ok,
            error_kind = report.error.as_ref().map(|error| error.kind.as_str()),
            "a model was tested"
        );
        if let Err(error) = broker.reply(&delivery, Envelope::new(&report)).await {
            tracing::warn!(event = "smoke_test.reply_failed", %error, "whoever asked has to ask again");
        }
        settled(delivery.ack().await);
    }

    /// `None`: stopped before its end.
    async fn test(&self, test: &SmokeTest, stop: &CancellationToken) -> Option<SmokeTestReport> {
        let (client, policy) = match self.client(test).await {
            Ok(ready) => ready,
            Err(error) => return Some(unusable(&format!("{error:#}"))),
        };
        let interrupts = Interrupts { at_once: stop.clone(), ..Interrupts::default() };
        let ask = async |request: ChatRequest| {
            let invoked = client.invoke_until(&request, &policy, &interrupts).await;
            (!matches!(invoked.result, Err(Unanswered::Interrupted))).then_some(invoked)
        };
        let invoked = ask(question(test, QUESTION, None)).await?;
        let json_mode = match &invoked.result {
            Ok(_) => {
                let format = Some(ResponseFormat::JsonObject);
                Some(is_json(&ask(question(test, JSON_QUESTION, format)).await?))
            }
            Err(_) => None,
        };
        Some(SmokeTestReport { json_mode, ..answered(&invoked) })
    }

    /// As it is stored now: what is tried is often what was changed just before.
    async fn provider(&self, id: ProviderId) -> Result<Arc<OpenProvider>, ProviderError> {
        let known = self.runner.providers.get(id).await?;
        if self.runner.providers.has_changed(&known).await {
            return self.runner.providers.get(id).await;
        }
        Ok(known)
    }

    async fn client(&self, test: &SmokeTest) -> anyhow::Result<(Arc<Client>, CallPolicy)> {
        let row = ProviderReader::provider(&*self.store, test.provider_id).await?;
        let provider = self.provider(test.provider_id).await?;
        let workspace = self.runner.settings.get();
        let client = self.runner.factory.client(&provider.target(&workspace), &self.gates.of(&row))?;
        let settings = self.runner.providers.settings(test.provider_id, &workspace, &impatient());
        let time = SignedDuration::try_from(SmokeTest::TIME_MAX).expect("a minute is in range");
        let policy = CallPolicy {
            deadline: Some(self.runner.clock.now() + time),
            total: SmokeTest::TIME_MAX,
            ..CallPolicy::from(&settings)
        };
        Ok((client, policy))
    }
}

/// One more try, and no long wait: who tests wants to see what is wrong.
fn impatient() -> JobConfig {
    let retry =
        RetryOverride { max_retries: Some(1), wait_max_seconds: Some(5.0), ..RetryOverride::default() };
    JobConfig { retry, ..JobConfig::default() }
}

fn question(test: &SmokeTest, words: &str, response_format: Option<ResponseFormat>) -> ChatRequest {
    ChatRequest {
        model: test.model.clone(),
        messages: vec![ChatMessage::text(Role::User, words)],
        generation: Generation { max_new_tokens: Some(TOKENS_MAX), response_format, ..Generation::default() },
        call_id: format!("smoke-test:{}", Uuid::now_v7().simple()),
        ..ChatRequest::default()
    }
}

fn is_json(invoked: &Invoked) -> bool {
    let json =
        |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value.is_object());
    invoked.result.as_ref().is_ok_and(|answer| json(&answer.text))
}
