use super::{
    completion::{Usage, call_id, finish_reason, id},
    error,
    logprobs::Logprobs,
};
use crate::{
    behaviour::Part,
    protocol::{Answer, Events, Fault, push_json, push_string},
};

const DONE: &[u8] = b"data: [DONE]\n\n";
const BROKEN: &[u8] = b"data: {\"id\":\"chatcmpl-\",\"choices\":[{\"index\":0,\"delta\":{\"content\n\n";

/// Writes the chunks of a stream. They differ only in a few bytes, so the common bytes are made once and copied.
pub(super) struct ChatEvents<'a> {
    answer: &'a Answer<'a>,
    /// Bytes before the choice of every chunk.
    head: Vec<u8>,
    /// Bytes after the choice of every chunk.
    tail: &'static [u8],
}

impl<'a> ChatEvents<'a> {
    pub fn of(answer: &'a Answer<'a>) -> Self {
        let mut head = b"data: {\"id\":".to_vec();
        push_string(&mut head, &id(answer));
        head.extend_from_slice(br#","object":"chat.completion.chunk","created":"#);
        push_json(&mut head, &answer.created);
        head.extend_from_slice(br#","model":"#);
        push_string(&mut head, &answer.request.model);
        head.extend_from_slice(br#","choices":["#);
        let tail: &[u8] = if answer.request.include_usage { b"],\"usage\":null}\n\n" } else { b"]}\n\n" };
        Self { answer, head, tail }
    }

    fn chunk(&self, out: &mut Vec<u8>, choice: impl FnOnce(&mut Vec<u8>)) {
        out.extend_from_slice(&self.head);
        choice(out);
        out.extend_from_slice(self.tail);
    }

    fn delta(&self, out: &mut Vec<u8>, delta: impl FnOnce(&mut Vec<u8>)) {
        self.delta_with(out, None, delta);
    }

    fn delta_with(
        &self,
        out: &mut Vec<u8>,
        logprobs: Option<&Logprobs<'_>>,
        delta: impl FnOnce(&mut Vec<u8>),
    ) {
        self.chunk(out, |out| {
            out.extend_from_slice(br#"{"index":0,"delta":{"#);
            delta(out);
            out.extend_from_slice(br#"},"logprobs":"#);
            push_json(out, &logprobs);
            out.extend_from_slice(br#","finish_reason":null}"#);
        });
    }

    /// Writes the last chunk, which has the usage and no choice.
    fn usage(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(br#"],"usage":"#);
        push_json(out, &Usage::of(self.answer));
        out.extend_from_slice(b"}\n\n");
    }
}

impl Events for ChatEvents<'_> {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let role: &[u8] = match self.answer.completion.call {
            None => br#""role":"assistant","content":"""#,
            Some(_) => br#""role":"assistant","content":null"#,
        };
        self.delta(out, |out| out.extend_from_slice(role));
    }

    fn open(&mut self, out: &mut Vec<u8>, part: Part) {
        let (Part::Call, Some(name)) = (part, self.answer.completion.call) else { return };
        self.delta(out, |out| {
            out.extend_from_slice(br#""tool_calls":[{"index":0,"id":"#);
            push_string(out, &call_id(self.answer));
            out.extend_from_slice(br#","type":"function","function":{"name":"#);
            push_string(out, name);
            out.extend_from_slice(br#","arguments":""}}]"#);
        });
    }

    fn token(&mut self, out: &mut Vec<u8>, part: Part, token: &str) {
        let (head, tail): (&[u8], &[u8]) = match part {
            Part::Thoughts => (br#""reasoning_content":"#, b""),
            Part::Text => (br#""content":"#, b""),
            Part::Call => (br#""tool_calls":[{"index":0,"function":{"arguments":"#, b"}}]"),
        };
        let logprobs = (part == Part::Text).then(|| Logprobs::of_token(self.answer, token)).flatten();
        self.delta_with(out, logprobs.as_ref(), |out| {
            out.extend_from_slice(head);
            push_string(out, token);
            out.extend_from_slice(tail);
        });
    }

    fn close(&mut self, _: &mut Vec<u8>, _: Part) {}

    fn end(&mut self, out: &mut Vec<u8>) {
        self.chunk(out, |out| {
            out.extend_from_slice(br#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"#);
            push_string(out, finish_reason(self.answer.completion.finish));
            out.push(b'}');
        });
        if self.answer.request.include_usage {
            self.usage(out);
        }
        out.extend_from_slice(DONE);
    }

    fn overloaded(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&error::json(&Fault::Overloaded { retry_after: None }));
        out.extend_from_slice(b"\n\n");
    }

    fn malformed(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(BROKEN);
        out.extend_from_slice(DONE);
    }
}
