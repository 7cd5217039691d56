use runmill_proto::ReasoningEffort;

use crate::{ChatRequest, protocol::Form};

/// The parts of a request on which it may depend what form a model accepts. A model may refuse the temperature of one
/// request and accept that of another, or stream without tools only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    form: Form,
    /// Bits of the numbers that a model may refuse by their value.
    values: [Option<u64>; 2],
    effort: Option<ReasoningEffort>,
    has_parts: [bool; 9],
}

impl Kind {
    pub fn of(request: &ChatRequest) -> Self {
        let generation = &request.generation;
        Self {
            form: request.form,
            values: [generation.temperature, generation.top_p].map(|it| it.map(f64::to_bits)),
            effort: generation.reasoning_effort,
            has_parts: [
                request.system.is_some(),
                !generation.tools.is_empty(),
                generation.wants_logprobs(),
                generation.max_new_tokens.is_some(),
                generation.top_k.is_some(),
                generation.seed.is_some(),
                generation.presence_penalty.is_some(),
                generation.frequency_penalty.is_some(),
                generation.repetition_penalty.is_some(),
            ],
        }
    }
}
