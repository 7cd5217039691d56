use runmill_proto::{
    Usage,
    chat::{Delta, ModelAnswer},
};
use serde_json::{Value, json};

use super::{
    Context, frame,
    sequence::{Sequence, Step},
};
use crate::{
    Refusal,
    reply::{
        block::{Block, BlockKind},
        messages::{content, message, stop_reason},
        usage,
    },
};

/// Stream of a message.
#[derive(Debug, Default)]
pub(super) struct Messages {
    sequence: Sequence,
}

pub(super) fn start(out: &mut Vec<u8>, context: Context<'_>) {
    // The true numbers come with the answer's end.
    let usage = Usage { prompt_tokens: context.head.prompt_tokens, ..Usage::default() };
    send(out, "message_start", json!({ "message": message(context.head, &[], None, &usage) }));
}

impl Messages {
    pub fn delta(&mut self, out: &mut Vec<u8>, context: Context<'_>, delta: &Delta) {
        let mut emit =
            |position: usize, block: &Block, step: Step<'_>| self::step(out, position, block, step);
        if context.options.thinking || delta.reasoning.is_empty() {
            self.sequence.add(context.head, delta, &mut emit);
        } else {
            let delta = Delta { reasoning: String::new(), ..delta.clone() };
            self.sequence.add(context.head, &delta, &mut emit);
        }
    }

    pub fn end(&mut self, out: &mut Vec<u8>, answer: &ModelAnswer, usage: &Usage) -> Result<(), Refusal> {
        self.sequence.close(&mut |position, block, step| self::step(out, position, block, step))?;
        let delta = json!({ "stop_reason": stop_reason(answer), "stop_sequence": null });
        send(out, "message_delta", json!({ "delta": delta, "usage": usage::messages(usage) }));
        send(out, "message_stop", json!({}));
        Ok(())
    }
}

fn step(out: &mut Vec<u8>, position: usize, block: &Block, step: Step<'_>) {
    match step {
        Step::Open => {
            send(out, "content_block_start", json!({ "index": position, "content_block": content(block) }));
            if position == 0 {
                send(out, "ping", json!({}));
            }
        }
        Step::Piece(text, _) => {
            let delta = match block.kind {
                BlockKind::Reasoning => json!({ "type": "thinking_delta", "thinking": text }),
                BlockKind::Text | BlockKind::Refusal => json!({ "type": "text_delta", "text": text }),
                BlockKind::Call { .. } => json!({ "type": "input_json_delta", "partial_json": text }),
            };
            send(out, "content_block_delta", json!({ "index": position, "delta": delta }));
        }
        Step::Close => send(out, "content_block_stop", json!({ "index": position })),
    }
}

fn send(out: &mut Vec<u8>, kind: &str, fields: Value) {
    let mut event = json!({ "type": kind });
    if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
        event.extend(fields);
    }
    frame::event(out, kind, &event);
}
