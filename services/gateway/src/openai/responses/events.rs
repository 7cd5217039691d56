use super::{
    item::{Content, Item, id},
    response::Response,
};
use crate::{
    behaviour::{Finish, Part},
    protocol::{Answer, Events, push_json, push_string},
};

/// Writes typed and numbered events. The events of one part's tokens differ only in a number and a text, so the
/// common bytes are made once and copied.
pub(super) struct ResponseEvents<'a> {
    answer: &'a Answer<'a>,
    /// Number of the next event.
    number: u64,
    /// Number of closed parts, which is the index of the open one.
    closed: usize,
    /// Fields that name the item of an event, as JSON that begins with a comma.
    place: Vec<u8>,
}

/// Names of the events of one part.
struct Names {
    added: Option<&'static str>,
    delta: &'static str,
    text_done: &'static str,
    /// Bytes before the whole text: the name of its field, and any fields before it.
    text_field: &'static str,
    done: Option<&'static str>,
}

impl Names {
    const THOUGHTS: Self = Self {
        added: Some("response.reasoning_summary_part.added"),
        delta: "response.reasoning_summary_text.delta",
        text_done: "response.reasoning_summary_text.done",
        text_field: r#","text":"#,
        done: Some("response.reasoning_summary_part.done"),
    };
    const TEXT: Self = Self {
        added: Some("response.content_part.added"),
        delta: "response.output_text.delta",
        text_done: "response.output_text.done",
        text_field: r#","logprobs":[],"text":"#,
        done: Some("response.content_part.done"),
    };
    const CALL: Self = Self {
        added: None,
        delta: "response.function_call_arguments.delta",
        text_done: "response.function_call_arguments.done",
        text_field: r#","arguments":"#,
        done: None,
    };

    fn of(part: Part) -> &'static Self {
        match part {
            Part::Thoughts => &Self::THOUGHTS,
            Part::Text => &Self::TEXT,
            Part::Call => &Self::CALL,
        }
    }
}

impl<'a> ResponseEvents<'a> {
    pub fn of(answer: &'a Answer<'a>) -> Self {
        Self { answer, number: 0, closed: 0, place: Vec::new() }
    }

    /// Writes one event. `fields` writes the fields after the type and the number, with a comma before each.
    fn event(&mut self, out: &mut Vec<u8>, name: &str, fields: impl FnOnce(&Self, &mut Vec<u8>)) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\ndata: {\"type\":\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\",\"sequence_number\":");
        push_json(out, &self.number);
        fields(self, out);
        out.extend_from_slice(b"}\n\n");
        self.number += 1;
    }

    fn response(&mut self, out: &mut Vec<u8>, name: &str, response: &Response<'_>) {
        self.event(out, name, |_, out| {
            out.extend_from_slice(br#","response":"#);
            push_json(out, response);
        });
    }

    fn item(&mut self, out: &mut Vec<u8>, name: &str, item: &Item<'_>) {
        self.event(out, name, |this, out| {
            out.extend_from_slice(br#","output_index":"#);
            push_json(out, &this.closed);
            out.extend_from_slice(br#","item":"#);
            push_json(out, item);
        });
    }

    fn content(&mut self, out: &mut Vec<u8>, name: &str, content: &Content<'_>) {
        self.event(out, name, |this, out| {
            out.extend_from_slice(&this.place);
            out.extend_from_slice(br#","part":"#);
            push_json(out, content);
        });
    }

    /// Returns the fields that name the item to which the tokens of a part belong.
    fn place(&self, part: Part) -> Vec<u8> {
        let mut place = br#","item_id":"#.to_vec();
        push_string(&mut place, &id(self.answer, part));
        place.extend_from_slice(br#","output_index":"#);
        push_json(&mut place, &self.closed);
        place.extend_from_slice(match part {
            Part::Thoughts => br#","summary_index":0"#,
            Part::Text => br#","content_index":0"#,
            Part::Call => b"",
        });
        place
    }
}

impl Events for ResponseEvents<'_> {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let response = Response::in_progress(self.answer);
        self.response(out, "response.created", &response);
        self.response(out, "response.in_progress", &response);
    }

    fn open(&mut self, out: &mut Vec<u8>, part: Part) {
        self.place = self.place(part);
        self.item(out, "response.output_item.added", &Item::begun(self.answer, part));
        if let Some(name) = Names::of(part).added {
            self.content(out, name, &Content::begun(part));
        }
    }

    fn token(&mut self, out: &mut Vec<u8>, part: Part, token: &str) {
        self.event(out, Names::of(part).delta, |this, out| {
            out.extend_from_slice(&this.place);
            if part == Part::Text {
                out.extend_from_slice(br#","logprobs":[]"#);
            }
            out.extend_from_slice(br#","delta":"#);
            push_string(out, token);
        });
    }

    fn close(&mut self, out: &mut Vec<u8>, part: Part) {
        let names = Names::of(part);
        let completion = &self.answer.completion;
        let text = if part == Part::Thoughts { &completion.thoughts } else { &completion.text };
        self.event(out, names.text_done, |this, out| {
            out.extend_from_slice(&this.place);
            out.extend_from_slice(names.text_field.as_bytes());
            push_string(out, text);
        });
        if let Some(name) = names.done {
            self.content(out, name, &Content::whole(self.answer, part));
        }
        self.item(out, "response.output_item.done", &Item::whole(self.answer, part));
        self.closed += 1;
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let name = match self.answer.completion.finish {
            Finish::Stop | Finish::Call => "response.completed",
            Finish::Length => "response.incomplete",
        };
        self.response(out, name, &Response::ended(self.answer));
    }

    fn overloaded(&mut self, out: &mut Vec<u8>) {
        self.response(out, "response.failed", &Response::overloaded(self.answer));
    }

    fn malformed(&mut self, out: &mut Vec<u8>) {
        let name = Names::TEXT.delta;
        out.extend_from_slice(format!("event: {name}\ndata: {{\"type\":\"{name}\",\"delta\n\n").as_bytes());
    }
}
