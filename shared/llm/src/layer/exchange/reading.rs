use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::body::Body;
use crate::{
    ChatResponse, ModelError,
    progress::Progress,
    protocol::{Decoder, Step},
    sse::{SseDecoder, SseError},
};

/// A streamed answer that is being read.
pub(super) struct Reading<'a> {
    events: SseDecoder,
    decoder: Box<dyn Decoder>,
    progress: &'a Progress,
    has_token: bool,
}

/// How long the end of the body may take after the answer's own end. Read to its end, the connection serves the
/// next call; a server that dawdles costs us the connection instead of the time.
const END_OF_BODY: Duration = Duration::from_millis(20);

/// How long more may come after an answer that is whole without: counts, as a rule, if anything.
const AFTER_WHOLE: Duration = Duration::from_secs(5);

impl<'a> Reading<'a> {
    pub fn new(decoder: Box<dyn Decoder>, progress: &'a Progress) -> Self {
        Self { events: SseDecoder::default(), decoder, progress, has_token: false }
    }

    pub async fn read(mut self, mut body: Body) -> Result<ChatResponse, ModelError> {
        while let Some(piece) = next(&mut body, self.is_whole()).await? {
            self.progress.chunk();
            if let Some(answer) = self.take(piece)? {
                let _ = timeout(END_OF_BODY, body.next()).await;
                return Ok(answer);
            }
        }
        self.end()
    }

    /// Whether the answer is whole if nothing more comes.
    fn is_whole(&self) -> bool {
        self.decoder.is_whole() && self.events.is_between_events()
    }

    fn end(&mut self) -> Result<ChatResponse, ModelError> {
        // Not every server ends its terminator with an empty line. It alone cannot be the half of another event.
        if let Ok(Some(event)) = self.events.rest()
            && event.data == "[DONE]"
            && let Ok(Step::Complete(answer)) = self.decoder.event(&event)
        {
            return Ok(answer);
        }
        self.decoder.end()
    }

    fn take(&mut self, piece: Bytes) -> Result<Option<ChatResponse>, ModelError> {
        self.events.push(piece);
        while let Some(event) = self.events.next()? {
            match self.decoder.event(&event)? {
                Step::Quiet => {}
                Step::Token if self.has_token => {}
                Step::Token => {
                    self.has_token = true;
                    self.progress.token();
                }
                Step::Complete(answer) => return Ok(Some(answer)),
            }
        }
        Ok(None)
    }
}

/// The next piece. After an answer that is whole, neither a broken end nor one that does not come is an error.
async fn next(body: &mut Body, is_whole: bool) -> Result<Option<Bytes>, ModelError> {
    if !is_whole {
        return body.next().await;
    }
    Ok(timeout(AFTER_WHOLE, body.next()).await.ok().and_then(Result::ok).flatten())
}

/// However the reading ends, a time-out that drops it included: what was counted was billed.
impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.progress.usage(self.decoder.usage());
    }
}

impl From<SseError> for ModelError {
    fn from(error: SseError) -> Self {
        Self::Malformed { message: error.to_string() }
    }
}
