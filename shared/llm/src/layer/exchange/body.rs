use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use crate::{ModelError, tracker::AttemptTracker};

/// Longest buffered answer, a hundred times longer than those of models.
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Longest part of an error's body that is read.
const ERROR_MAX_BYTES: usize = 64 * 1024;

/// Longest time to read an error's body. Most of the information is in the head, and the attempt holds a slot
/// meanwhile.
const ERROR_TIME: Duration = Duration::from_secs(5);

/// The body of an answer, read piece by piece. The first piece can be examined before it is read.
pub(super) struct AnswerBody {
    response: Response,
    first: Option<Bytes>,
}

impl AnswerBody {
    pub const fn of(response: Response) -> Self {
        Self { response, first: None }
    }

    /// Waits for the first piece, and returns true if it begins like a JSON object, which a stream of events never
    /// does. Must be called before [`Self::next`].
    pub async fn begins_as_json(&mut self) -> Result<bool, ModelError> {
        self.first = self.next().await?;
        let first = self.first.iter().flatten().find(|byte| !byte.is_ascii_whitespace());
        Ok(first == Some(&b'{'))
    }

    /// Returns the next piece, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ModelError> {
        if self.first.is_some() {
            return Ok(self.first.take());
        }
        self.response.chunk().await.map_err(|_| ModelError::TruncatedStream)
    }

    /// Reads the whole body.
    pub async fn whole(mut self, tracker: &AttemptTracker) -> Result<Vec<u8>, ModelError> {
        let mut body = Vec::new();
        while let Some(piece) = self.next().await? {
            tracker.chunk();
            if body.len() + piece.len() > ANSWER_MAX_BYTES {
                let message = format!("it is longer than {ANSWER_MAX_BYTES} bytes");
                return Err(ModelError::Malformed { message });
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

/// Reads the start of an error's body, as much of it as arrives. A missing body is no failure, because the status
/// alone is informative.
///
/// The pieces are not reported to the tracker, because [`ERROR_TIME`] limits the reading.
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
