use super::{
    error,
    message::{Block, Message, SIGNATURE, Usage, stop_reason},
};
use crate::{
    behaviour::Part,
    protocol::{Answer, Events, Fault, push_json, push_string},
};

const PING: &[u8] = b"event: ping\ndata: {\"type\":\"ping\"}\n\n";
const BROKEN: &[u8] =
    b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\n\n";
const STOP: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

pub(super) struct MessageEvents<'a> {
    answer: &'a Answer<'a>,
    /// Number of closed blocks, which is the index of the open one.
    closed: usize,
}

impl<'a> MessageEvents<'a> {
    pub fn of(answer: &'a Answer<'a>) -> Self {
        Self { answer, closed: 0 }
    }

    /// Writes an event about the open block.
    fn block(&self, out: &mut Vec<u8>, name: &str, fields: impl FnOnce(&mut Vec<u8>)) {
        event(out, name, |out| {
            out.extend_from_slice(br#","index":"#);
            push_json(out, &self.closed);
            fields(out);
        });
    }

    /// Writes a delta of type `kind`, with `text` in the field that this type has for it.
    fn delta(&self, out: &mut Vec<u8>, kind: &str, field: &str, text: &str) {
        self.block(out, "content_block_delta", |out| {
            out.extend_from_slice(br#","delta":{"type":""#);
            out.extend_from_slice(kind.as_bytes());
            out.extend_from_slice(br#"",""#);
            out.extend_from_slice(field.as_bytes());
            out.extend_from_slice(br#"":"#);
            push_string(out, text);
            out.push(b'}');
        });
    }
}

fn event(out: &mut Vec<u8>, name: &str, fields: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: {\"type\":\"");
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
    fields(out);
    out.extend_from_slice(b"}\n\n");
}

impl Events for MessageEvents<'_> {
    fn begin(&mut self, out: &mut Vec<u8>) {
        event(out, "message_start", |out| {
            out.extend_from_slice(br#","message":"#);
            push_json(out, &Message::begun(self.answer));
        });
    }

    fn open(&mut self, out: &mut Vec<u8>, part: Part) {
        self.block(out, "content_block_start", |out| {
            out.extend_from_slice(br#","content_block":"#);
            push_json(out, &Block::begun(self.answer, part));
        });
        if self.closed == 0 {
            out.extend_from_slice(PING);
        }
    }

    fn token(&mut self, out: &mut Vec<u8>, part: Part, token: &str) {
        match part {
            Part::Thoughts => self.delta(out, "thinking_delta", "thinking", token),
            Part::Text => self.delta(out, "text_delta", "text", token),
            Part::Call => self.delta(out, "input_json_delta", "partial_json", token),
        }
    }

    fn close(&mut self, out: &mut Vec<u8>, part: Part) {
        if part == Part::Thoughts {
            self.delta(out, "signature_delta", "signature", SIGNATURE);
        }
        self.block(out, "content_block_stop", |_| {});
        self.closed += 1;
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        event(out, "message_delta", |out| {
            out.extend_from_slice(br#","delta":{"stop_reason":"#);
            push_string(out, stop_reason(self.answer.completion.finish));
            out.extend_from_slice(br#","stop_sequence":null},"usage":"#);
            push_json(out, &Usage::of(self.answer));
        });
        out.extend_from_slice(STOP);
    }

    fn overloaded(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: error\ndata: ");
        out.extend_from_slice(&error::json(&Fault::Overloaded { retry_after: None }, self.answer.number));
        out.extend_from_slice(b"\n\n");
    }

    fn malformed(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(BROKEN);
    }
}
