use runmill_proto::{Outcome, TokenLogprob, ToolCall, Usage};

/// A whole answer: its terminator has arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatResponse {
    pub text: String,
    /// What the model said to itself, where the provider shows it.
    pub reasoning: Option<String>,
    /// The model's words for declining, where the protocol tells them from an answer.
    pub refusal: Option<String>,
    /// What the model asks to have called, in order.
    pub tool_calls: Vec<ToolCall>,
    /// Of the answer's tokens, where they were asked for and the wire has them.
    pub logprobs: Option<Vec<TokenLogprob>>,
    pub finish: Finish,
    pub usage: Option<Usage>,
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    Stop,
    /// At the limit of tokens: the answer is cut.
    Length,
    ToolCalls,
    /// By the provider's filter.
    ContentFilter,
    /// For a reason that this version does not know.
    Other,
}

impl ChatResponse {
    /// How a job that got this answer ends.
    pub fn outcome(&self) -> Outcome {
        match self.finish {
            Finish::ContentFilter => Outcome::Refused,
            _ if self.refusal.is_some() => Outcome::Refused,
            Finish::Length => Outcome::Truncated,
            Finish::Stop | Finish::ToolCalls | Finish::Other => Outcome::Succeeded,
        }
    }
}
