use std::time::Duration;

use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use crate::{ModelError, progress::Progress};

/// The longest buffered answer: a hundred times what a model writes in one.
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// As much of an error as is read.
const ERROR_MAX_BYTES: usize = 64 * 1024;

/// How long an error's body may take: the head, which says the most, is there, and a slot is held.
const ERROR_TIME: Duration = Duration::from_secs(5);

/// The whole body of an answer.
pub(super) async fn answer(mut response: Response, progress: &Progress) -> Result<Vec<u8>, ModelError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| ModelError::TruncatedStream)? {
        progress.chunk();
        if body.len() + piece.len() > ANSWER_MAX_BYTES {
            let message = format!("it is longer than {ANSWER_MAX_BYTES} bytes");
            return Err(ModelError::Malformed { message });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
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
