use super::answer::Answer;
use crate::{ChatResponse, ModelError, protocol::UnusableAnswer};

pub(super) fn read(body: &[u8]) -> Result<ChatResponse, UnusableAnswer> {
    let body = std::str::from_utf8(body).map_err(malformed)?;
    let mut answer = Answer::default();
    whole(&mut answer, body).map_err(|error| UnusableAnswer { error, usage: answer.usage().into() })
}

fn whole(answer: &mut Answer, body: &str) -> Result<ChatResponse, ModelError> {
    answer.read(body)?;
    answer.complete().map_err(|error| match error {
        // The body is complete, so the answer is not truncated but malformed.
        ModelError::TruncatedStream => malformed("it has no finishReason"),
        error => error,
    })
}

fn malformed(what: impl std::fmt::Display) -> ModelError {
    ModelError::Malformed { message: what.to_string() }
}
