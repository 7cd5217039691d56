use runmill_proto::{Function, Image, JsonSchema, ReasoningEffort, ToolChoice, ToolMode};
use serde_json::json;

use super::*;
use crate::{ChatMessage, Part, Role};

fn asking(model: &str, generation: Generation) -> ChatRequest {
    ChatRequest {
        model: model.into(),
        messages: vec![ChatMessage::text(Role::User, "2+2?")],
        generation,
        ..ChatRequest::default()
    }
}

fn encoded(request: &ChatRequest, form: Form) -> Value {
    serde_json::from_slice(&body(request, form).unwrap()).unwrap()
}

/// Returns the body without the question, its limit and `stream`.
fn extras(model: &str, generation: Generation) -> Value {
    let mut sent = encoded(&asking(model, generation), Form::default());
    for key in ["model", "max_tokens", "messages", "stream"] {
        sent.as_object_mut().unwrap().remove(key);
    }
    sent
}

#[test]
fn a_question_is_sent_with_its_limit() {
    let request = asking("anthropic/claude-haiku-4-5", Generation::default());
    let question = json!([{"role": "user", "content": "2+2?"}]);
    assert_eq!(
        encoded(&request, Form::default()),
        json!({"model": "claude-haiku-4-5", "max_tokens": 4096, "messages": question, "stream": true})
    );
    assert_eq!(
        encoded(&request, Form::default().with(Fix::Buffered)),
        json!({"model": "claude-haiku-4-5", "max_tokens": 4096, "messages": question})
    );
}

#[test]
fn a_conversation_is_sent_with_the_system_beside_it() {
    let messages = vec![
        ChatMessage::text(Role::User, "hi"),
        ChatMessage::text(Role::Assistant, "hello"),
        ChatMessage::text(Role::User, "2+2?"),
    ];
    let request = ChatRequest {
        system: Some("be brief".into()),
        messages,
        ..asking("claude-haiku-4-5", Generation::default())
    };
    let sent = encoded(&request, Form::default());
    assert_eq!(sent["system"], "be brief");
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": "2+2?"},
        ])
    );
}

#[test]
fn images_go_as_data_or_by_their_url() {
    let url = |url: &str| Part::Image(Image::Url { url: url.into() });
    let inline =
        Image::Inline { mime_type: "image/png".into(), encoding: "base64".into(), data: "AAAA".into() };
    let parts = vec![
        Part::Text("what is this?".into()),
        Part::Image(inline),
        url("data:image/webp;base64,BBBB"),
        url("https://host/a.png"),
    ];
    let request = ChatRequest {
        messages: vec![ChatMessage::new(Role::User, parts)],
        ..asking("claude-haiku-4-5", Generation::default())
    };
    assert_eq!(
        encoded(&request, Form::default())["messages"][0]["content"],
        json!([
            {"type": "text", "text": "what is this?"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": "BBBB"}},
            {"type": "image", "source": {"type": "url", "url": "https://host/a.png"}},
        ])
    );
}

#[test]
fn sampling_is_sent_to_who_takes_it_and_the_rest_nowhere() {
    let generation = Generation {
        temperature: Some(0.0),
        top_p: Some(0.9),
        top_k: Some(40),
        presence_penalty: Some(0.1),
        frequency_penalty: Some(0.2),
        repetition_penalty: Some(1.1),
        seed: Some(7),
        logprobs: Some(true),
        top_logprobs: Some(2),
        ..Generation::default()
    };
    let sampled = json!({"temperature": 0.0, "top_p": 0.9, "top_k": 40});
    let off = Some(ReasoningEffort::None);
    let mut unthinking = sampled.clone();
    unthinking["thinking"] = json!({"type": "disabled"});
    let table = [
        ("claude-haiku-4-5", None, sampled.clone()),
        ("claude-opus-4-6", None, sampled),
        ("claude-opus-4-6", off, unthinking),
        ("claude-opus-4-7", None, json!({})),
        (
            "claude-haiku-4-5",
            Some(ReasoningEffort::Low),
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ),
        (
            "claude-opus-4-6",
            Some(ReasoningEffort::Low),
            json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}}),
        ),
    ];
    for (model, reasoning_effort, want) in table {
        assert_eq!(extras(model, Generation { reasoning_effort, ..generation.clone() }), want, "{model}");
    }
}

