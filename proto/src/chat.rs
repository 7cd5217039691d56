//! A conversation with a model and the parts of its answer, independent of any provider's protocol.

use serde::{Deserialize, Serialize};

use crate::{Generation, Image, Remarks, TokenLogprob, ToolCall, Usage};

/// Question to a model, with its options. The model's name is not part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// System prompt: all system and developer messages before the first other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    pub messages: Vec<Message>,
    #[serde(default)]
    pub generation: Generation,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    /// Content in order. Empty for an assistant's message that only calls tools.
    pub parts: Vec<Part>,
    /// Calls of tools by the assistant, in order. Empty for all other roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Id of the tool call that a message of the role `Tool` answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A system or developer message after the first message of another role. Not every protocol has a place for it.
    System,
    User,
    Assistant,
    /// Result of a tool call.
    Tool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Text(String),
    Image(Image),
}

/// Reason why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
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

/// Parts of an answer that arrived since the last delta. Several add up to one ([`Self::append`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Delta {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub refusal: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallDelta>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logprobs: Vec<TokenLogprob>,
}

/// Part of a tool call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCallDelta {
    /// Number of the call in the answer, from 0.
    pub index: u32,
    /// Id and name, in the first part of the call; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Characters that follow the arguments so far.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arguments: String,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelAnswer {
    pub text: String,
    #[serde(default)]
    pub reasoning: Option<String>,
    #[serde(default)]
    pub refusal: Option<String>,
    #[serde(default)]
    pub tool_calls: Vec<ToolCall>,
    #[serde(default)]
    pub logprobs: Option<Vec<TokenLogprob>>,
    pub finish: Finish,
    /// Tokens of the attempt that was answered, if the provider counted them.
    #[serde(default)]
    pub usage: Option<Usage>,
    #[serde(default)]
    pub remarks: Remarks,
}

impl Message {
    /// Returns a message without calls of tools.
    pub const fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, tool_calls: Vec::new(), tool_call_id: None }
    }

    /// Returns a message that is only text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self::new(role, vec![Part::Text(text.into())])
    }
}

impl Delta {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the parts that arrived next.
    pub fn append(&mut self, next: Self) {
        self.text.push_str(&next.text);
        self.reasoning.push_str(&next.reasoning);
        self.refusal.push_str(&next.refusal);
        for part in next.tool_calls {
            match self.tool_calls.iter_mut().find(|call| call.index == part.index) {
                Some(call) => call.append(&part),
                None => self.tool_calls.push(part),
            }
        }
        self.logprobs.extend(next.logprobs);
    }
}

impl ToolCallDelta {
    fn append(&mut self, next: &Self) {
        self.id.push_str(&next.id);
        self.name.push_str(&next.name);
        self.arguments.push_str(&next.arguments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_add_up_by_tool_call() {
        let tool = |index, id: &str, arguments: &str| ToolCallDelta {
            index,
            id: id.into(),
            arguments: arguments.into(),
            ..ToolCallDelta::default()
        };
        let mut sum = Delta { text: "a".into(), tool_calls: vec![tool(0, "x", "{")], ..Delta::default() };

        let tool_calls = vec![tool(1, "y", "["), tool(0, "", "}")];
        sum.append(Delta { text: "b".into(), reasoning: "r".into(), tool_calls, ..Delta::default() });

        assert_eq!((sum.text.as_str(), sum.reasoning.as_str()), ("ab", "r"));
        assert_eq!(sum.tool_calls, [tool(0, "x", "{}"), tool(1, "y", "[")]);
    }
}
