use super::Asked;
use crate::behaviour::Completion;

/// All that an answer says, streamed or not.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub asked: &'a Asked<'a>,
    /// Of this attempt alone: what its ids are made of.
    pub number: u64,
    /// In seconds since 1970.
    pub created: i64,
    pub completion: Completion<'a>,
}

impl Answer<'_> {
    /// An id of this answer, such as `msg_ab`.
    pub fn id(&self, prefix: &str) -> String {
        format!("{prefix}{:x}", self.number)
    }

    /// Of the request and the answer.
    pub fn total_tokens(&self) -> usize {
        self.asked.prompt_tokens + self.completion.tokens()
    }
}
