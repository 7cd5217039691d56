use runmill_proto::{
    Usage,
    chat::{Delta, Finish},
};
use serde_json::{Value, json};

use super::{
    Context, frame,
    sequence::{Sequence, Step},
};
use crate::{
    Refusal, ReplyHead,
    reply::{
        block::{Block, BlockKind},
        logprobs,
        responses::{State, item, item_id, part, response, summary},
    },
};

/// Stream of a response.
#[derive(Debug, Default)]
pub(super) struct Responses {
    sequence: Sequence,
    events: Events,
}

/// The events, which are numbered.
#[derive(Debug, Default)]
struct Events {
    sent: u64,
}

impl Responses {
    pub fn start(&mut self, out: &mut Vec<u8>, context: Context<'_>) {
        let response = response(context.options, context.head, &[], State::InProgress);
        self.events.send(out, "response.created", json!({ "response": response }));
        self.events.send(out, "response.in_progress", json!({ "response": response }));
    }

    pub fn delta(&mut self, out: &mut Vec<u8>, context: Context<'_>, delta: &Delta) {
        let Self { sequence, events } = self;
        let mut emit = |position: usize, block: &Block, step: Step<'_>| {
            events.step(out, context.head, position, block, step, "completed");
        };
        if context.options.logprobs || delta.logprobs.is_empty() {
            sequence.add(context.head, delta, &mut emit);
        } else {
            sequence.add(context.head, &Delta { logprobs: Vec::new(), ..delta.clone() }, &mut emit);
        }
    }

    pub fn end(
        &mut self,
        out: &mut Vec<u8>,
        context: Context<'_>,
        finish: Finish,
        usage: &Usage,
    ) -> Result<(), Refusal> {
        let (kind, status) = match finish {
            Finish::Length | Finish::ContentFilter => ("response.incomplete", "incomplete"),
            Finish::Stop | Finish::ToolCalls | Finish::Other => ("response.completed", "completed"),
        };
        let Self { sequence, events } = self;
        sequence.close(&mut |position, block, step| {
            events.step(out, context.head, position, block, step, status);
        })?;
        let state = State::Ended(finish, usage);
        let response = response(context.options, context.head, sequence.blocks(), state);
        events.send(out, kind, json!({ "response": response }));
        Ok(())
    }

    /// Reports an error. Some clients read the fields of the event, and others raise only for the field `error`.
    pub fn fail(&mut self, out: &mut Vec<u8>, refusal: &Refusal) {
        let fields = json!({
            "code": refusal.code,
            "message": refusal.message,
            "param": refusal.param,
            "error": refusal.openai(),
        });
        self.events.send(out, "error", fields);
    }
}

impl Events {
    fn send(&mut self, out: &mut Vec<u8>, kind: &str, fields: Value) {
        let mut event = json!({ "type": kind, "sequence_number": self.sent });
        if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
            event.extend(fields);
        }
        self.sent += 1;
        frame::event(out, kind, &event);
    }

    fn step(
        &mut self,
        out: &mut Vec<u8>,
        head: &ReplyHead,
        position: usize,
        block: &Block,
        step: Step<'_>,
        status: &str,
    ) {
        let id = item_id(head, position, &block.kind);
        let place = |fields: Value| placed(&id, position, &block.kind, fields);
        match step {
            Step::Open => {
                let item = begun(item(head, position, block, "in_progress"), &block.kind);
                self.send(
                    out,
                    "response.output_item.added",
                    json!({ "output_index": position, "item": item }),
                );
                if let Some((name, part)) = part_of(block, "added") {
                    self.send(out, &name, place(json!({ "part": part })));
                }
            }
            Step::Piece(text, tokens) => {
                let (name, fields) = match block.kind {
                    BlockKind::Reasoning => {
                        ("response.reasoning_summary_text.delta", json!({ "delta": text }))
                    }
                    BlockKind::Text => (
                        "response.output_text.delta",
                        json!({ "delta": text, "logprobs": logprobs::responses(tokens) }),
                    ),
                    BlockKind::Refusal => ("response.refusal.delta", json!({ "delta": text })),
                    BlockKind::Call { .. } => {
                        ("response.function_call_arguments.delta", json!({ "delta": text }))
                    }
                };
                self.send(out, name, place(fields));
            }
            Step::Close => {
                let (name, fields) = whole(block);
                self.send(out, name, place(fields));
                if let Some((name, part)) = part_of(block, "done") {
                    self.send(out, &name, place(json!({ "part": part })));
                }
                let item = item(head, position, block, status);
                self.send(
                    out,
                    "response.output_item.done",
                    json!({ "output_index": position, "item": item }),
                );
            }
        }
    }
}

/// Returns an item as it begins. A message begins without the part that is added next.
fn begun(mut item: Value, kind: &BlockKind) -> Value {
    if matches!(kind, BlockKind::Text | BlockKind::Refusal) {
        item["content"] = json!([]);
    }
    item
}

/// Adds the place of a part to the fields of an event.
fn placed(item_id: &str, position: usize, kind: &BlockKind, fields: Value) -> Value {
    let mut place = json!({ "item_id": item_id, "output_index": position });
    match kind {
        BlockKind::Reasoning => place["summary_index"] = json!(0),
        BlockKind::Text | BlockKind::Refusal => place["content_index"] = json!(0),
        BlockKind::Call { .. } => {}
    }
    if let (Value::Object(place), Value::Object(fields)) = (&mut place, fields) {
        place.extend(fields);
    }
    place
}

/// Returns the name of the event with which the part of a block is added or done, and the part. A call has no parts.
fn part_of(block: &Block, what: &str) -> Option<(String, Value)> {
    match block.kind {
        BlockKind::Reasoning => {
            Some((format!("response.reasoning_summary_part.{what}"), summary(&block.text)))
        }
        BlockKind::Text | BlockKind::Refusal => Some((format!("response.content_part.{what}"), part(block))),
        BlockKind::Call { .. } => None,
    }
}

/// Returns the event that has the whole text of a block.
fn whole(block: &Block) -> (&'static str, Value) {
    match &block.kind {
        BlockKind::Reasoning => ("response.reasoning_summary_text.done", json!({ "text": block.text })),
        BlockKind::Text => (
            "response.output_text.done",
            json!({ "text": block.text, "logprobs": logprobs::responses(&block.logprobs) }),
        ),
        BlockKind::Refusal => ("response.refusal.done", json!({ "refusal": block.text })),
        BlockKind::Call { name, .. } => {
            ("response.function_call_arguments.done", json!({ "name": name, "arguments": block.text }))
        }
    }
}
