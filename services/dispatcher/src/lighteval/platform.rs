//! The evaluation platform's form of a configuration.

use runmill_proto::{DatasetId, Generation, ProviderId, RunId, Stop};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{plan::Plan, yaml};

#[derive(Serialize)]
struct Document<'a> {
    metadata: Metadata<'a>,
    model_parameters: [ModelParameters<'a>; 1],
    generation_parameters: GenerationParameters<'a>,
    execution: Execution,
}

#[derive(Serialize)]
struct Metadata<'a> {
    provider_id: ProviderId,
    provider_name: &'a str,
    provider_type: &'a str,
    model_name: &'a str,
    run_id: Option<RunId>,
    dataset_id: Option<DatasetId>,
    dataset_name: Option<&'a str>,
}

#[derive(Serialize)]
struct ModelParameters<'a> {
    model_name: &'a str,
    provider_type: &'a str,
    base_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_env: Option<&'a str>,
    concurrent_requests: u32,
    timeout: f64,
    max_retries: u32,
}

#[derive(Serialize)]
struct GenerationParameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_new_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repetition_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
}

#[derive(Serialize)]
struct Execution {
    endpoint: &'static str,
    use_chat_template: bool,
}

pub fn write(plan: &Plan) -> SecretString {
    let provider = &plan.subject.provider;
    let dataset = plan.subject.run.as_ref().map(|(_, dataset)| dataset);
    let provider_type = if plan.is_direct { provider.kind.as_str() } else { plan.litellm.prefix };
    let document = Document {
        metadata: Metadata {
            provider_id: provider.id,
            provider_name: &provider.name,
            provider_type: provider.kind.as_str(),
            model_name: &plan.metadata_name,
            run_id: plan.subject.run.as_ref().map(|(id, _)| *id),
            dataset_id: dataset.map(|dataset| dataset.id),
            dataset_name: dataset.map(|dataset| dataset.name.as_str()),
        },
        model_parameters: [ModelParameters {
            model_name: &plan.model_name,
            provider_type,
            base_url: &plan.base_url,
            api_key: plan.key.as_ref().map(ExposeSecret::expose_secret),
            api_key_env: plan.key.is_none().then_some(plan.key_variable),
            concurrent_requests: plan.concurrent_requests,
            timeout: plan.timeout,
            max_retries: plan.max_retries,
        }],
        generation_parameters: plan.generation().into(),
        execution: Execution { endpoint: "litellm", use_chat_template: true },
    };
    yaml::write(&[], &document)
}

impl<'a> From<&'a Generation> for GenerationParameters<'a> {
    fn from(generation: &'a Generation) -> Self {
        Self {
            temperature: generation.temperature,
            top_p: generation.top_p,
            top_k: generation.top_k,
            max_new_tokens: generation.max_new_tokens,
            stop: generation.stop.as_ref().map_or(&[], Stop::as_slice),
            presence_penalty: generation.presence_penalty,
            frequency_penalty: generation.frequency_penalty,
            repetition_penalty: generation.repetition_penalty,
            seed: generation.seed,
        }
    }
}
