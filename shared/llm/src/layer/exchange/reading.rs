use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::timeout;

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

impl<'a> Reading<'a> {
    pub fn new(decoder: Box<dyn Decoder>, progress: &'a Progress) -> Self {
        Self { events: SseDecoder::default(), decoder, progress, has_token: false }
    }

    pub async fn read(mut self, mut response: Response) -> Result<ChatResponse, ModelError> {
        while let Some(piece) = response.chunk().await.map_err(|_| ModelError::TruncatedStream)? {
            self.progress.chunk();
            if let Some(answer) = self.take(piece)? {
                let _ = timeout(END_OF_BODY, response.chunk()).await;
                return Ok(answer);
            }
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
