use bytes::Bytes;
use runmill_proto::chat::Delta;
use serde::de::IgnoredAny;

use super::{Decoder, Progress, Step};
use crate::{
    ChatResponse, Metered, ModelError,
    sse::{SseDecoder, SseError},
};

/// Reads one streamed answer from its bytes.
pub struct AnswerStream {
    events: SseDecoder,
    decoder: Box<dyn Decoder>,
    has_event: bool,
    has_token: bool,
}

impl AnswerStream {
    pub fn new(decoder: Box<dyn Decoder>) -> Self {
        Self { events: SseDecoder::default(), decoder, has_event: false, has_token: false }
    }

    /// Reads the next piece. Returns the whole answer if the piece contains its terminator. Must not be called again
    /// after an answer or an error.
    pub fn push(&mut self, piece: Bytes) -> Result<Option<ChatResponse>, ModelError> {
        self.events.push(piece);
        while let Some(event) = self.events.next()? {
            self.has_event = true;
            match self.decoder.event(&event)? {
                Step::Quiet => {}
                Step::Token => self.has_token = true,
                Step::Complete(answer) => return Ok(Some(*answer)),
            }
        }
        Ok(None)
    }

    /// Ends the answer at the end of its body. Not every server sends the empty line after its last event, so an event
    /// without that line counts if its data is complete. Otherwise the body was cut inside of it.
    pub fn end(&mut self) -> Result<ChatResponse, ModelError> {
        if let Some(event) = self.events.rest().map_err(|_| ModelError::TruncatedStream)? {
            if !is_complete(event.data) {
                return Err(ModelError::TruncatedStream);
            }
            self.has_event = true;
            if let Step::Complete(answer) = self.decoder.event(&event)? {
                return Ok(*answer);
            }
        }
        if self.has_event { self.decoder.end() } else { Err(ModelError::EmptyStream) }
    }

    /// Returns the parts of the answer that arrived since the last call, also after its end. They are followed from the
    /// first call on, which therefore comes before the first piece.
    pub fn news(&mut self) -> Delta {
        self.decoder.news()
    }

    /// Returns how much of the answer has arrived.
    pub fn progress(&self) -> Progress {
        if self.events.is_between_events() { self.decoder.progress() } else { Progress::Partial }
    }

    /// Returns true once a part of the answer or of the reasoning has arrived.
    pub const fn has_token(&self) -> bool {
        self.has_token
    }

    /// Returns the tokens that the provider has counted so far.
    pub fn usage(&self) -> Metered {
        self.decoder.usage()
    }
}

fn is_complete(data: &str) -> bool {
    data == "[DONE]" || serde_json::from_str::<IgnoredAny>(data).is_ok()
}

impl From<SseError> for ModelError {
    fn from(error: SseError) -> Self {
        Self::Malformed { message: error.to_string() }
    }
}
