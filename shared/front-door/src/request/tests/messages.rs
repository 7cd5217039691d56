use runmill_proto::{Image, ReasoningEffort, ResponseFormat, Stop, ToolCall, ToolChoice, ToolMode};

use super::*;

fn messages(fields: &Value) -> Asked {
    asked(Endpoint::Messages, fields.clone()).unwrap_or_else(|refusal| panic!("{fields}: {refusal}"))
}

#[test]
fn blocks_become_messages() {
    let asked = messages(&json!({
        "system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "b"}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "see"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
                {"type": "image", "source": {"type": "url", "url": "https://example.org/x.png"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "so"},
                {"type": "tool_use", "id": "x", "name": "add", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "x", "content": "2", "is_error": true},
                {"type": "tool_result", "tool_use_id": "y", "content": [{"type": "text", "text": "3"}]},
                {"type": "text", "text": "and?"},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "z"}]},
            {"role": "assistant", "content": "It is"},
        ],
    }));
    let conversation = asked.conversation;
    assert_eq!(conversation.system.as_deref(), Some("a\n\nb"));
    let inline = Image::Inline {
        mime_type: "image/png".into(),
        encoding: "base64".into(),
        data: "iVBORw0KGgo=".into(),
    };
    let url = Image::Url { url: "https://example.org/x.png".into() };
    assert_eq!(conversation.messages[0].parts, [text_part("see"), Part::Image(inline), Part::Image(url)]);
    let call = ToolCall { id: "x".into(), name: "add".into(), arguments: r#"{"a":1}"#.into() };
    let spoken = Message { tool_calls: vec![call], ..text(Role::Assistant, "so") };
    assert_eq!(conversation.messages[1], spoken);
    let result = |id: &str, words: &str| Message { tool_call_id: Some(id.into()), ..text(Role::Tool, words) };
    let rest = [
        result("x", "2"),
        result("y", "3"),
        text(Role::User, "and?"),
        result("z", ""),
        text(Role::Assistant, "It is"),
    ];
    assert_eq!(conversation.messages[2..], rest);
    let ignored = ["messages[].content[]", "messages[].content[].is_error", "system[].cache_control"];
    assert_eq!(asked.ignored, ignored);
}

#[test]
fn options_of_the_answer_are_translated() {
    let asked = messages(&json!({
        "max_tokens": 9, "stop_sequences": ["END"], "stream": true,
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "low"},
        "tools": [{"name": "add", "description": "adds", "input_schema": {"type": "object"}, "type": "custom"}],
        "tool_choice": {"type": "any"},
    }));
    let generation = asked.conversation.generation;
    assert_eq!(generation.max_new_tokens, Some(9));
    assert_eq!(generation.stop, Some(Stop::Many(vec!["END".into()])));
    assert_eq!(generation.reasoning_effort, Some(ReasoningEffort::Low));
    assert!(matches!(generation.response_format, Some(ResponseFormat::JsonSchema { .. })));
    assert_eq!(generation.tools[0].function().parameters, Some(json!({"type": "object"})));
    assert_eq!(generation.tool_choice, Some(ToolChoice::Mode(ToolMode::Required)));
    assert_eq!(asked.ignored, [""; 0]);
    assert!(asked.streams);
}

#[test]
fn thinking_is_an_effort() {
    let enabled = |budget: u32| json!({"type": "enabled", "budget_tokens": budget});
    let table = [
        (json!(null), None, false),
        (json!({"type": "disabled"}), Some(ReasoningEffort::None), false),
        (enabled(1024), Some(ReasoningEffort::Low), true),
        (enabled(2048), Some(ReasoningEffort::Medium), true),
        (enabled(16_000), Some(ReasoningEffort::High), true),
        (json!({"type": "adaptive"}), Some(ReasoningEffort::High), true),
        (json!({"type": "adaptive", "display": "omitted"}), Some(ReasoningEffort::High), false),
    ];
    for (thinking, effort, is_shown) in table {
        let asked = messages(&json!({"thinking": thinking}));
        assert_eq!(
            (asked.conversation.generation.reasoning_effort, asked.reply.thinking),
            (effort, is_shown)
        );
    }
    let both = messages(&json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}));
    assert_eq!(both.conversation.generation.reasoning_effort, Some(ReasoningEffort::Medium));
}

#[test]
fn what_has_no_effect_is_taken() {
    let table: [(Value, &[&str]); 5] = [
        (json!({"stream": false, "tools": [], "stop_sequences": [], "system": "", "n": 1}), &[]),
        (json!({"cache_control": {"type": "ephemeral"}, "tools": []}), &["cache_control"]),
        (json!({"metadata": {"user_id": "me"}, "service_tier": "auto"}), &["metadata", "service_tier"]),
        (json!({"logprobs": false, "mcp_servers": [], "container": null}), &[]),
        (json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}), &[]),
    ];
    assert_ignored(Endpoint::Messages, table);
}

#[test]
fn one_call_at_most_is_asked_for_where_the_model_may_choose_between_tools() {
    let tools = json!([{"name": "add", "input_schema": {}}, {"name": "sub", "input_schema": {}}]);
    let asked = |kind: &str, name: Option<&str>| {
        let choice = json!({"type": kind, "name": name, "disable_parallel_tool_use": true});
        let asked = messages(&json!({"tools": tools, "tool_choice": choice}));
        (asked.conversation.generation.parallel_tool_calls, asked.ignored)
    };
    assert_eq!(asked("auto", None), (Some(false), Vec::new()));
    assert_eq!(asked("any", None).0, Some(false));
    assert_eq!(asked("tool", Some("add")), (None, vec!["tool_choice.disable_parallel_tool_use".to_owned()]));
}

#[test]
fn the_highest_efforts_are_taken() {
    for (text, effort) in [("xhigh", ReasoningEffort::XHigh), ("max", ReasoningEffort::Max)] {
        let asked = messages(&json!({"output_config": {"effort": text}}));
        assert_eq!(asked.conversation.generation.reasoning_effort, Some(effort));
    }
}

#[test]
fn what_cannot_be_translated_is_refused() {
    let part = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let image = json!({"type": "image", "source": {"type": "file", "file_id": "f"}});
    let table = [
        (json!({"messages": []}), "messages"),
        (json!({"messages": null}), "messages"),
        (json!({"messages": [{"role": "critic", "content": "x"}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (part(json!({"type": "document", "source": {}})), "messages[0].content[0].type"),
        (part(json!({"type": "search_result"})), "messages[0].content[0].type"),
        (part(image), "messages[0].content[0].source.type"),
        (json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}), "tools[0].type"),
        (json!({"tool_choice": {"type": "any"}}), "tool_choice"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"top_logprobs": 2}), "top_logprobs"),
        (json!({"n": 2}), "n"),
        (json!({"mcp_servers": [{"url": "x"}]}), "mcp_servers"),
        (json!({"container": "c"}), "container"),
        (json!({"thinking": {"type": "between_tools"}}), "thinking.type"),
        (json!({"thinking": {"type": "enabled"}}), "thinking.budget_tokens"),
        (json!({"output_config": {"effort": "extreme"}}), "output_config.effort"),
        (json!({"output_config": {"format": {"type": "text"}}}), "output_config.format.type"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"system": 7}), "system"),
    ];
    assert_refused(Endpoint::Messages, table);
}
