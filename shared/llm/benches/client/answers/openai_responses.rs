use std::iter;

use serde_json::{Value, json};

use super::{TOKEN, TOKENS, named};

pub fn whole(text: &str) -> Value {
    response(
        "completed",
        &json!([message(text)]),
        &json!({"input_tokens": 12, "output_tokens": 64, "total_tokens": 76}),
    )
}

/// Returns the events of a stream. As at the vendor, the last four events each repeat the whole text.
pub fn stream(text: &str) -> Vec<String> {
    let begun = response("in_progress", &json!([]), &Value::Null);
    let before = [
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": message("")}),
        json!({"type": "response.content_part.added", "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": part("")}),
    ];
    let token = json!({
        "type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0,
        "delta": TOKEN, "logprobs": [],
    });
    let after = [
        json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": text, "logprobs": []}),
        json!({"type": "response.content_part.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": part(text)}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": message(text)}),
        json!({"type": "response.completed", "response": whole(text)}),
    ];
    let events = before.into_iter().chain(iter::repeat_n(token, TOKENS)).chain(after);
    (0..).zip(events).map(|(number, event)| named(&numbered(event, number))).collect()
}

fn response(status: &str, output: &Value, usage: &Value) -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_700_000_000, "status": status, "error": null,
        "incomplete_details": null, "model": "bench", "output": output, "usage": usage,
    })
}

fn message(text: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part(text)]})
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

fn numbered(mut event: Value, number: u64) -> Value {
    event["sequence_number"] = json!(number);
    event
}
