use runmill_proto::{
    Function, Generation, Image, JsonSchema, NamedFunction, ReasoningEffort, Stop, ToolMode,
    api::ProviderKind,
};
use serde_json::{Value, json};

use super::*;
use crate::{ChatMessage, Part, Role};

fn request() -> ChatRequest {
    ChatRequest {
        model: "m".into(),
        messages: vec![ChatMessage::text(Role::User, "2+2?")],
        ..ChatRequest::default()
    }
}

fn encoded(request: &ChatRequest, dialect: Dialect, form: Form) -> Value {
    serde_json::from_slice(&body(request, dialect, form)).unwrap()
}

/// Returns the part of the body that comes from the configuration.
fn sent(generation: Generation, dialect: Dialect, form: Form) -> Value {
    let mut sent = encoded(&ChatRequest { generation, ..request() }, dialect, form);
    for key in ["model", "messages", "stream", "stream_options"] {
        sent.as_object_mut().unwrap().remove(key);
    }
    sent
}

fn at(base_url: &str) -> Dialect {
    Dialect::at(ProviderKind::Custom, &base_url.parse().unwrap())
}

#[test]
fn a_stream_is_asked_for_with_its_usage_where_that_is_asked_for() {
    assert_eq!(
        encoded(&request(), Dialect::COMPATIBLE, Form::default()),
        json!({"model": "m", "messages": [{"role": "user", "content": "2+2?"}],
               "stream": true, "stream_options": {"include_usage": true}})
    );
    let table = [
        (Dialect::OPENAI, json!({"include_usage": true, "include_obfuscation": false})),
        (at("https://r.openai.azure.com"), json!({"include_usage": true})),
        (at("https://api.mistral.ai/v1"), Value::Null),
    ];
    for (dialect, want) in table {
        let sent = encoded(&request(), dialect, Form::default());
        assert_eq!(sent.get("stream_options").cloned().unwrap_or_default(), want, "{dialect:?}");
    }
}

#[test]
fn the_form_is_kept_to() {
    let bare = encoded(&request(), Dialect::OPENAI, Form::default().with(Fix::NoStreamOptions));
    assert_eq!((&bare["stream"], bare.get("stream_options")), (&json!(true), None));

    let buffered = encoded(&request(), Dialect::OPENAI, Form::default().with(Fix::Buffered));
    assert_eq!((buffered.get("stream"), buffered.get("stream_options")), (None, None));
}

#[test]
fn the_limit_of_tokens_has_the_name_that_the_server_knows() {
    let generation = Generation { max_new_tokens: Some(64), ..Generation::default() };
    let other = Form::default().with(Fix::OtherTokenLimit);
    let (old, new) = (json!({"max_tokens": 64}), json!({"max_completion_tokens": 64}));
    let table = [
        (Dialect::OPENAI, Form::default(), &new),
        (Dialect::OPENAI, other, &old),
        (Dialect::COMPATIBLE, Form::default(), &old),
        (Dialect::COMPATIBLE, other, &new),
    ];
    for (dialect, form, want) in table {
        assert_eq!(sent(generation.clone(), dialect, form), *want, "{dialect:?} {form:?}");
    }
}

#[test]
fn every_parameter_is_sent_to_who_knows_it() {
    let generation = Generation {
        temperature: Some(0.0),
        top_p: Some(0.9),
        top_k: Some(40),
        stop: Some(Stop::Many(vec!["\n".into()])),
        presence_penalty: Some(0.1),
        frequency_penalty: Some(0.2),
        repetition_penalty: Some(1.1),
        seed: Some(7),
        reasoning_effort: Some(ReasoningEffort::Low),
        ..Generation::default()
    };
    let common = json!({"temperature": 0.0, "top_p": 0.9, "stop": ["\n"], "presence_penalty": 0.1,
                        "frequency_penalty": 0.2});
    let plain = json!({"seed": 7, "reasoning_effort": "low"});
    let open = json!({"top_k": 40, "repetition_penalty": 1.1, "seed": 7, "reasoning_effort": "low"});
    // llama.cpp knows only the second name of the penalty.
    let both = json!({"top_k": 40, "repetition_penalty": 1.1, "repeat_penalty": 1.1, "seed": 7,
                      "reasoning_effort": "low"});
    let nested = json!({"top_k": 40, "repetition_penalty": 1.1, "seed": 7, "reasoning": {"effort": "low"}});
    let table = [
        (Dialect::OPENAI, plain.clone()),
        (Dialect::COMPATIBLE, both),
        (at("https://r.openai.azure.com"), plain.clone()),
        (at("https://api.groq.com/openai/v1"), plain),
        (at("https://api.mistral.ai/v1"), json!({"random_seed": 7, "reasoning_effort": "low"})),
        (at("https://api.deepseek.com"), json!({"reasoning_effort": "low"})),
        (at("https://openrouter.ai/api/v1"), nested),
        (at("https://api.together.xyz/v1"), open),
    ];
    for (dialect, own) in table {
        let mut want = common.clone();
        want.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        assert_eq!(sent(generation.clone(), dialect, Form::default()), want, "{dialect:?}");
    }
}

