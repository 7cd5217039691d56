use runmill_proto::chat::Delta;

use super::{answer::Answer, error};
use crate::{
    ChatResponse, Metered, ModelError,
    protocol::{Decoder, Progress, Step},
    sse::SseEvent,
};

/// Builds an answer from the chunks of a stream. The protocol has no terminator: an answer with a finish reason is
/// complete when the body ends, and until then more token counts may arrive.
#[derive(Default)]
pub(super) struct ChunkDecoder {
    answer: Answer,
}

impl Decoder for ChunkDecoder {
    fn event(&mut self, event: &SseEvent<'_>) -> Result<Step, ModelError> {
        if event.name == "error" {
            return Err(error::in_band(event.data));
        }
        // Gateways for several protocols end every stream as OpenAI does.
        if event.data == "[DONE]" {
            return Ok(Step::Quiet);
        }
        Ok(if self.answer.read(event.data)? { Step::Token } else { Step::Quiet })
    }

    fn end(&mut self) -> Result<ChatResponse, ModelError> {
        self.answer.complete()
    }

    fn news(&mut self) -> Delta {
        self.answer.news()
    }

    fn progress(&self) -> Progress {
        if self.answer.is_whole() { Progress::Whole } else { Progress::Partial }
    }

    fn usage(&self) -> Metered {
        self.answer.usage()
    }
}
