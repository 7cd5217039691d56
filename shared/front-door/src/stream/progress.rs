use std::collections::BTreeMap;

use runmill_proto::{
    TokenLogprob,
    chat::{Delta, ModelAnswer, ToolCallDelta},
};

/// Size of that part of a choice's answer that was sent.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Numbers of bytes.
    text: usize,
    reasoning: usize,
    refusal: usize,
    /// Number of characters of the text.
    chars: usize,
    /// Number of tokens.
    logprobs: usize,
    /// Number of bytes of the arguments of each call, by the call's number.
    calls: BTreeMap<u32, usize>,
    ended: bool,
}

impl Progress {
    pub fn add(&mut self, delta: &Delta) {
        self.text += delta.text.len();
        self.chars += delta.text.chars().count();
        self.reasoning += delta.reasoning.len();
        self.refusal += delta.refusal.len();
        self.logprobs += delta.logprobs.len();
        for part in &delta.tool_calls {
            *self.calls.entry(part.index).or_default() += part.arguments.len();
        }
    }

    pub fn end(&mut self) {
        self.ended = true;
    }

    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    pub fn has_call(&self, index: u32) -> bool {
        self.calls.contains_key(&index)
    }

    /// Returns the number of characters of the text.
    pub const fn chars(&self) -> usize {
        self.chars
    }

    /// Returns what of the whole answer was not sent.
    pub fn rest(&self, answer: &ModelAnswer) -> Delta {
        let calls = (0..).zip(&answer.tool_calls).filter_map(|(index, call)| match self.calls.get(&index) {
            None => Some(ToolCallDelta {
                index,
                id: call.id.clone(),
                name: call.name.clone(),
                arguments: call.arguments.clone(),
            }),
            Some(sent) => {
                let arguments = after(&call.arguments, *sent);
                let part = ToolCallDelta { index, arguments, ..ToolCallDelta::default() };
                (!part.arguments.is_empty()).then_some(part)
            }
        });
        let tokens: &[TokenLogprob] = answer.logprobs.as_deref().unwrap_or_default();
        Delta {
            text: after(&answer.text, self.text),
            reasoning: after(answer.reasoning.as_deref().unwrap_or_default(), self.reasoning),
            refusal: after(answer.refusal.as_deref().unwrap_or_default(), self.refusal),
            tool_calls: calls.collect(),
            logprobs: tokens.get(self.logprobs..).unwrap_or_default().to_vec(),
        }
    }
}

/// Returns the text after its first bytes. Empty if it has fewer.
fn after(text: &str, bytes: usize) -> String {
    text.get(bytes..).unwrap_or_default().to_owned()
}
