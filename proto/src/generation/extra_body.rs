use serde_json::{Map, Value};

use crate::ConfigFault;

/// Largest size as JSON. A job carries its configuration in its message.
const MAX_BYTES: usize = 64 * 1024;

/// Names that are refused: those of parameters that have a setting of their own, which is negotiated, and those that
/// belong to the protocols.
const RESERVED: [&str; 29] = [
    "contents",
    "frequency_penalty",
    "input",
    "instructions",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "messages",
    "model",
    "n",
    "presence_penalty",
    "random_seed",
    "reasoning_effort",
    "repeat_penalty",
    "repetition_penalty",
    "response_format",
    "seed",
    "stop",
    "stop_sequences",
    "stream",
    "stream_options",
    "system",
    "systemInstruction",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// Returns one fault for each name that is refused, and one if the parameters are too large.
pub(super) fn faults(extra_body: &Map<String, Value>) -> Vec<ConfigFault> {
    let reserved = extra_body.keys().filter(|name| RESERVED.contains(&name.as_str()));
    let mut faults: Vec<_> = reserved
        .map(|name| ConfigFault {
            pointer: format!("/extra_body/{name}"),
            detail: format!("is set by runmill or by a setting of its own, as are: {}", RESERVED.join(", ")),
        })
        .collect();
    let size = if extra_body.is_empty() { 0 } else { Value::from(extra_body.clone()).to_string().len() };
    if size > MAX_BYTES {
        let detail = format!("must have at most {MAX_BYTES} bytes as JSON, and has {size}");
        faults.push(ConfigFault { pointer: "/extra_body".into(), detail });
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Generation;

    #[test]
    fn parameters_of_the_user_are_kept_unless_they_are_the_protocols_own_or_too_large() {
        let large = "x".repeat(65_536);
        let table = [
            (json!({"chat_template_kwargs": {"enable_thinking": false}, "user": "me"}), vec![]),
            (json!({"stream": false, "model": "m", "x": 1}), vec!["/extra_body/stream", "/extra_body/model"]),
            (json!({"text": large}), vec!["/extra_body"]),
        ];
        for (extra, want) in table {
            let read: Generation = serde_json::from_value(json!({"extra_body": extra})).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), json!({"extra_body": extra}));
            let pointers: Vec<_> = read.faults().into_iter().map(|fault| fault.pointer).collect();
            assert_eq!(pointers, want);
        }
    }
}
