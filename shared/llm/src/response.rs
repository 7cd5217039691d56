use runmill_proto::{Outcome, Remarks, TokenLogprob, ToolCall, Usage};

use crate::{Billing, Metered, ModelError};

/// A complete answer of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatResponse {
    pub text: String,
    /// Reasoning of the model, if the provider sends it.
    pub reasoning: Option<String>,
    /// Text of a refusal, if the protocol distinguishes it from an answer.
    pub refusal: Option<String>,
    /// Tool calls that the model asks for, in order.
    pub tool_calls: Vec<ToolCall>,
    /// Log probabilities of the answer's tokens, if they were requested and the protocol has them.
    pub logprobs: Option<Vec<TokenLogprob>>,
    pub finish: Finish,
    /// Tokens, if the provider counted them. An answer of which it counted none has no usage.
    pub usage: Option<Usage>,
    pub billing: Billing,
    pub remarks: Remarks,
}

/// Reason why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    Stop,
    /// The token limit was reached: the answer is truncated.
    Length,
    ToolCalls,
    /// The provider's content filter stopped the answer.
    ContentFilter,
    /// The provider gave a reason that this version does not know.
    Other,
}

impl ChatResponse {
    pub(crate) const fn metered(&self) -> Metered {
        Metered { usage: self.usage, billing: self.billing }
    }

    /// Returns the outcome of a job that got this answer.
    pub fn outcome(&self) -> Outcome {
        match self.finish {
            Finish::ContentFilter => Outcome::Refused,
            _ if self.refusal.is_some() => Outcome::Refused,
            Finish::Length => Outcome::Truncated,
            Finish::Stop | Finish::ToolCalls | Finish::Other => Outcome::Succeeded,
        }
    }

    /// Returns the answer, or an error if the model stopped and the answer has no text, no refusal and no tool call. An
    /// answer that the token limit or a filter ended may be empty.
    pub(crate) fn unless_empty(self) -> Result<Self, ModelError> {
        let may_be_empty = matches!(self.finish, Finish::Length | Finish::ContentFilter);
        if may_be_empty
            || !self.text.trim().is_empty()
            || self.refusal.is_some()
            || !self.tool_calls.is_empty()
        {
            return Ok(self);
        }
        Err(ModelError::EmptyAnswer { reasoned: self.reasoning.is_some() })
    }
}
