use serde_json::{Map, Value};

use crate::Endpoint;

/// Wishes of a request for its reply. Made by [`read`](crate::read), also for a line of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplyOptions {
    pub(crate) endpoint: Endpoint,
    /// Number of choices.
    pub(crate) n: u32,
    /// True if a stream of OpenAI's ends with a chunk that has the usage.
    pub(crate) include_usage: bool,
    /// True if the client asked for log probabilities.
    pub(crate) logprobs: bool,
    /// True if the client reads thoughts. Only messages ask.
    pub(crate) thinking: bool,
    /// Parameters of the request that a response repeats.
    pub(crate) repeated: Map<String, Value>,
}

impl ReplyOptions {
    pub(crate) fn new(endpoint: Endpoint, n: u32) -> Self {
        Self { endpoint, n, include_usage: false, logprobs: false, thinking: false, repeated: Map::new() }
    }

    /// Returns the options of a reply with one choice to a chat request that asked for nothing more, except for what an
    /// answer has.
    pub fn of_chat(has_logprobs: bool) -> Self {
        Self { logprobs: has_logprobs, ..Self::new(Endpoint::ChatCompletions, 1) }
    }

    pub const fn endpoint(&self) -> Endpoint {
        self.endpoint
    }
}
