use runmill_proto::{Function, Image, NamedFunction, ReasoningEffort, Stop, Tool, ToolChoice, ToolMode};
use serde_json::json;

use super::*;
use crate::{ChatMessage, Part, Role};

fn request() -> ChatRequest {
    ChatRequest {
        model: "openai/gpt-5".into(),
        messages: vec![ChatMessage::text(Role::User, "2+2?")],
        ..ChatRequest::default()
    }
}

fn encoded(request: &ChatRequest, dialect: Dialect, form: Form) -> Value {
    serde_json::from_slice(&body(request, dialect, form).unwrap()).unwrap()
}

fn with(generation: Generation) -> Value {
    encoded(&ChatRequest { generation, ..request() }, Dialect::OPENAI, Form::default())
}

#[test]
fn a_stream_is_asked_for_without_padding_and_nothing_is_stored() {
    assert_eq!(
        encoded(&request(), Dialect::OPENAI, Form::default()),
        json!({"model": "gpt-5", "input": [{"role": "user", "content": "2+2?"}], "store": false,
               "stream": true, "stream_options": {"include_obfuscation": false}})
    );
}

#[test]
fn the_form_and_the_dialect_are_kept_to() {
    let table = [
        (Dialect::OPENAI, Form::default().with(Fix::NoStreamOptions), Some(json!(true))),
        (Dialect::OPENAI, Form::default().with(Fix::Buffered), None),
        (Dialect::COMPATIBLE, Form::default(), Some(json!(true))),
    ];
    for (dialect, form, stream) in table {
        let sent = encoded(&request(), dialect, form);
        assert_eq!((sent.get("stream").cloned(), sent.get("stream_options")), (stream, None), "{form:?}");
    }
}

#[test]
fn what_the_wire_has_is_sent_and_what_only_tunes_sampling_is_left_out() {
    let mut sent = with(Generation {
        temperature: Some(0.5),
        top_p: Some(0.9),
        top_k: Some(40),
        max_new_tokens: Some(64),
        presence_penalty: Some(0.1),
        frequency_penalty: Some(0.2),
        repetition_penalty: Some(1.1),
        seed: Some(7),
        reasoning_effort: Some(ReasoningEffort::Max),
        parallel_tool_calls: Some(false),
        top_logprobs: Some(3),
        ..Generation::default()
    });

    for key in ["model", "input", "store", "stream", "stream_options"] {
        sent.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(
        sent,
        json!({"temperature": 0.5, "top_p": 0.9, "max_output_tokens": 64, "reasoning": {"effort": "xhigh"},
               "parallel_tool_calls": false, "include": ["message.output_text.logprobs"], "top_logprobs": 3})
    );
}

#[test]
fn stop_sequences_are_an_error_and_an_empty_list_is_none() {
    let stop = |stop| ChatRequest {
        generation: Generation { stop: Some(stop), ..Generation::default() },
        ..request()
    };

    let error = body(&stop(Stop::One("\n".into())), Dialect::OPENAI, Form::default()).unwrap_err();

    assert!(matches!(error, ModelError::Inexpressible { .. }), "{error:?}");
    assert!(body(&stop(Stop::Many(vec![])), Dialect::OPENAI, Form::default()).is_ok());
}

#[test]
fn a_format_is_flat() {
    let schema = JsonSchema {
        name: "answer".into(),
        description: None,
        schema: json!({"type": "object"}),
        strict: Some(true),
    };
    let table = [
        (ResponseFormat::Text, Value::Null),
        (ResponseFormat::JsonObject, json!({"format": {"type": "json_object"}})),
        (
            ResponseFormat::JsonSchema { json_schema: schema },
            json!({"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"},
                              "strict": true}}),
        ),
    ];
    for (format, want) in table {
        let sent = with(Generation { response_format: Some(format), ..Generation::default() });
        assert_eq!(sent.get("text").cloned().unwrap_or_default(), want);
    }
}

#[test]
fn tools_and_their_choice_are_flat() {
    let function = |parameters| Function {
        name: "add".into(),
        description: Some("adds".into()),
        parameters,
        strict: None,
    };
    let tools = [Some(json!({"type": "object"})), None].map(|it| Tool::Function { function: function(it) });
    let named = NamedFunction { name: "add".into() };
    let table = [
        (ToolChoice::Mode(ToolMode::Required), json!("required")),
        (
            ToolChoice::Function { kind: "function".into(), function: named },
            json!({"type": "function", "name": "add"}),
        ),
    ];
    for (choice, want) in table {
        let generation =
            Generation { tools: tools.to_vec(), tool_choice: Some(choice), ..Generation::default() };
        let sent = with(generation);
        assert_eq!(sent["tool_choice"], want);
        assert_eq!(
            sent["tools"],
            json!([
                {"type": "function", "name": "add", "description": "adds", "parameters": {"type": "object"},
                 "strict": false},
                {"type": "function", "name": "add", "description": "adds", "parameters": null, "strict": false},
            ])
        );
    }
}

#[test]
fn messages_are_input_or_output_by_who_said_them() {
    let text = |text: &str| Part::Text(text.into());
    let parts = vec![
        text("what is this?"),
        Part::Image(Image::Url { url: "https://host/a.png".into() }),
        Part::Image(Image::Inline {
            mime_type: "image/png".into(),
            encoding: "base64".into(),
            data: "AAAA".into(),
        }),
    ];
    let request = ChatRequest {
        system: Some("be brief".into()),
        messages: vec![
            ChatMessage::new(Role::User, parts),
            ChatMessage::new(Role::Assistant, vec![text("a"), text("b")]),
            ChatMessage::text(Role::Assistant, "c"),
        ],
        ..request()
    };

    let sent = encoded(&request, Dialect::OPENAI, Form::default());

    assert_eq!(sent["instructions"], "be brief");
    assert_eq!(
        sent["input"],
        json!([
            {"role": "user", "content": [
                {"type": "input_text", "text": "what is this?"},
                {"type": "input_image", "image_url": "https://host/a.png", "detail": "auto"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
            ]},
            {"role": "assistant", "content": [
                {"type": "output_text", "text": "a"},
                {"type": "output_text", "text": "b"},
            ]},
            {"role": "assistant", "content": "c"},
        ])
    );
}
