use runmill_proto::{Image, ReasoningEffort, ResponseFormat, Stop, ToolCall, ToolChoice, ToolMode};

use super::*;

fn chat(fields: &Value) -> Asked {
    asked(Endpoint::ChatCompletions, fields.clone()).unwrap_or_else(|refusal| panic!("{fields}: {refusal}"))
}

#[test]
fn system_messages_lead_or_keep_their_place() {
    let asked = chat(&json!({"messages": [
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "late"},
    ]}));
    assert_eq!(asked.conversation.system.as_deref(), Some("a\n\nb\n\nc"));
    assert_eq!(asked.conversation.messages, [text(Role::User, "hi"), text(Role::System, "late")]);
}

#[test]
fn content_is_a_text_or_a_list_of_parts() {
    let asked = chat(&json!({"messages": [{"role": "user", "content": [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": "https://example.org/x.png", "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"}},
    ]}]}));
    let image = |url: &str| Part::Image(Image::Url { url: url.into() });
    let want =
        [text_part("see"), image("https://example.org/x.png"), image("data:image/png;base64,iVBORw0KGgo=")];
    assert_eq!(asked.conversation.messages[0].parts, want);
    assert_eq!(asked.ignored, ["messages[].content[].image_url.detail"]);
}

#[test]
fn calls_of_tools_and_their_results_are_kept() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "add", "arguments": "{\"a\":1}"}});
    let asked = chat(&json!({"messages": [
        {"role": "user", "content": "1+1"},
        {"role": "assistant", "content": null, "refusal": null, "tool_calls": [call("x"), call("y")]},
        {"role": "tool", "tool_call_id": "x", "content": "2"},
        {"role": "assistant", "content": "two", "name": "bot", "reasoning_content": "hm"},
    ]}));
    let messages = asked.conversation.messages;
    let tool_call = |id: &str| ToolCall { id: id.into(), name: "add".into(), arguments: "{\"a\":1}".into() };
    assert_eq!(messages[1].tool_calls, [tool_call("x"), tool_call("y")]);
    assert_eq!(messages[1].parts, []);
    assert_eq!(messages[2], Message { tool_call_id: Some("x".into()), ..text(Role::Tool, "2") });
    assert_eq!(messages[3], text(Role::Assistant, "two"));
    assert_eq!(asked.ignored, ["messages[].name", "messages[].reasoning_content"]);
}

#[test]
fn an_empty_text_beside_a_call_is_left_out() {
    let call = json!({"id": "x", "function": {"name": "add", "arguments": "{}"}});
    let asked = chat(&json!({"messages": [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "assistant", "content": ""},
    ]}));
    assert_eq!(asked.conversation.messages[0].parts, []);
    assert_eq!(asked.conversation.messages[1].parts, [text_part("")]);
}

#[test]
fn options_of_the_answer_are_translated() {
    let asked = chat(&json!({
        "max_tokens": 5, "max_completion_tokens": 6.0, "reasoning_effort": "low", "stop": "END", "n": 3, "stream": true,
        "stream_options": {"include_usage": true}, "logprobs": true, "top_logprobs": 2,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}, "strict": true}},
        "tools": [{"type": "function", "function": {"name": "add", "description": "adds", "parameters": {}, "strict": true}}],
        "tool_choice": {"type": "function", "function": {"name": "add"}},
        "chat_template_kwargs": {"enable_thinking": false}, "logit_bias": {}, "min_p": 0.1, "parallel_tool_calls": false,
    }));
    let generation = asked.conversation.generation;
    assert_eq!(
        (asked.n, asked.streams, asked.reply.include_usage, asked.reply.logprobs),
        (3, true, true, true)
    );
    assert_eq!(generation.max_new_tokens, Some(6));
    assert_eq!(generation.reasoning_effort, Some(ReasoningEffort::Low));
    assert_eq!(generation.stop, Some(Stop::One("END".into())));
    assert_eq!((generation.logprobs, generation.top_logprobs), (Some(true), Some(2)));
    assert!(matches!(generation.response_format, Some(ResponseFormat::JsonSchema { .. })));
    assert_eq!(generation.tools[0].function().description.as_deref(), Some("adds"));
    assert!(matches!(generation.tool_choice, Some(ToolChoice::Function { .. })));
    assert_eq!(generation.parallel_tool_calls, Some(false));
    let passed = json!({"chat_template_kwargs": {"enable_thinking": false}, "min_p": 0.1});
    assert_eq!(Value::Object(generation.extra_body), passed);
    assert_eq!(asked.ignored, [""; 0]);
}