#[test]
fn a_limit_is_kept_to() {
    let generation = Generation { max_new_tokens: Some(64), ..Generation::default() };
    assert_eq!(encoded(&asking("claude-opus-5", generation), Form::default())["max_tokens"], 64);
}

#[test]
fn stops_of_white_space_are_left_out() {
    let many = |stops: &[&str]| Stop::Many(stops.iter().map(|&stop| stop.to_owned()).collect());
    let table = [
        (Stop::One("END".into()), json!({"stop_sequences": ["END"]})),
        (many(&["\n", "\n\nQ:", " "]), json!({"stop_sequences": ["\n\nQ:"]})),
        (Stop::One("\n".into()), json!({})),
    ];
    for (stop, want) in table {
        assert_eq!(
            extras("claude-haiku-4-5", Generation { stop: Some(stop), ..Generation::default() }),
            want
        );
    }
}

#[test]
fn a_strict_request_is_refused_rather_than_sent_without_a_part_of_it() {
    let many = |stops: &[&str]| Some(Stop::Many(stops.iter().map(|&stop| stop.to_owned()).collect()));
    let stopped = |stop| Generation { stop, ..Generation::default() };
    let (no_logprobs, no_stop) = (Some("has no log probabilities"), Some("takes no stop text"));
    let table = [
        (Generation { logprobs: Some(true), ..Generation::default() }, no_logprobs),
        (Generation { top_logprobs: Some(2), ..Generation::default() }, no_logprobs),
        (Generation { logprobs: Some(false), ..Generation::default() }, None),
        (stopped(Some(Stop::One("\n\n".into()))), no_stop),
        (stopped(many(&["END", "\n"])), no_stop),
        (stopped(many(&["END", ""])), None),
        (stopped(many(&[])), None),
    ];
    for (generation, want) in table {
        let loose = asking("claude-haiku-4-5", generation);
        assert!(body(&loose, Form::default()).is_ok(), "a run's request is sent without it");
        let error = body(&ChatRequest { is_strict: true, ..loose }, Form::default()).err();
        assert_eq!(error.is_some(), want.is_some(), "{error:?}");
        let words = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(words.contains(want.unwrap_or_default()), "{words}");
    }
}

#[test]
fn a_schema_is_asked_for_beside_an_effort() {
    let schema = json!({"type": "object", "additionalProperties": false});
    let json_schema =
        JsonSchema { name: "grade".into(), description: None, schema: schema.clone(), strict: Some(true) };
    let wanted = |format| Generation { response_format: Some(format), ..Generation::default() };

    let by_schema = wanted(ResponseFormat::JsonSchema { json_schema });
    let format = json!({"type": "json_schema", "schema": schema});
    assert_eq!(
        extras("claude-haiku-4-5", by_schema.clone()),
        json!({"output_config": {"format": format.clone()}})
    );
    let thinking = Generation { reasoning_effort: Some(ReasoningEffort::High), ..by_schema };
    assert_eq!(
        extras("claude-opus-5", thinking)["output_config"],
        json!({"effort": "high", "format": format})
    );
    assert_eq!(extras("claude-haiku-4-5", wanted(ResponseFormat::Text)), json!({}));
}

#[test]
fn json_without_a_schema_is_an_error_before_anything_is_sent() {
    let generation =
        Generation { response_format: Some(ResponseFormat::JsonObject), ..Generation::default() };
    let error = body(&asking("claude-haiku-4-5", generation), Form::default()).unwrap_err();
    assert!(matches!(error, ModelError::Inexpressible { .. }), "{error}");
}

#[test]
fn tools_are_sent_with_the_choice_among_them() {
    let function = Function { name: "add".into(), description: None, parameters: None, strict: None };
    let generation = Generation {
        tools: vec![Tool::Function { function }],
        tool_choice: Some(ToolChoice::Mode(ToolMode::Required)),
        ..Generation::default()
    };
    assert_eq!(
        extras("claude-haiku-4-5", generation),
        json!({
            "tools": [{"name": "add", "input_schema": {"type": "object", "properties": {}}}],
            "tool_choice": {"type": "any"},
        })
    );
}
