use super::{
    error,
    response::{Response, Usage},
};
use crate::{
    behaviour::Part,
    protocol::{Answer, Events, Fault, push_json, push_string},
};

/// Writes the chunks of a stream, as server-sent events with Google's line ends (CR LF) or as elements of an array.
/// Most are chunks of text and differ only in a few bytes, so the common bytes are made once and copied.
pub(super) struct ChunkEvents<'a> {
    answer: &'a Answer<'a>,
    is_array: bool,
    /// Number of chunks written.
    chunks: usize,
    usage: Usage,
    /// Bytes after the usage of every chunk.
    tail: Vec<u8>,
}

impl<'a> ChunkEvents<'a> {
    pub fn of(answer: &'a Answer<'a>, is_array: bool) -> Self {
        let mut tail = br#","modelVersion":"#.to_vec();
        push_string(&mut tail, &answer.request.model);
        tail.extend_from_slice(br#","responseId":"#);
        push_string(&mut tail, &answer.id(""));
        tail.push(b'}');
        Self { answer, is_array, chunks: 0, usage: Usage::begun(answer), tail }
    }

    fn chunk(&mut self, out: &mut Vec<u8>, json: impl FnOnce(&Self, &mut Vec<u8>)) {
        out.extend_from_slice(match (self.is_array, self.chunks) {
            (false, _) => b"data: ",
            (true, 0) => b"[",
            (true, _) => b",\r\n",
        });
        json(self, out);
        if !self.is_array {
            out.extend_from_slice(b"\r\n\r\n");
        }
        self.chunks += 1;
    }
}

impl Events for ChunkEvents<'_> {
    fn begin(&mut self, _: &mut Vec<u8>) {}

    fn open(&mut self, _: &mut Vec<u8>, _: Part) {}

    /// Writes nothing for a token of a tool call, because a tool call is sent as a whole after its last token.
    fn token(&mut self, out: &mut Vec<u8>, part: Part, token: &str) {
        self.usage.add(part);
        let end: &[u8] = match part {
            Part::Text => br#"}],"role":"model"},"index":0}],"usageMetadata":"#,
            Part::Thoughts => br#","thought":true}],"role":"model"},"index":0}],"usageMetadata":"#,
            Part::Call => return,
        };
        self.chunk(out, |this, out| {
            out.extend_from_slice(br#"{"candidates":[{"content":{"parts":[{"text":"#);
            push_string(out, token);
            out.extend_from_slice(end);
            push_json(out, &this.usage);
            out.extend_from_slice(&this.tail);
        });
    }

    fn close(&mut self, out: &mut Vec<u8>, part: Part) {
        if part == Part::Call {
            self.chunk(out, |this, out| {
                push_json(out, &Response::part(this.answer, part, this.usage.clone()));
            });
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.chunk(out, |this, out| push_json(out, &Response::last(this.answer)));
        if self.is_array {
            out.push(b']');
        }
    }

    fn overloaded(&mut self, out: &mut Vec<u8>) {
        self.chunk(out, |_, out| {
            out.extend_from_slice(&error::json(&Fault::Overloaded { retry_after: None }));
        });
        if self.is_array {
            out.push(b']');
        }
    }

    fn malformed(&mut self, out: &mut Vec<u8>) {
        self.chunk(out, |_, out| out.extend_from_slice(br#"{"candidates":[{"content":{"parts":[{"text"#));
    }
}
