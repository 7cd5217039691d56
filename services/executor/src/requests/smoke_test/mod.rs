//! Tests if a model can be called, through the same client, keys and limits as a run's calls.

mod advice;
mod report;

use jiff::{SignedDuration, Timestamp};
use runmill_llm::{CallPolicy, ChatMessage, ChatRequest, Interrupts, Invoked, Role, Unanswered};
use runmill_proto::{
    Generation, JobConfig, ResponseFormat,
    api::{RetryOverride, SmokeTestReport},
    message::SmokeTest,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::report::{answered, unusable};
use crate::environment::{Callee, Environment};

const QUESTION: &str = "Answer with the one word: ready";
const JSON_QUESTION: &str = r#"Answer with this JSON object and nothing else: {"ready": true}"#;

/// Maximum number of tokens of an answer: enough for a reasoning model to answer with one word, at a cost of nearly
/// nothing.
const TOKENS_MAX: u32 = 512;

/// Calls the model as a run would, and returns a report, or `None` if `stop` came before the end.
pub async fn answer(
    environment: &Environment,
    test: &SmokeTest,
    stop: &CancellationToken,
) -> Option<SmokeTestReport> {
    let report = report(environment, test, stop).await?;
    tracing::info!(
        event = "smoke_test.done",
        provider_id = %test.provider_id,
        model = test.model,
        ok = report.ok,
        error_kind = report.error.as_ref().map(|error| error.kind.as_str()),
        "a model was tested"
    );
    Some(report)
}

async fn report(
    environment: &Environment,
    test: &SmokeTest,
    stop: &CancellationToken,
) -> Option<SmokeTestReport> {
    let config = impatient();
    // The settings are read from the store, because people test a change that they have just made.
    let callee = match environment.newest_callee(test.provider_id, &config).await {
        Ok(callee) => callee,
        Err(error) => return Some(unusable(&format!("{:#}", anyhow::Error::from(error)))),
    };
    let policy = policy(&callee, environment.clock.now());
    let interrupts = Interrupts { at_once: stop.clone(), ..Interrupts::default() };
    let ask = async |request: ChatRequest| {
        let request = ChatRequest { form: callee.form(), ..request };
        let invoked = callee.client.invoke_until(&request, &policy, &interrupts).await;
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
    Some(SmokeTestReport { json_mode, ..answered(&invoked, policy.total) })
}

/// Returns the provider's policy, with a deadline for the test.
fn policy(callee: &Callee<'_>, now: Timestamp) -> CallPolicy {
    let time = SignedDuration::try_from(SmokeTest::TIME_MAX).expect("a minute is in range");
    let policy = callee.policy();
    CallPolicy { deadline: Some(now + time), total: policy.total.min(SmokeTest::TIME_MAX), ..policy }
}

/// Returns a configuration with one retry and no long wait, because a person waits for the result.
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
