//! Replies to compare with files, for tests.

use runmill_proto::{
    Remarks, TokenLogprob, ToolCall, TopLogprob, Usage,
    chat::{Finish, ModelAnswer},
};
use serde_json::{Value, json};

use crate::{Asked, Endpoint, ReplyHead, read_value};

/// Returns the request of an endpoint that asks for all that a reply can have.
pub(crate) fn asked(endpoint: Endpoint) -> Asked {
    let body = match endpoint {
        Endpoint::ChatCompletions => json!({
            "model": "local/m", "messages": [{"role": "user", "content": "1+1"}], "n": 2, "logprobs": true,
            "top_logprobs": 1, "stream_options": {"include_usage": true},
        }),
        Endpoint::Completions => json!({
            "model": "local/m", "prompt": "1+1", "n": 2, "logprobs": 1, "stream_options": {"include_usage": true},
        }),
        Endpoint::Responses => json!({
            "model": "local/m", "input": "1+1", "instructions": "Add.", "metadata": {"a": "b"}, "temperature": 0.5,
            "include": ["message.output_text.logprobs"], "reasoning": {"effort": "low", "summary": "auto"},
            "tools": [{"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": false}],
        }),
        Endpoint::Messages => json!({
            "model": "local/m", "messages": [{"role": "user", "content": "1+1"}], "max_tokens": 9,
            "thinking": {"type": "adaptive"},
        }),
    };
    read_value(endpoint, &body).unwrap()
}

pub(crate) fn head() -> ReplyHead {
    ReplyHead { id: "42".into(), created: 1_795_902_000, model: "local/m".into(), prompt_tokens: 7 }
}

/// Returns an answer with a text, thoughts, log probabilities and calls of tools.
pub(crate) fn rich() -> ModelAnswer {
    let token = |token: &str, logprob| TokenLogprob {
        token: token.into(),
        logprob,
        top_logprobs: vec![TopLogprob { token: "é".into(), logprob: -2.0 }],
    };
    let call =
        |id: &str| ToolCall { id: id.into(), name: "add".into(), arguments: r#"{"a":1,"b":1}"#.into() };
    ModelAnswer {
        text: "Two.".into(),
        reasoning: Some("One and one.".into()),
        refusal: None,
        tool_calls: vec![call("call_a"), call("")],
        logprobs: Some(vec![token("Two", -0.25), token(".", -0.5)]),
        finish: Finish::ToolCalls,
        usage: Some(Usage {
            prompt_tokens: 12,
            completion_tokens: 5,
            cached_tokens: 4,
            cache_write_tokens: 2,
            reasoning_tokens: 3,
            ..Usage::default()
        }),
        remarks: Remarks::default(),
    }
}

/// Returns an answer that is only a text, of a provider that counts no tokens.
pub(crate) fn plain() -> ModelAnswer {
    ModelAnswer {
        text: "It is two".into(),
        reasoning: None,
        refusal: None,
        tool_calls: Vec::new(),
        logprobs: None,
        finish: Finish::Length,
        usage: None,
        remarks: Remarks::default(),
    }
}

/// Returns the answers to the request of an endpoint: one for each choice.
pub(crate) fn answers(endpoint: Endpoint) -> Vec<ModelAnswer> {
    match endpoint {
        Endpoint::ChatCompletions | Endpoint::Completions => vec![rich(), plain()],
        Endpoint::Responses | Endpoint::Messages => vec![rich()],
    }
}

/// Returns the events of a stream: the name of each, if it has one, and its data.
pub(crate) fn events(bytes: &[u8]) -> Vec<(Option<String>, Value)> {
    let text = std::str::from_utf8(bytes).unwrap();
    let frames = text.split_terminator("\n\n").filter(|frame| !frame.starts_with(':'));
    let event = |frame: &str| {
        let (name, data) = match frame.strip_prefix("event: ") {
            Some(rest) => {
                let (name, data) = rest.split_once('\n').unwrap();
                (Some(name.to_owned()), data)
            }
            None => (None, frame),
        };
        let data = data.strip_prefix("data: ").unwrap();
        assert!(!data.contains('\n'), "{frame}");
        (name, serde_json::from_str(data).unwrap_or_else(|_| json!(data)))
    };
    frames.map(event).collect()
}
