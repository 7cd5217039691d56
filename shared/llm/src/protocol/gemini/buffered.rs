use super::answer::Answer;
use crate::{ChatResponse, ModelError};

pub(super) fn read(body: &[u8]) -> Result<ChatResponse, ModelError> {
    let malformed = |message: String| ModelError::Malformed { message };
    let body = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    let mut answer = Answer::default();
    answer.read(body)?;
    answer.complete().map_err(|error| match error {
        // A body that is whole is not cut.
        ModelError::TruncatedStream => malformed("it has no finishReason".to_owned()),
        error => error,
    })
}
