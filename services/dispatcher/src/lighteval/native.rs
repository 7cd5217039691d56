//! The form that `lighteval endpoint litellm` (0.13.0) reads. It refuses a key that it does not know.

use runmill_proto::{Generation, Stop};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{plan::Plan, yaml};

/// Largest length of prompt and answer together, in tokens. LightEval looks the length of an unknown model up at a server of
/// its own, and cuts the answer's length to it; so this is larger than any model's.
const MODEL_LENGTH_MAX: u32 = 10_000_000;
/// Seconds before LightEval's second try of a call. They double with each further try, up to 64.
const RETRY_SLEEP: f64 = 1.0;
const RETRY_MULTIPLIER: f64 = 2.0;
/// Folder of LightEval's cache of answers, in its working directory: in the default folder below the home directory, an
/// answer of an earlier run would be taken for one of this run.
const CACHE: &str = "lighteval-cache";
/// Largest number of stop sequences that OpenAI takes.
const STOPS_MAX: usize = 4;

#[derive(Serialize)]
struct Document<'a> {
    model_parameters: ModelParameters<'a>,
}

#[derive(Serialize)]
struct ModelParameters<'a> {
    model_name: &'a str,
    provider: &'a str,
    base_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'a str>,
    concurrent_requests: u32,
    max_model_length: u32,
    api_max_retry: u32,
    api_retry_sleep: f64,
    api_retry_multiplier: f64,
    timeout: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_prompt: Option<&'a str>,
    cache_dir: &'a str,
    generation_parameters: GenerationParameters<'a>,
}

#[derive(Serialize)]
struct GenerationParameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_new_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop_tokens: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    repetition_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
}

pub fn write(plan: &Plan) -> SecretString {
    let document = Document {
        model_parameters: ModelParameters {
            model_name: &plan.model_name,
            provider: plan.litellm.prefix,
            base_url: &plan.base_url,
            api_key: plan.key.as_ref().map(ExposeSecret::expose_secret),
            concurrent_requests: plan.concurrent_requests,
            max_model_length: MODEL_LENGTH_MAX,
            // It is the number of tries, and not of retries.
            api_max_retry: plan.max_retries.max(1),
            api_retry_sleep: RETRY_SLEEP,
            api_retry_multiplier: RETRY_MULTIPLIER,
            timeout: plan.timeout,
            system_prompt: plan.subject.job.system_prompt.as_deref(),
            cache_dir: CACHE,
            generation_parameters: generation(plan),
        },
    };
    yaml::write(&comments(plan), &document)
}

fn generation(plan: &Plan) -> GenerationParameters<'_> {
    let generation = plan.generation();
    GenerationParameters {
        temperature: generation.temperature,
        top_p: generation.top_p,
        max_new_tokens: generation.max_new_tokens,
        seed: generation.seed,
        stop_tokens: stops(generation),
        repetition_penalty: generation.repetition_penalty.filter(|_| plan.takes_repetition_penalty()),
        frequency_penalty: generation.frequency_penalty,
    }
}

/// Returns the stop sequences, if there are not more than servers take: the first of them alone would give longer answers.
fn stops(generation: &Generation) -> &[String] {
    let stops = generation.stop.as_ref().map_or(&[][..], Stop::as_slice);
    if stops.len() <= STOPS_MAX { stops } else { &[] }
}

/// Says how to use the file, and what of the run's settings LightEval cannot send.
fn comments(plan: &Plan) -> Vec<String> {
    let variable = plan.litellm.key_variable;
    let mut comments = vec![
        "Save as config.yaml, then: lighteval endpoint litellm config.yaml TASKS --save-details".to_owned(),
    ];
    comments.push(match (&plan.key, plan.is_direct) {
        (Some(_), _) => "LightEval copies api_key into its file of results.".to_owned(),
        (None, true) => format!("{variable} has to be a key of the provider."),
        (None, false) => format!("{variable} has to be a token of runmill with the role submit."),
    });
    let unsent = unsent(plan);
    if !unsent.is_empty() {
        comments.push(format!("LightEval cannot send these settings of the run: {}.", unsent.join(", ")));
    }
    let provider = &plan.subject.provider;
    let has_headers = provider.secrets.iter().any(|it| it.kind == runmill_store::SecretKind::Header);
    if plan.is_direct && has_headers {
        comments.push("LightEval cannot send the provider's own headers.".to_owned());
    }
    if plan.is_direct && provider.proxy.as_ref().is_some_and(|proxy| proxy != "none") {
        comments.push("The provider has a proxy: set HTTPS_PROXY.".to_owned());
    }
    comments
}

/// Returns the names of the run's settings that LightEval's requests do not have.
fn unsent(plan: &Plan) -> Vec<&'static str> {
    let generation = plan.generation();
    let penalty = generation.repetition_penalty.is_some() && !plan.takes_repetition_penalty();
    let names = [
        ("top_k", generation.top_k.is_some()),
        ("presence_penalty", generation.presence_penalty.is_some()),
        ("repetition_penalty", penalty),
        ("stop (more than 4)", generation.stop.as_ref().is_some_and(|it| it.as_slice().len() > STOPS_MAX)),
        ("reasoning_effort", generation.reasoning_effort.is_some()),
        ("response_format", generation.response_format.is_some()),
        ("tools", !generation.tools.is_empty()),
        ("parallel_tool_calls", generation.parallel_tool_calls.is_some()),
        ("logprobs", generation.wants_logprobs()),
        ("extra_body", !generation.extra_body.is_empty()),
    ];
    names.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect()
}
