//! Bodies as real clients send them.

use super::*;

#[test]
fn bodies_of_real_clients_are_taken() {
    let user = json!([{"role": "user", "content": "1+1"}]);
    let parts = json!([{"role": "user", "content": [{"type": "text", "text": "1+1"}]}]);
    let table = [
        ("inspect", json!({"model": "m", "messages": user})),
        (
            "lm-eval",
            json!({"messages": user, "model": "m", "max_tokens": 256, "temperature": 0, "stop": ["a", "b", "c", "d"], "seed": 1234}),
        ),
        (
            "LightEval",
            json!({
                "messages": user, "model": "m", "logprobs": false, "max_completion_tokens": 9, "max_tokens": 9, "n": 1,
                "response_format": {"type": "text"}, "seed": 1, "stop": [], "temperature": 0.0,
            }),
        ),
        ("promptfoo", json!({"model": "m", "messages": user, "max_tokens": 1024, "temperature": 0})),
        ("deepeval", json!({"model": "m", "messages": parts, "temperature": 0.0})),
        (
            "ragas",
            json!({
                "model": "m", "messages": user, "response_format": {"type": "json_object"}, "temperature": 0.01,
                "top_p": 0.1, "max_tokens": 1024,
            }),
        ),
        ("langchain", json!({"model": "m", "messages": user, "stream": false, "max_completion_tokens": 5})),
    ];
    for (client, body) in table {
        let asked =
            read_value(Endpoint::ChatCompletions, &body).unwrap_or_else(|fault| panic!("{client}: {fault}"));
        assert_eq!(asked.conversation.messages, [text(Role::User, "1+1")], "{client}");
        assert_eq!(asked.ignored, [""; 0], "{client}");
    }
}

#[test]
fn bodies_of_inspect_and_promptfoo_for_responses_are_taken() {
    let table = [
        json!({
            "model": "m", "include": ["reasoning.encrypted_content"],
            "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "1+1"}]}],
            "reasoning": {"summary": "auto"}, "store": false,
        }),
        json!({
            "model": "m", "input": "1+1", "max_output_tokens": 1024, "temperature": 0,
            "text": {"format": {"type": "text"}},
        }),
    ];
    for body in table {
        let asked = read_value(Endpoint::Responses, &body).unwrap();
        assert_eq!(asked.conversation.messages, [text(Role::User, "1+1")]);
    }
}

#[test]
fn a_body_of_inspect_for_messages_is_taken() {
    let body = json!({
        "model": "m", "messages": [{"role": "user", "content": "1+1"}], "max_tokens": 32_000, "stream": true,
        "cache_control": {"type": "ephemeral"}, "tools": [],
    });
    let asked = read_value(Endpoint::Messages, &body).unwrap();
    assert_eq!(asked.conversation.messages, [text(Role::User, "1+1")]);
    assert_eq!((asked.streams, asked.ignored), (true, vec!["cache_control".to_owned()]));
}

#[test]
fn a_request_of_the_ai_sdk_for_an_object_is_taken() {
    let body = json!({
        "model": "m", "max_tokens": 4096, "messages": [{"role": "user", "content": [{"type": "text", "text": "1+1"}]}],
        "tools": [{"name": "json", "description": "Respond with a JSON object.", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
    });
    let asked = read_value(Endpoint::Messages, &body).unwrap();
    assert_eq!(asked.ignored, ["tool_choice.disable_parallel_tool_use"]);
}

#[test]
fn the_probe_of_curator_has_an_error_that_it_can_read() {
    let refusal = read(Endpoint::ChatCompletions, br#"{"model": "m", "messages": []}"#).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_deref()), (400, Some("empty_array")));
}
