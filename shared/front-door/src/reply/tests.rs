use runmill_proto::{
    ToolCall, Usage,
    chat::{Finish, ModelAnswer},
};
use serde_json::{Value, json};

use super::*;
use crate::{
    golden::{answers, asked, head, plain, rich},
    read_value,
};

fn golden(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ChatCompletions => include_str!("../../golden/chat_completions.json"),
        Endpoint::Completions => include_str!("../../golden/completions.json"),
        Endpoint::Responses => include_str!("../../golden/responses.json"),
        Endpoint::Messages => include_str!("../../golden/messages.json"),
    }
}

fn options(endpoint: Endpoint) -> ReplyOptions {
    ReplyOptions::new(endpoint, 1)
}

/// Writes the reply with one answer to a request that asks for nothing special.
fn reply(endpoint: Endpoint, answer: &ModelAnswer) -> Value {
    write(&options(endpoint), &head(), std::slice::from_ref(answer))
}

#[test]
fn replies_are_those_that_the_official_clients_were_seen_to_read() {
    for endpoint in Endpoint::ALL {
        let reply = write(&asked(endpoint).reply, &head(), &answers(endpoint));
        let text = serde_json::to_string_pretty(&reply).unwrap();
        assert_eq!(text, golden(endpoint).trim_end(), "{endpoint:?}");
    }
}

#[test]
fn every_field_is_there_whatever_the_answer_lacks() {
    let empty = ModelAnswer { text: String::new(), finish: Finish::Other, ..plain() };

    let chat = reply(Endpoint::ChatCompletions, &empty);
    let choice = &chat["choices"][0];
    assert_eq!(choice["message"]["content"], "");
    assert_eq!(choice["message"]["role"], "assistant");
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!((&choice["index"], &choice["logprobs"]), (&json!(0), &Value::Null));
    assert!(choice.as_object().unwrap().contains_key("logprobs"));

    let responses = reply(Endpoint::Responses, &empty);
    assert_eq!(responses["output"][0]["content"][0]["text"], "");

    let messages = reply(Endpoint::Messages, &empty);
    assert_eq!(messages["content"], json!([{"type": "text", "text": ""}]));
}

#[test]
fn usage_that_no_provider_counted_is_estimated_whole() {
    // "It is two" has nine bytes.
    let chat = reply(Endpoint::ChatCompletions, &plain());
    let usage = &chat["usage"];
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"], &usage["total_tokens"]),
        (&json!(7), &json!(3), &json!(10))
    );
    assert_eq!(reply(Endpoint::Responses, &plain())["usage"]["output_tokens"], 3);
    assert_eq!(reply(Endpoint::Messages, &plain())["usage"]["input_tokens"], 7);
}

#[test]
fn usage_of_choices_is_the_sum_of_their_calls() {
    let options = ReplyOptions::new(Endpoint::ChatCompletions, 2);
    let usage = &write(&options, &head(), &[rich(), plain()])["usage"];
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(19), &json!(8)));
}

#[test]
fn input_of_a_message_excludes_the_cache_and_a_strange_count_harms_nothing() {
    let usage =
        Usage { prompt_tokens: 1, cached_tokens: u64::MAX, cache_write_tokens: 5, ..Usage::default() };
    let answer = ModelAnswer { usage: Some(usage), ..plain() };
    assert_eq!(reply(Endpoint::Messages, &rich())["usage"]["input_tokens"], 6);
    assert_eq!(reply(Endpoint::Messages, &answer)["usage"]["input_tokens"], 0);
}

