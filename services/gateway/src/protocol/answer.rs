use super::ModelRequest;
use crate::behaviour::Completion;

/// Content of a response, streamed or not.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub request: &'a ModelRequest<'a>,
    /// Number of this attempt, from which the ids in the response are made.
    pub number: u64,
    /// Time of the request's arrival, in seconds since 1970.
    pub created: i64,
    pub completion: Completion<'a>,
}

impl Answer<'_> {
    /// Makes an id of this answer, such as `msg_ab`.
    pub fn id(&self, prefix: &str) -> String {
        format!("{prefix}{:x}", self.number)
    }

    /// Counts the tokens of the prompt and of the completion.
    pub fn total_tokens(&self) -> usize {
        self.request.prompt_tokens + self.completion.tokens()
    }
}
