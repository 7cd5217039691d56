use runmill_proto::{Image, ReasoningEffort, ResponseFormat, ToolCall, ToolChoice, ToolMode};

use super::*;

fn responses(fields: &Value) -> Asked {
    asked(Endpoint::Responses, fields.clone()).unwrap_or_else(|refusal| panic!("{fields}: {refusal}"))
}

#[test]
fn items_of_the_input_become_messages() {
    let asked = responses(&json!({
        "instructions": "be kind",
        "input": [
            {"role": "developer", "content": "be brief"},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "see"},
                {"type": "input_image", "image_url": "https://example.org/x.png", "detail": "auto"},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
             "content": [{"type": "output_text", "text": "so", "annotations": [], "logprobs": []}]},
            {"type": "function_call", "id": "fc_1", "call_id": "x", "name": "add", "arguments": "{}", "status": "completed"},
            {"type": "function_call", "call_id": "y", "name": "add", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "x", "output": "2"},
            {"type": "function_call_output", "call_id": "y", "output": [{"type": "input_text", "text": "3"}]},
        ],
    }));
    let conversation = asked.conversation;
    assert_eq!(conversation.system.as_deref(), Some("be kind\n\nbe brief"));
    let image = Part::Image(Image::Url { url: "https://example.org/x.png".into() });
    assert_eq!(conversation.messages[0].parts, [text_part("see"), image]);
    let call = |id: &str| ToolCall { id: id.into(), name: "add".into(), arguments: "{}".into() };
    let spoken = Message { tool_calls: vec![call("x"), call("y")], ..text(Role::Assistant, "so") };
    assert_eq!(conversation.messages[1], spoken);
    let result = |id: &str, words: &str| Message { tool_call_id: Some(id.into()), ..text(Role::Tool, words) };
    assert_eq!(conversation.messages[2..], [result("x", "2"), result("y", "3")]);
    assert_eq!(asked.ignored, ["input[]"]);
}

#[test]
fn options_of_the_answer_are_translated() {
    let asked = responses(&json!({
        "max_output_tokens": 9, "reasoning": {"effort": "high", "summary": "auto"}, "stream": true,
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {}, "strict": true}, "verbosity": "medium"},
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"], "top_logprobs": 1,
        "tools": [{"type": "function", "name": "add", "parameters": {}, "strict": true}],
        "tool_choice": {"type": "function", "name": "add"},
    }));
    let generation = asked.conversation.generation;
    assert_eq!(generation.max_new_tokens, Some(9));
    assert_eq!(generation.reasoning_effort, Some(ReasoningEffort::High));
    assert!(matches!(generation.response_format, Some(ResponseFormat::JsonSchema { .. })));
    assert_eq!((generation.logprobs, generation.top_logprobs), (Some(true), Some(1)));
    assert_eq!(generation.tools[0].function().name, "add");
    assert!(matches!(generation.tool_choice, Some(ToolChoice::Function { .. })));
    assert_eq!(asked.ignored, ["include[]", "reasoning.summary"]);
    assert!(asked.streams);
    let required = responses(&json!({
        "tools": [{"type": "function", "name": "add"}], "tool_choice": "required", "parallel_tool_calls": true,
    }));
    let generation = required.conversation.generation;
    assert_eq!(generation.tool_choice, Some(ToolChoice::Mode(ToolMode::Required)));
    assert!(generation.extra_body.is_empty());
}

#[test]
fn what_has_no_effect_is_taken() {
    let table: [(Value, &[&str]); 7] = [
        (json!({"stream": false, "tools": [], "text": {"format": {"type": "text"}}}), &[]),
        (json!({"background": false, "previous_response_id": null, "conversation": null}), &[]),
        (json!({"store": false, "include": ["reasoning.encrypted_content"]}), &["include[]", "store"]),
        (json!({"metadata": {"a": "b"}, "truncation": "auto"}), &["metadata", "truncation"]),
        (json!({"user": "u", "safety_identifier": "s", "x": 1}), &["safety_identifier", "user", "x"]),
        (json!({"n": 1, "instructions": "", "reasoning": {}}), &[]),
        (json!({"n": 1.0, "top_k": -1.0}), &[]),
    ];
    assert_ignored(Endpoint::Responses, table);
}

#[test]
fn what_cannot_be_translated_is_refused() {
    let part = |part: Value| json!({"input": [{"role": "user", "content": [part]}]});
    let table = [
        (json!({"input": null}), "input"),
        (json!({"input": []}), "input"),
        (json!({"input": 7}), "input"),
        (json!({"input": [{"type": "item_reference", "id": "x"}]}), "input[0].type"),
        (json!({"input": [{"type": "web_search_call"}]}), "input[0].type"),
        (json!({"input": [{"role": "critic", "content": "x"}]}), "input[0].role"),
        (json!({"input": [{"type": "function_call", "name": "x", "arguments": ""}]}), "input[0].call_id"),
        (part(json!({"type": "input_file", "file_id": "x"})), "input[0].content[0].type"),
        (part(json!({"type": "input_audio"})), "input[0].content[0].type"),
        (part(json!({"type": "input_image", "file_id": "x"})), "input[0].content[0].file_id"),
        (json!({"previous_response_id": "resp_1"}), "previous_response_id"),
        (json!({"background": true}), "background"),
        (json!({"conversation": "conv_1"}), "conversation"),
        (json!({"prompt": {"id": "p"}}), "prompt"),
        (json!({"n": 2}), "n"),
        (json!({"n": 1.5}), "n"),
        (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
        (json!({"tools": [{"type": "mcp"}]}), "tools[0].type"),
        (json!({"tool_choice": {"type": "allowed_tools"}}), "tool_choice.type"),
        (json!({"text": {"verbosity": "low"}}), "text.verbosity"),
        (json!({"text": {"format": {"type": "grammar"}}}), "text.format.type"),
        (json!({"reasoning": {"effort": 7}}), "reasoning.effort"),
        (json!({"max_output_tokens": 0}), "max_output_tokens"),
    ];
    assert_refused(Endpoint::Responses, table);
}
