use std::iter;

use serde_json::{Value, json};

use super::{TOKEN, TOKENS, unnamed};

pub fn whole(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "bench",
        "choices": [{
            "index": 0, "message": {"role": "assistant", "content": text, "refusal": null},
            "logprobs": null, "finish_reason": "stop",
        }],
        "usage": {"prompt_tokens": 12, "completion_tokens": 64, "total_tokens": 76},
    })
}

pub fn stream() -> Vec<String> {
    let token = choice(&json!({"content": TOKEN}), &Value::Null);
    let tokens = iter::repeat_n(unnamed(&token), TOKENS);
    let stop = choice(&json!({}), &json!("stop"));
    let usage = json!({"prompt_tokens": 12, "completion_tokens": 64, "total_tokens": 76});
    let usage = chunk(&json!([]), &usage);
    tokens.chain([unnamed(&stop), unnamed(&usage), "data: [DONE]\n\n".to_owned()]).collect()
}

fn choice(delta: &Value, finish: &Value) -> Value {
    let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
    chunk(&json!([choice]), &Value::Null)
}

fn chunk(choices: &Value, usage: &Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "bench",
        "system_fingerprint": "fp_1", "choices": choices, "usage": usage,
    })
}
