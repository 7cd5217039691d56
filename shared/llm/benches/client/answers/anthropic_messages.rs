use std::iter;

use serde_json::{Value, json};

use super::{TOKEN, TOKENS, named};

pub fn whole(text: &str) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "bench",
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 12, "output_tokens": 64},
    })
}

pub fn stream() -> Vec<String> {
    let start = json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "bench", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 12, "output_tokens": 1},
    }});
    let block =
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
    let token =
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TOKEN}});
    let end_of_block = json!({"type": "content_block_stop", "index": 0});
    let stop = json!({
        "type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
        "usage": {"output_tokens": 64},
    });
    let end = json!({"type": "message_stop"});
    let events = [start, block, json!({"type": "ping"})].into_iter().chain(iter::repeat_n(token, TOKENS));
    events.chain([end_of_block, stop, end]).map(|event| named(&event)).collect()
}
