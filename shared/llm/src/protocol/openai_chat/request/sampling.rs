use runmill_proto::{Fix, Generation, Stop};
use serde::Serialize;

use crate::protocol::{
    Dialect, Form,
    openai::{EffortShape, OpenSampling, SeedName, TokenLimit, effort_word},
};

#[derive(Default, Serialize)]
pub(super) struct Sampling<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a Stop>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repetition_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    random_seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
}

#[derive(Serialize)]
struct Reasoning {
    effort: &'static str,
}

impl<'a> Sampling<'a> {
    pub fn new(generation: &'a Generation, dialect: Dialect, form: Form) -> Self {
        let mut sampling = Self {
            temperature: form.unless(Fix::NoTemperature, generation.temperature),
            top_p: form.unless(Fix::NoTopP, generation.top_p),
            stop: generation.stop.as_ref(),
            presence_penalty: form.unless(Fix::NoPresencePenalty, generation.presence_penalty),
            frequency_penalty: form.unless(Fix::NoFrequencyPenalty, generation.frequency_penalty),
            ..Self::default()
        };
        if dialect.open_sampling != OpenSampling::None {
            sampling.top_k = form.unless(Fix::NoTopK, generation.top_k);
            sampling.repetition_penalty =
                form.unless(Fix::NoRepetitionPenalty, generation.repetition_penalty);
        }
        if dialect.open_sampling == OpenSampling::BothNames {
            sampling.repeat_penalty = form.unless(Fix::NoRepeatPenalty, generation.repetition_penalty);
        }
        let is_old = (dialect.token_limit == TokenLimit::Old) != form.has(Fix::OtherTokenLimit);
        let limit = if is_old { &mut sampling.max_tokens } else { &mut sampling.max_completion_tokens };
        *limit = generation.max_new_tokens;
        let seed = form.unless(Fix::NoSeed, generation.seed);
        match dialect.seed {
            Some(SeedName::Seed) => sampling.seed = seed,
            Some(SeedName::RandomSeed) => sampling.random_seed = seed,
            None => {}
        }
        let effort = generation.reasoning_effort.map(effort_word);
        match dialect.effort {
            EffortShape::Plain => sampling.reasoning_effort = effort,
            EffortShape::Nested => sampling.reasoning = effort.map(|effort| Reasoning { effort }),
        }
        sampling
    }
}
