//! Reads streamed and buffered answers. Both consist of the same chunks, a buffered one of a single chunk.

use runmill_proto::{TokenLogprob, TopLogprob, chat::Delta};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{arguments::compact, error, finish::End, usage::UsageMetadata};
use crate::{
    ChatResponse, Finish, Metered, ModelError,
    protocol::{
        draft::Draft,
        lenient::{self, Lenient, Object},
        text::{Text, or_empty},
    },
};

/// An answer that is built from its chunks.
#[derive(Default)]
pub(super) struct Answer {
    draft: Draft,
    end: Option<End>,
    /// True if the answer has ended, and no part of it arrived after its end.
    is_whole: bool,
    usage: Metered,
    /// Number of tool calls so far. Each arrives complete.
    calls: u64,
}

/// `GenerateContentResponse`, or the error in its place. Texts are borrowed from the bytes where possible.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'a> {
    #[serde(borrow, default = "Option::default")]
    candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow, default, deserialize_with = "lenient::object")]
    prompt_feedback: Option<PromptFeedback<'a>>,
    /// Name of the model that answered.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    model_version: Option<Text<'a>>,
    #[serde(default)]
    usage_metadata: Lenient<Object<UsageMetadata>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(default, deserialize_with = "lenient::number")]
    index: Option<u64>,
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    finish_reason: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    finish_message: Option<Text<'a>>,
    #[serde(borrow, default)]
    logprobs_result: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default = "Option::default")]
    parts: Option<Vec<Part<'a>>>,
}

/// A part of the content. Other kinds of parts (executed code, images) are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    /// True if the text is a summary of the model's thoughts.
    #[serde(default)]
    thought: Option<bool>,
    #[serde(borrow, default)]
    function_call: Option<FunctionCall<'a>>,
}

#[derive(Deserialize)]
struct FunctionCall<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    args: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    block_reason: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogprobsResult {
    #[serde(default)]
    chosen_candidates: Option<Vec<Likely>>,
    /// The most likely tokens at each position, the most likely first.
    #[serde(default)]
    top_candidates: Option<Vec<TopCandidates>>,
}

#[derive(Default, Deserialize)]
struct TopCandidates {
    #[serde(default)]
    candidates: Option<Vec<Likely>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Likely {
    #[serde(default)]
    token: String,
    #[serde(default)]
    log_probability: f64,
}

impl Answer {
    /// Adds a chunk, or a list of chunks, which is the format without `alt=sse`. Returns true if it contains a part
    /// of the answer.
    pub fn read(&mut self, json: &str) -> Result<bool, ModelError> {
        let malformed = |error: serde_json::Error| ModelError::Malformed { message: error.to_string() };
        if !json.trim_start().starts_with('[') {
            return self.add(serde_json::from_str(json).map_err(malformed)?);
        }
        let mut token = false;
        for chunk in serde_json::from_str::<Vec<Chunk<'_>>>(json).map_err(malformed)? {
            token |= self.add(chunk)?;
        }
        Ok(token)
    }

    fn add(&mut self, chunk: Chunk<'_>) -> Result<bool, ModelError> {
        match chunk.usage_metadata {
            Lenient::Absent => {}
            Lenient::Unreadable => self.usage.billing.unreadable = true,
            // A chunk without the prompt's count counts nothing.
            Lenient::Read(Object(usage)) => {
                let metered = usage.metered();
                if metered.usage.is_some() || metered.billing.unreadable {
                    self.usage.update(metered);
                }
            }
        }
        if let Some(error) = chunk.error {
            return Err(error::in_band(error.get()));
        }
        self.draft.answered_by(or_empty(chunk.model_version.as_ref()));
        let before = self.end.take();
        if chunk.prompt_feedback.is_some_and(|feedback| feedback.blocks()) {
            self.end = Some(End::Finish(Finish::ContentFilter));
        }
        // Requests ask for one candidate, so only the first is read.
        let mut candidates = chunk.candidates.into_iter().flatten();
        let candidate = candidates.find(|candidate| candidate.index.unwrap_or(0) == 0);
        let token = candidate.is_some_and(|candidate| self.add_candidate(candidate));
        self.is_whole = self.end.is_some() || (self.is_whole && !token);
        self.end = self.end.take().or(before);
        self.draft.check()?;
        Ok(token)
    }

    fn add_candidate(&mut self, candidate: Candidate<'_>) -> bool {
        let reason = or_empty(candidate.finish_reason.as_ref());
        if let Some(end) = End::read(reason, or_empty(candidate.finish_message.as_ref())) {
            self.end = Some(end);
        }
        // Log probabilities of another shape are left out.
        let logprobs = candidate.logprobs_result.and_then(|it| serde_json::from_str(it.get()).ok());
        self.draft.logprobs(logprobs.into_iter().flat_map(LogprobsResult::tokens));
        let mut token = false;
        for part in candidate.content.and_then(|content| content.parts).iter().flatten() {
            token |= self.add_part(part);
        }
        token
    }

    fn add_part(&mut self, part: &Part<'_>) -> bool {
        if let Some(call) = &part.function_call {
            call.add_to(&mut self.draft, self.calls);
            self.calls += 1;
            return true;
        }
        let text = or_empty(part.text.as_ref());
        if part.thought == Some(true) { self.draft.reasoning(text) } else { self.draft.text(text) }
    }

    /// Returns the parts that arrived since the last call.
    pub fn news(&mut self) -> Delta {
        self.draft.news()
    }

    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub const fn usage(&self) -> Metered {
        self.usage
    }

    /// Returns the whole answer, or an error if it has not ended.
    pub fn complete(&mut self) -> Result<ChatResponse, ModelError> {
        let finish = match self.end.take() {
            None => return Err(ModelError::TruncatedStream),
            Some(End::Fault(message)) => return Err(ModelError::Malformed { message }),
            Some(End::Finish(Finish::Stop)) if self.calls > 0 => Finish::ToolCalls,
            Some(End::Finish(finish)) => finish,
        };
        self.draft.complete(finish, self.usage)
    }
}

impl FunctionCall<'_> {
    fn add_to(&self, draft: &mut Draft, number: u64) {
        let call = draft.tool(number);
        call.id.push_str(or_empty(self.id.as_ref()));
        call.name.push_str(or_empty(self.name.as_ref()));
        call.arguments = self.args.map_or_else(|| "{}".to_owned(), |args| compact(args.get()));
    }
}

impl PromptFeedback<'_> {
    fn blocks(&self) -> bool {
        !matches!(or_empty(self.block_reason.as_ref()), "" | "BLOCK_REASON_UNSPECIFIED")
    }
}

impl LogprobsResult {
    fn tokens(self) -> impl Iterator<Item = TokenLogprob> {
        let mut others = self.top_candidates.unwrap_or_default().into_iter();
        self.chosen_candidates.into_iter().flatten().map(move |chosen| TokenLogprob {
            token: chosen.token,
            logprob: chosen.log_probability,
            top_logprobs: others.next().unwrap_or_default().likely().collect(),
        })
    }
}

impl TopCandidates {
    fn likely(self) -> impl Iterator<Item = TopLogprob> {
        let candidates = self.candidates.into_iter().flatten();
        candidates.map(|likely| TopLogprob { token: likely.token, logprob: likely.log_probability })
    }
}