#[test]
fn a_format_is_sent_unless_it_is_text() {
    let schema =
        JsonSchema { name: "a".into(), description: None, schema: json!({"type": "object"}), strict: None };
    let table = [
        (ResponseFormat::Text, json!({})),
        (ResponseFormat::JsonObject, json!({"response_format": {"type": "json_object"}})),
        (
            ResponseFormat::JsonSchema { json_schema: schema },
            json!({"response_format": {"type": "json_schema",
                                       "json_schema": {"name": "a", "schema": {"type": "object"}}}}),
        ),
    ];
    for (format, want) in table {
        let generation = Generation { response_format: Some(format), ..Generation::default() };
        assert_eq!(sent(generation, Dialect::COMPATIBLE, Form::default()), want);
    }
}

#[test]
fn tools_are_offered_with_their_choice() {
    let function = Function {
        name: "add".into(),
        description: None,
        parameters: Some(json!({"type": "object"})),
        strict: Some(true),
    };
    let tools = json!([{"type": "function", "function": {"name": "add", "parameters": {"type": "object"},
                                                         "strict": true}}]);
    let named = NamedFunction { name: "add".into() };
    let table = [
        (ToolChoice::Mode(ToolMode::None), json!("none")),
        (
            ToolChoice::Function { kind: "function".into(), function: named },
            json!({"type": "function", "function": {"name": "add"}}),
        ),
    ];
    for (choice, want) in table {
        let generation = Generation {
            tools: vec![Tool::Function { function: function.clone() }],
            tool_choice: Some(choice),
            ..Generation::default()
        };
        let want = json!({"tools": tools, "tool_choice": want});
        assert_eq!(sent(generation, Dialect::COMPATIBLE, Form::default()), want);
    }
}

#[test]
fn log_probabilities_are_asked_for_also_by_their_number_alone() {
    let table = [
        (Some(true), None, json!({"logprobs": true})),
        (None, Some(5), json!({"logprobs": true, "top_logprobs": 5})),
        (Some(false), None, json!({})),
    ];
    for (logprobs, top_logprobs, want) in table {
        let generation = Generation { logprobs, top_logprobs, ..Generation::default() };
        assert_eq!(sent(generation, Dialect::COMPATIBLE, Form::default()), want);
    }
}

#[test]
fn images_go_as_parts_beside_the_text() {
    let parts = vec![
        Part::Text("what is this?".into()),
        Part::Image(Image::Url { url: "https://host/a.png".into() }),
        Part::Image(Image::Inline {
            mime_type: "image/png".into(),
            encoding: "base64".into(),
            data: "AAAA".into(),
        }),
    ];
    let request = ChatRequest {
        system: Some("be brief".into()),
        messages: vec![ChatMessage::new(Role::User, parts)],
        ..request()
    };
    assert_eq!(
        encoded(&request, Dialect::COMPATIBLE, Form::default())["messages"],
        json!([
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [
                {"type": "text", "text": "what is this?"},
                {"type": "image_url", "image_url": {"url": "https://host/a.png"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ]},
        ])
    );
}

#[test]
fn what_the_form_leaves_out_is_not_sent() {
    let generation = Generation {
        temperature: Some(0.0),
        top_p: Some(0.9),
        top_k: Some(40),
        presence_penalty: Some(0.1),
        frequency_penalty: Some(0.2),
        repetition_penalty: Some(1.1),
        seed: Some(7),
        ..Generation::default()
    };
    let all = sent(generation.clone(), Dialect::COMPATIBLE, Form::default());
    let table = [
        (Fix::NoTemperature, "temperature"),
        (Fix::NoTopP, "top_p"),
        (Fix::NoTopK, "top_k"),
        (Fix::NoPresencePenalty, "presence_penalty"),
        (Fix::NoFrequencyPenalty, "frequency_penalty"),
        (Fix::NoRepetitionPenalty, "repetition_penalty"),
        (Fix::NoRepeatPenalty, "repeat_penalty"),
        (Fix::NoSeed, "seed"),
    ];
    for (fix, name) in table {
        let mut want = all.clone();
        assert!(want.as_object_mut().unwrap().remove(name).is_some(), "{name}");
        assert_eq!(sent(generation.clone(), Dialect::COMPATIBLE, Form::default().with(fix)), want);
    }
}

#[test]
fn parameters_of_the_user_are_passed_on_and_take_precedence() {
    let extra = json!({"chat_template_kwargs": {"enable_thinking": false}, "reasoning": {"effort": "xhigh"}});
    let generation = Generation {
        reasoning_effort: Some(ReasoningEffort::Low),
        extra_body: extra.as_object().unwrap().clone(),
        ..Generation::default()
    };
    assert_eq!(sent(generation, at("https://openrouter.ai/api/v1"), Form::default()), extra);
}

#[test]
fn every_effort_has_a_word_of_the_protocol() {
    for effort in ReasoningEffort::ALL {
        let generation = Generation { reasoning_effort: Some(*effort), ..Generation::default() };
        let want = if *effort == ReasoningEffort::Max { "xhigh" } else { effort.as_str() };
        assert_eq!(sent(generation, Dialect::OPENAI, Form::default()), json!({"reasoning_effort": want}));
    }
}

#[test]
fn one_call_of_a_tool_at_most_is_asked_for() {
    let generation = Generation { parallel_tool_calls: Some(false), ..Generation::default() };
    let want = json!({"parallel_tool_calls": false});
    assert_eq!(sent(generation, Dialect::OPENAI, Form::default()), want);
}