#[test]
fn modes_of_tool_choice_are_translated() {
    let tools = json!([{"type": "function", "function": {"name": "add"}}]);
    let table = [("auto", ToolMode::Auto), ("none", ToolMode::None), ("required", ToolMode::Required)];
    for (word, mode) in table {
        let asked = chat(&json!({"tools": tools, "tool_choice": word}));
        assert_eq!(asked.conversation.generation.tool_choice, Some(ToolChoice::Mode(mode)));
    }
    for word in ["auto", "none"] {
        assert_eq!(
            chat(&json!({"tools": [], "tool_choice": word})).conversation.generation.tool_choice,
            None
        );
    }
}

#[test]
fn what_has_no_effect_is_taken() {
    let table: [(Value, &[&str]); 14] = [
        (json!({"logprobs": false, "n": 1, "stream": false, "stop": []}), &[]),
        (json!({"response_format": {"type": "text"}}), &[]),
        (json!({"tools": [], "tool_choice": "auto", "parallel_tool_calls": true}), &[]),
        (json!({"tools": [], "parallel_tool_calls": false}), &[]),
        (json!({"top_logprobs": 0, "logprobs": false, "top_k": -1, "modalities": ["text"]}), &[]),
        (json!({"store": true, "metadata": {"a": "b"}, "user": "me"}), &["metadata", "store", "user"]),
        (json!({"cache_control": {"type": "ephemeral"}}), &["cache_control"]),
        (json!({"service_tier": "flex", "prompt_cache_key": "k"}), &["prompt_cache_key", "service_tier"]),
        (json!({"some_new_key": {"a": [1]}}), &["some_new_key"]),
        (json!({"some_new_key": null, "temperature": null, "stop": null, "tools": null}), &[]),
        (json!({"functions": [], "audio": null, "web_search_options": {}}), &[]),
        (json!({"stream_options": {"include_usage": false, "x": 1}}), &["stream_options.x"]),
        (json!({"chat_template_kwargs": {}, "logit_bias": null}), &[]),
        (json!({"messages": [{"role": "user", "content": "hi", "name": "me"}]}), &["messages[].name"]),
    ];
    assert_ignored(Endpoint::ChatCompletions, table);
}

#[test]
fn what_cannot_be_translated_is_refused() {
    let user = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let message = |message: Value| json!({"messages": [message]});
    let table = [
        (json!({"messages": []}), "messages"),
        (json!({"messages": null}), "messages"),
        (json!({"messages": "hi"}), "messages"),
        (json!({"messages": ["hi"]}), "messages[0]"),
        (message(json!({"content": "hi"})), "messages[0].role"),
        (message(json!({"role": "function", "content": "hi"})), "messages[0].role"),
        (message(json!({"role": "user"})), "messages[0].content"),
        (message(json!({"role": "user", "content": 7})), "messages[0].content"),
        (message(json!({"role": "assistant", "content": null})), "messages[0]"),
        (message(json!({"role": "tool", "content": "2"})), "messages[0].tool_call_id"),
        (user(json!({"type": "input_audio", "input_audio": {}})), "messages[0].content[0].type"),
        (user(json!({"type": "file", "file": {}})), "messages[0].content[0].type"),
        (
            user(json!({"type": "image_url", "image_url": {"url": "x.png"}})),
            "messages[0].content[0].image_url.url",
        ),
        (json!({"n": 200}), "n"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_tokens": -1}), "max_tokens"),
        (json!({"reasoning_effort": "extreme"}), "reasoning_effort"),
        (json!({"response_format": {"type": "xml"}}), "response_format.type"),
        (json!({"response_format": {"type": "json_schema"}}), "response_format.json_schema"),
        (json!({"top_logprobs": 2}), "top_logprobs"),
        (json!({"logprobs": true, "top_logprobs": 21}), "top_logprobs"),
        (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
        (json!({"tools": [{"type": "custom", "custom": {}}]}), "tools[0].type"),
        (json!({"tools": [{"type": "function"}]}), "tools[0].function"),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"functions": [{"name": "f"}]}), "functions"),
        (json!({"function_call": "auto"}), "function_call"),
        (json!({"audio": {"voice": "x"}}), "audio"),
        (json!({"modalities": ["text", "audio"]}), "modalities[1]"),
        (json!({"web_search_options": {"search_context_size": "low"}}), "web_search_options"),
    ];
    assert_refused(Endpoint::ChatCompletions, table);
}
