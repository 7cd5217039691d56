use serde::Serialize;

use super::item::Item;
use crate::{
    behaviour::Finish,
    protocol::{Answer, Fault},
};

/// A response object. A stream sends it at the beginning without output, and at the end in full.
#[derive(Serialize)]
pub(super) struct Response<'a> {
    id: String,
    object: &'static str,
    created_at: i64,
    status: &'static str,
    error: Option<Error>,
    incomplete_details: Option<Incomplete>,
    instructions: Option<()>,
    max_output_tokens: Option<usize>,
    model: &'a str,
    output: Vec<Item<'a>>,
    parallel_tool_calls: bool,
    previous_response_id: Option<()>,
    temperature: Option<()>,
    tool_choice: &'static str,
    tools: [(); 0],
    top_p: Option<()>,
    truncation: &'static str,
    usage: Option<Usage>,
    metadata: Metadata,
}

#[derive(Serialize)]
struct Error {
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
struct Incomplete {
    reason: &'static str,
}

#[derive(Serialize)]
struct Metadata {}

#[derive(Serialize)]
struct Usage {
    input_tokens: usize,
    input_tokens_details: InputDetails,
    output_tokens: usize,
    output_tokens_details: OutputDetails,
    total_tokens: usize,
}

#[derive(Serialize)]
struct InputDetails {
    cached_tokens: usize,
}

#[derive(Serialize)]
struct OutputDetails {
    reasoning_tokens: usize,
}

impl<'a> Response<'a> {
    pub fn in_progress(answer: &'a Answer<'_>) -> Self {
        Self::new(answer, "in_progress")
    }

    pub fn ended(answer: &'a Answer<'_>) -> Self {
        let is_short = answer.completion.finish == Finish::Length;
        Self {
            incomplete_details: is_short.then_some(Incomplete { reason: "max_output_tokens" }),
            output: answer.completion.parts().map(|part| Item::whole(answer, part)).collect(),
            usage: Some(Usage::of(answer)),
            ..Self::new(answer, if is_short { "incomplete" } else { "completed" })
        }
    }

    pub fn overloaded(answer: &'a Answer<'_>) -> Self {
        let message = Fault::Overloaded { retry_after: None }.to_string();
        Self { error: Some(Error { code: "server_error", message }), ..Self::new(answer, "failed") }
    }

    fn new(answer: &'a Answer<'_>, status: &'static str) -> Self {
        Self {
            id: answer.id("resp_"),
            object: "response",
            created_at: answer.created,
            status,
            error: None,
            incomplete_details: None,
            instructions: None,
            max_output_tokens: answer.request.tokens_max,
            model: &answer.request.model,
            output: Vec::new(),
            parallel_tool_calls: true,
            previous_response_id: None,
            temperature: None,
            tool_choice: "auto",
            tools: [],
            top_p: None,
            truncation: "disabled",
            usage: None,
            metadata: Metadata {},
        }
    }
}

impl Usage {
    fn of(answer: &Answer<'_>) -> Self {
        Self {
            input_tokens: answer.request.prompt_tokens,
            input_tokens_details: InputDetails { cached_tokens: 0 },
            output_tokens: answer.completion.tokens(),
            output_tokens_details: OutputDetails { reasoning_tokens: answer.completion.thought_tokens },
            total_tokens: answer.total_tokens(),
        }
    }
}
