use runmill_proto::{Generation, ReasoningEffort, Stop};
use serde::Serialize;

use crate::protocol::{
    Dialect, Form,
    openai::{EffortShape, SeedName, TokenLimit},
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
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    random_seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<ReasoningEffort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
}

#[derive(Serialize)]
struct Reasoning {
    effort: ReasoningEffort,
}

impl<'a> Sampling<'a> {
    pub fn new(generation: &'a Generation, dialect: Dialect, form: Form) -> Self {
        let mut sampling = Self {
            temperature: generation.temperature,
            top_p: generation.top_p,
            stop: generation.stop.as_ref(),
            presence_penalty: generation.presence_penalty,
            frequency_penalty: generation.frequency_penalty,
            ..Self::default()
        };
        if dialect.open_sampling {
            sampling.top_k = generation.top_k;
            sampling.repetition_penalty = generation.repetition_penalty;
        }
        let is_old = (dialect.token_limit == TokenLimit::Old) != form.other_token_limit;
        let limit = if is_old { &mut sampling.max_tokens } else { &mut sampling.max_completion_tokens };
        *limit = generation.max_new_tokens;
        match dialect.seed {
            Some(SeedName::Seed) => sampling.seed = generation.seed,
            Some(SeedName::RandomSeed) => sampling.random_seed = generation.seed,
            None => {}
        }
        let effort = generation.reasoning_effort;
        match dialect.effort {
            EffortShape::Plain => sampling.reasoning_effort = effort,
            EffortShape::Nested => sampling.reasoning = effort.map(|effort| Reasoning { effort }),
        }
        sampling
    }
}
