use std::iter;

use serde_json::{Value, json};

use super::{TOKEN, TOKENS, unnamed};

pub fn whole(text: &str) -> Value {
    let mut whole = chunk(text, 64);
    whole["candidates"][0]["finishReason"] = json!("STOP");
    whole
}

/// Returns the events of a stream. The last token's event has the finish reason.
pub fn stream() -> Vec<String> {
    let mut last = chunk(TOKEN, 64);
    last["candidates"][0]["finishReason"] = json!("STOP");
    let tokens = iter::repeat_n(chunk(TOKEN, 1), TOKENS - 1);
    tokens.chain([last]).map(|chunk| unnamed(&chunk)).collect()
}

fn chunk(text: &str, tokens: u64) -> Value {
    json!({
        "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 12, "candidatesTokenCount": tokens, "totalTokenCount": 12 + tokens,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
        },
        "modelVersion": "bench", "responseId": "r-1",
    })
}
