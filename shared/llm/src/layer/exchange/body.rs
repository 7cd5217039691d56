use reqwest::Response;

use crate::{ModelError, progress::Progress};

/// The longest buffered answer: a hundred times what a model writes in one.
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// As much of an error as is read.
const ERROR_MAX_BYTES: usize = 64 * 1024;

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
pub(super) async fn error(mut response: Response, progress: &Progress) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        progress.chunk();
        let room = ERROR_MAX_BYTES - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.len() == ERROR_MAX_BYTES {
            break;
        }
    }
    body
}
