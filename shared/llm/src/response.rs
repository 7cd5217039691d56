use runmill_proto::{
    Outcome, Remarks, TokenLogprob, ToolCall, Usage,
    chat::{Delta, Finish, ModelAnswer, ToolCallDelta},
};

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

/// Returns the answer without the provider's statements about its bill.
impl From<ChatResponse> for ModelAnswer {
    fn from(answer: ChatResponse) -> Self {
        let ChatResponse {
            text,
            reasoning,
            refusal,
            tool_calls,
            logprobs,
            finish,
            usage,
            billing: _,
            remarks,
        } = answer;
        Self { text, reasoning, refusal, tool_calls, logprobs, finish, usage, remarks }
    }
}

/// Returns the answer as one part.
impl From<&ChatResponse> for Delta {
    fn from(answer: &ChatResponse) -> Self {
        let calls = (0..).zip(&answer.tool_calls).map(|(index, ToolCall { id, name, arguments })| {
            let (id, name, arguments) = (id.clone(), name.clone(), arguments.clone());
            ToolCallDelta { index, id, name, arguments }
        });
        Self {
            text: answer.text.clone(),
            reasoning: answer.reasoning.clone().unwrap_or_default(),
            refusal: answer.refusal.clone().unwrap_or_default(),
            tool_calls: calls.collect(),
            logprobs: answer.logprobs.clone().unwrap_or_default(),
        }
    }
}
