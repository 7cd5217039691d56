use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::body::AnswerBody;
use crate::{
    ChatResponse, ModelError,
    protocol::{Decoder, Step},
    sse::{SseDecoder, SseError},
    tracker::AttemptTracker,
};

/// Reads one streamed answer.
pub(super) struct StreamReader<'a> {
    events: SseDecoder,
    decoder: Box<dyn Decoder>,
    tracker: &'a AttemptTracker,
    has_event: bool,
    has_token: bool,
}

/// Longest wait for the end of the body after the answer's terminator. A body that was read to its end leaves the
/// connection usable for the next call. If the end does not arrive in this time, the connection is closed.
const END_OF_BODY: Duration = Duration::from_millis(20);

/// Longest wait for further events after an answer that is complete without a terminator. Usually only token counts
/// follow.
const AFTER_COMPLETE: Duration = Duration::from_secs(5);

impl<'a> StreamReader<'a> {
    pub fn new(decoder: Box<dyn Decoder>, tracker: &'a AttemptTracker) -> Self {
        Self { events: SseDecoder::default(), decoder, tracker, has_event: false, has_token: false }
    }

    pub async fn read(mut self, mut body: AnswerBody) -> Result<ChatResponse, ModelError> {
        while let Some(piece) = next(&mut body, self.is_whole()).await? {
            self.tracker.chunk();
            if let Some(answer) = self.take(piece)? {
                let _ = timeout(END_OF_BODY, body.next()).await;
                return Ok(answer);
            }
        }
        self.end()
    }

    /// Returns true if the answer is complete even if nothing more arrives.
    fn is_whole(&self) -> bool {
        self.decoder.is_whole() && self.events.is_between_events()
    }

    fn end(&mut self) -> Result<ChatResponse, ModelError> {
        // Not every server sends the empty line after its terminator. No other event begins with this text, so the
        // terminator is complete without that line.
        let rest = self.events.rest();
        let is_empty = !self.has_event && matches!(rest, Ok(None));
        if let Ok(Some(event)) = rest
            && event.data == "[DONE]"
            && let Ok(Step::Complete(answer)) = self.decoder.event(&event)
        {
            return Ok(answer);
        }
        match self.decoder.end() {
            Err(ModelError::TruncatedStream) if is_empty => Err(ModelError::EmptyStream),
            answer => answer,
        }
    }

    fn take(&mut self, piece: Bytes) -> Result<Option<ChatResponse>, ModelError> {
        self.events.push(piece);
        while let Some(event) = self.events.next()? {
            self.has_event = true;
            match self.decoder.event(&event)? {
                Step::Quiet => {}
                Step::Token if self.has_token => {}
                Step::Token => {
                    self.has_token = true;
                    self.tracker.token();
                }
                Step::Complete(answer) => return Ok(Some(answer)),
            }
        }
        Ok(None)
    }
}

/// Returns the next piece. After a complete answer, a body that breaks off or does not end is no error.
async fn next(body: &mut AnswerBody, is_whole: bool) -> Result<Option<Bytes>, ModelError> {
    if !is_whole {
        return body.next().await;
    }
    Ok(timeout(AFTER_COMPLETE, body.next()).await.ok().and_then(Result::ok).flatten())
}

/// Records the counted tokens, which were billed, in whatever way the reading ends, also if a time-out drops the
/// reader.
impl Drop for StreamReader<'_> {
    fn drop(&mut self) {
        self.tracker.usage(self.decoder.usage());
    }
}

impl From<SseError> for ModelError {
    fn from(error: SseError) -> Self {
        Self::Malformed { message: error.to_string() }
    }
}
