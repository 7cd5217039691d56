mod chat;
mod clients;
mod completions;
mod messages;
mod responses;

use proptest::prelude::*;
use runmill_proto::chat::{Message, Part, Role};
use serde_json::{Map, Value, json};

use super::*;

/// Reads a request whose other fields are valid.
fn asked(endpoint: Endpoint, fields: Value) -> Result<Asked, Refusal> {
    let mut body = match endpoint {
        Endpoint::ChatCompletions | Endpoint::Messages => {
            json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
        }
        Endpoint::Completions => json!({"model": "m", "prompt": "hi"}),
        Endpoint::Responses => json!({"model": "m", "input": "hi"}),
    };
    let Value::Object(fields) = fields else { panic!("the fields are an object") };
    body.as_object_mut().unwrap().extend(fields);
    read_value(endpoint, &body)
}

/// Checks that each set of fields is refused with status 400 and the name of the one at fault.
fn assert_refused(endpoint: Endpoint, table: impl IntoIterator<Item = (Value, &'static str)>) {
    for (fields, param) in table {
        match asked(endpoint, fields.clone()) {
            Ok(asked) => panic!("{fields} was taken: {asked:?}"),
            Err(refusal) => {
                let got = (refusal.status, refusal.param.as_deref());
                assert_eq!(got, (400, Some(param)), "{fields}: {}", refusal.message);
            }
        }
    }
}

/// Checks that each set of fields leaves the conversation as it is, and which names are noted as ignored.
fn assert_ignored<const N: usize>(endpoint: Endpoint, table: [(Value, &[&str]); N]) {
    let plain = asked(endpoint, json!({})).unwrap();
    for (fields, names) in table {
        let asked = asked(endpoint, fields.clone()).unwrap_or_else(|refusal| panic!("{fields}: {refusal}"));
        assert_eq!(asked.conversation, plain.conversation, "{fields}");
        assert_eq!(asked.ignored, names, "{fields}");
        assert_eq!((asked.n, asked.streams), (1, false), "{fields}");
    }
}

fn text(role: Role, text: &str) -> Message {
    Message::text(role, text)
}

fn text_part(text: &str) -> Part {
    Part::Text(text.into())
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    for endpoint in Endpoint::ALL {
        for body in ["", "{", "[]", "7", "null", "\"x\"", "{\"model\": \"\\ud800\"}"] {
            let refusal = read(endpoint, body.as_bytes()).unwrap_err();
            assert_eq!((refusal.status, refusal.param), (400, None), "{body}");
        }
    }
}

#[test]
fn a_body_may_be_nested_to_a_bound() {
    let nested = |depth: usize| (0..depth).fold(json!(1), |value, _| json!([value]));
    for endpoint in Endpoint::ALL {
        // The body is a level, too.
        assert!(asked(endpoint, json!({"x": nested(63)})).is_ok());
        let refusal = asked(endpoint, json!({"x": nested(64)})).unwrap_err();
        assert!(refusal.message.contains("more than 64 levels"), "{refusal}");
    }
}

#[test]
fn a_request_needs_the_name_of_a_model() {
    for endpoint in Endpoint::ALL {
        let table = [json!(null), json!(""), json!(7), json!("x".repeat(513))];
        assert_refused(endpoint, table.map(|model| (json!({"model": model}), "model")));
    }
}

#[test]
fn parameters_of_sampling_are_the_same_everywhere() {
    let fields = json!({
        "temperature": 0, "top_p": 0.5, "top_k": 40, "seed": -1, "frequency_penalty": 0.1, "presence_penalty": 0.2,
        "repetition_penalty": 1.1, "stop": ["a", "b"],
    });
    for endpoint in Endpoint::ALL {
        let asked = asked(endpoint, fields.clone()).unwrap();
        let mut got = serde_json::to_value(&asked.conversation.generation).unwrap();
        let mut want = fields.clone();
        want["temperature"] = json!(0.0);
        got.sort_all_objects();
        want.sort_all_objects();
        assert_eq!(got, want, "{endpoint:?}");
        assert_eq!(asked.ignored, [""; 0], "{endpoint:?}");
    }
}

#[test]
fn a_parameter_of_sampling_that_no_provider_takes_is_refused() {
    for endpoint in Endpoint::ALL {
        let table = [
            (json!({"temperature": 1000}), "temperature"),
            (json!({"temperature": "hot"}), "temperature"),
            (json!({"top_p": 1.5}), "top_p"),
            (json!({"top_k": -2}), "top_k"),
            (json!({"seed": 0.5}), "seed"),
            (json!({"stop": 7}), "stop"),
            (json!({"stop": ["a", 7]}), "stop[1]"),
            (json!({"stream": "yes"}), "stream"),
            (json!({"n": 0}), "n"),
            (json!({"n": 129}), "n"),
            (json!({"n": "two"}), "n"),
        ];
        assert_refused(endpoint, table);
    }
}

#[test]
fn a_whole_number_beyond_its_type_is_out_of_range() {
    for endpoint in Endpoint::ALL {
        for seed in [json!(u64::MAX), json!(1e30)] {
            let refusal = asked(endpoint, json!({ "seed": seed })).unwrap_err();
            assert_eq!(refusal.message, format!("Invalid 'seed': {seed} is out of range."));
        }
        let refusal = asked(endpoint, json!({"seed": 0.5})).unwrap_err();
        assert!(refusal.message.ends_with("expected an integer, but got a decimal instead."), "{refusal}");
        for (seed, want) in [(json!(i64::MAX), i64::MAX), (json!(7.0), 7)] {
            let asked = asked(endpoint, json!({ "seed": seed })).unwrap();
            assert_eq!(asked.conversation.generation.seed, Some(want));
        }
    }
}

#[test]
fn names_of_ignored_parameters_are_bounded() {
    let fields: Map<_, _> = (0..1000).map(|n| (format!("{n}{}", "x".repeat(1000)), json!(1))).collect();
    for endpoint in Endpoint::ALL {
        let asked = asked(endpoint, Value::Object(fields.clone())).unwrap();
        assert_eq!(asked.ignored.len(), 64);
        assert!(asked.ignored.iter().all(|name| name.len() == 100));
    }
}

/// Returns any JSON, with names and words that the readers know.
fn any_json() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 40] = [
        "model",
        "messages",
        "role",
        "content",
        "type",
        "text",
        "user",
        "assistant",
        "system",
        "tool",
        "tools",
        "tool_choice",
        "function",
        "name",
        "parameters",
        "input",
        "image_url",
        "url",
        "source",
        "base64",
        "n",
        "stop",
        "stream",
        "thinking",
        "enabled",
        "budget_tokens",
        "output_config",
        "format",
        "json_schema",
        "schema",
        "tool_calls",
        "tool_use",
        "tool_result",
        "message",
        "function_call",
        "prompt",
        "logprobs",
        "reasoning",
        "input_text",
        "image",
    ];
    let word = || prop_oneof![4 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned), 1 => ".{0,3}"];
    let leaf = prop_oneof![
        word().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (-2i64..200).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        Just(Value::Null),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_is_too_strange(body in any_json(), fields in any_json()) {
        for endpoint in Endpoint::ALL {
            let refused = read_value(endpoint, &body).err();
            let asked = if let Value::Object(_) = fields { asked(endpoint, fields.clone()).err() } else { None };
            for refusal in [refused, asked].into_iter().flatten() {
                prop_assert_eq!(refusal.status, 400);
                prop_assert!(!refusal.message.is_empty());
            }
        }
    }
}

#[test]
fn the_guide_names_every_parameter_that_is_refused_or_sent_on() {
    let guide = include_str!("../../../../../docs/front-door.md");
    let refused = [
        &super::chat::REFUSED[..],
        &super::completions::REFUSED,
        &super::responses::REFUSED,
        &super::messages::REFUSED,
    ];
    let refused = refused.into_iter().flatten().map(|(name, _)| *name);
    for name in refused.chain(sampling::PASSED) {
        assert!(guide.contains(&format!("`{name}`")), "{name}");
    }
}
