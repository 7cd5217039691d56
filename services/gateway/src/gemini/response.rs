use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    behaviour::{Finish, Part},
    protocol::Answer,
};

/// A whole response, or a chunk of a stream.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    candidates: [Candidate<'a>; 1],
    usage_metadata: Usage,
    model_version: &'a str,
    #[serde(rename = "responseId")]
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'static str>,
    index: u32,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: Vec<Piece<'a>>,
    role: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Piece<'a> {
    Thought {
        text: &'a str,
        thought: bool,
    },
    Text {
        text: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    Call {
        function_call: FunctionCall<'a>,
    },
}

#[derive(Serialize)]
pub(super) struct FunctionCall<'a> {
    name: &'a str,
    args: &'a RawValue,
}

/// Token counts of the answer so far. As in all of Google's JSON, zeros may be left out.
#[derive(Clone, Serialize)]
pub(super) struct Usage {
    #[serde(rename = "promptTokenCount")]
    prompt: usize,
    #[serde(rename = "candidatesTokenCount", skip_serializing_if = "is_zero")]
    candidates: usize,
    #[serde(rename = "thoughtsTokenCount", skip_serializing_if = "is_zero")]
    thoughts: usize,
    #[serde(rename = "totalTokenCount")]
    total: usize,
}

impl<'a> Response<'a> {
    pub fn whole(answer: &'a Answer<'_>) -> Self {
        let parts = answer.completion.parts().map(|part| Piece::whole(answer, part)).collect();
        Self::new(answer, parts, true, Usage::of(answer))
    }

    /// Makes a chunk that contains a whole part.
    pub fn part(answer: &'a Answer<'_>, part: Part, usage: Usage) -> Self {
        Self::new(answer, vec![Piece::whole(answer, part)], false, usage)
    }

    /// Makes the last chunk.
    pub fn last(answer: &'a Answer<'_>) -> Self {
        Self::new(answer, vec![Piece::Text { text: "" }], true, Usage::of(answer))
    }

    fn new(answer: &'a Answer<'_>, parts: Vec<Piece<'a>>, ends: bool, usage_metadata: Usage) -> Self {
        let finish_reason = ends.then(|| finish_reason(answer.completion.finish));
        Self {
            candidates: [Candidate { content: Content { parts, role: "model" }, finish_reason, index: 0 }],
            usage_metadata,
            model_version: &answer.request.model,
            id: answer.id(""),
        }
    }
}

impl<'a> Piece<'a> {
    fn whole(answer: &'a Answer<'_>, part: Part) -> Self {
        let completion = &answer.completion;
        match part {
            Part::Thoughts => Self::Thought { text: &completion.thoughts, thought: true },
            Part::Text => Self::Text { text: &completion.text },
            Part::Call => {
                let args = serde_json::from_str(&completion.text)
                    .expect("a call has a JSON object for its arguments");
                let name = completion.call.unwrap_or_default();
                Self::Call { function_call: FunctionCall { name, args } }
            }
        }
    }
}

impl Usage {
    /// Returns the usage before the first token.
    pub fn begun(answer: &Answer<'_>) -> Self {
        let prompt = answer.request.prompt_tokens;
        Self { prompt, candidates: 0, thoughts: 0, total: prompt }
    }

    pub fn of(answer: &Answer<'_>) -> Self {
        Self {
            prompt: answer.request.prompt_tokens,
            candidates: answer.completion.text_tokens,
            thoughts: answer.completion.thought_tokens,
            total: answer.total_tokens(),
        }
    }

    /// Counts one more token.
    pub fn add(&mut self, part: Part) {
        match part {
            Part::Thoughts => self.thoughts += 1,
            Part::Text | Part::Call => self.candidates += 1,
        }
        self.total += 1;
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Returns Google's name of a finish reason. A tool call has no reason of its own.
fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Call => "STOP",
        Finish::Length => "MAX_TOKENS",
    }
}
