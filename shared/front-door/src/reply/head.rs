use crate::Endpoint;

/// The fields of a reply that are not the model's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyHead {
    /// Id of the reply without the endpoint's prefix, which is added: letters and digits, such as a UUID without
    /// hyphens.
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// Name of the model, as the client asked for it.
    pub model: String,
    /// Estimated tokens of the prompt, for a call whose provider counted none. See
    /// [`estimate_prompt_tokens`](crate::estimate_prompt_tokens).
    pub prompt_tokens: u64,
}

impl ReplyHead {
    /// Returns the id of the reply, as the endpoint writes it.
    pub fn full_id(&self, endpoint: Endpoint) -> String {
        let prefix = match endpoint {
            Endpoint::ChatCompletions => "chatcmpl-",
            Endpoint::Completions => "cmpl-",
            Endpoint::Responses => "resp_",
            Endpoint::Messages => "msg_",
        };
        format!("{prefix}{}", self.id)
    }

    /// Returns the id of a tool call: the provider's, or one of ours if it gave none.
    pub(crate) fn call_id(&self, choice: u32, index: u32, given: &str) -> String {
        if given.is_empty() { format!("call_{}_{choice}_{index}", self.id) } else { given.to_owned() }
    }
}