#[test]
fn each_end_has_the_word_of_its_protocol() {
    let call = ToolCall { id: "x".into(), name: "f".into(), arguments: "{}".into() };
    let calls = vec![call];
    let refused = Some("No.".to_owned());
    let answer = |finish| ModelAnswer { finish, ..plain() };
    let table = [
        (answer(Finish::Stop), "stop", "stop", "completed", "end_turn"),
        (answer(Finish::Other), "stop", "stop", "completed", "end_turn"),
        (answer(Finish::Length), "length", "length", "incomplete", "max_tokens"),
        (answer(Finish::ContentFilter), "content_filter", "content_filter", "incomplete", "refusal"),
        (
            ModelAnswer { tool_calls: calls.clone(), ..answer(Finish::ToolCalls) },
            "tool_calls",
            "stop",
            "completed",
            "tool_use",
        ),
        (
            ModelAnswer { tool_calls: calls, ..answer(Finish::Stop) },
            "tool_calls",
            "stop",
            "completed",
            "tool_use",
        ),
        (ModelAnswer { refusal: refused, ..answer(Finish::Stop) }, "stop", "stop", "completed", "refusal"),
    ];
    for (answer, chat, completions, status, stop_reason) in table {
        assert_eq!(reply(Endpoint::ChatCompletions, &answer)["choices"][0]["finish_reason"], chat);
        assert_eq!(reply(Endpoint::Completions, &answer)["choices"][0]["finish_reason"], completions);
        assert_eq!(reply(Endpoint::Responses, &answer)["status"], status);
        assert_eq!(reply(Endpoint::Messages, &answer)["stop_reason"], stop_reason);
    }
}

#[test]
fn a_refusal_is_told_where_the_protocol_has_a_place() {
    let answer =
        ModelAnswer { text: String::new(), refusal: Some("No.".into()), finish: Finish::Stop, ..plain() };
    let message = &reply(Endpoint::ChatCompletions, &answer)["choices"][0]["message"];
    assert_eq!((&message["content"], &message["refusal"]), (&Value::Null, &json!("No.")));
    assert_eq!(reply(Endpoint::Completions, &answer)["choices"][0]["text"], "No.");
    let part = &reply(Endpoint::Responses, &answer)["output"][0]["content"][0];
    assert_eq!(*part, json!({"type": "refusal", "refusal": "No."}));
    assert_eq!(reply(Endpoint::Messages, &answer)["content"][0]["text"], "No.");
}

#[test]
fn thoughts_are_no_block_of_a_message_for_a_client_that_did_not_ask() {
    let reply = reply(Endpoint::Messages, &ModelAnswer { tool_calls: Vec::new(), ..rich() });
    assert_eq!(reply["content"], json!([{"type": "text", "text": "Two."}]));
}

#[test]
fn log_probabilities_are_sent_to_a_client_that_asked() {
    let message = reply(Endpoint::ChatCompletions, &rich());
    assert_eq!(message["choices"][0]["logprobs"], Value::Null);
    assert_eq!(reply(Endpoint::Responses, &rich())["output"][1]["content"][0]["logprobs"], json!([]));
}

#[test]
fn arguments_that_are_no_object_are_not_lost() {
    let input = |arguments: &str| {
        let call = ToolCall { id: "x".into(), name: "f".into(), arguments: arguments.into() };
        let answer = ModelAnswer { text: String::new(), tool_calls: vec![call], ..plain() };
        reply(Endpoint::Messages, &answer)["content"][0]["input"].clone()
    };
    assert_eq!(input(r#"{"a":1}"#), json!({"a": 1}));
    assert_eq!(input(""), json!({}));
    assert_eq!(input("[1"), json!({"invalid_json": "[1"}));
}

#[test]
fn a_response_repeats_the_defaults_of_what_was_not_asked() {
    let asked = read_value(Endpoint::Responses, &json!({"model": "m", "input": "hi"})).unwrap();
    let reply = write(&asked.reply, &head(), &[plain()]);
    assert_eq!((&reply["tool_choice"], &reply["tools"]), (&json!("auto"), &json!([])));
    assert_eq!(reply["metadata"], json!({}));
    assert_eq!(reply["incomplete_details"], json!({"reason": "max_output_tokens"}));
}
