use std::borrow::Cow;

use super::Text;
use crate::behaviour::{CompletionParams, StreamMode, tokens};

/// A request in a form that all protocols share, borrowed from its bytes where possible.
#[derive(Debug, Default)]
pub(crate) struct ModelRequest<'a> {
    pub model: Cow<'a, str>,
    pub stream_mode: StreamMode,
    /// True if a stream ends with its usage, which only some protocols can omit.
    pub include_usage: bool,
    /// Last message of the user.
    pub prompt: Cow<'a, str>,
    pub prompt_tokens: usize,
    pub tokens_max: Option<usize>,
    /// Name of the first tool.
    pub tool: Option<Cow<'a, str>>,
    /// True if the answer must be JSON.
    pub json: bool,
    /// Number of alternatives to each token, if the request asks for log probabilities.
    pub top_logprobs: Option<usize>,
}

impl<'a> ModelRequest<'a> {
    /// Adds the next message. The tokens of all messages are counted; the user's last message is the prompt.
    pub fn add_message(&mut self, text: Text<'a>, from_user: bool) {
        self.prompt_tokens += tokens(&text.0).count();
        if from_user {
            self.prompt = text.0;
        }
    }

    pub fn completion_params(&self) -> CompletionParams<'_> {
        CompletionParams {
            prompt: &self.prompt,
            tokens_max: self.tokens_max,
            tool: self.tool.as_deref(),
            json: self.json,
        }
    }
}
