use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use crate::{ModelError, progress::Progress};

/// The longest buffered answer: a hundred times what a model writes in one.
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// As much of an error as is read.
const ERROR_MAX_BYTES: usize = 64 * 1024;

/// How long an error's body may take: the head, which says the most, is there, and a slot is held.
const ERROR_TIME: Duration = Duration::from_secs(5);

/// The body of an answer, as it comes. Its first piece can be looked at before it is taken.
pub(super) struct Body {
    response: Response,
    first: Option<Bytes>,
}

impl Body {
    pub const fn of(response: Response) -> Self {
        Self { response, first: None }
    }

    /// Whether it begins as JSON does and a stream of events cannot. To be asked before anything is taken; returns
    /// when the first piece has come.
    pub async fn begins_as_json(&mut self) -> Result<bool, ModelError> {
        self.first = self.next().await?;
        let first = self.first.iter().flatten().find(|byte| !byte.is_ascii_whitespace());
        Ok(first == Some(&b'{'))
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ModelError> {
        if self.first.is_some() {
            return Ok(self.first.take());
        }
        self.response.chunk().await.map_err(|_| ModelError::TruncatedStream)
    }

    /// All of it.
    pub async fn whole(mut self, progress: &Progress) -> Result<Vec<u8>, ModelError> {
        let mut body = Vec::new();
        while let Some(piece) = self.next().await? {
            progress.chunk();
            if body.len() + piece.len() > ANSWER_MAX_BYTES {
                let message = format!("it is longer than {ANSWER_MAX_BYTES} bytes");
                return Err(ModelError::Malformed { message });
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

/// The start of an error's body, as far as it comes: the status alone says much.
///
/// No part of it is a sign of life: it has a time of its own.
pub(super) async fn error(mut response: Response) -> Vec<u8> {
    let end = Instant::now() + ERROR_TIME;
    let mut body = Vec::new();
    while let Ok(Ok(Some(piece))) = timeout_at(end, response.chunk()).await {
        let room = ERROR_MAX_BYTES - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.len() == ERROR_MAX_BYTES {
            break;
        }
    }
    body
}
