use runmill_proto::{Outcome, Usage};
use serde_json::json;

use super::*;
use crate::layer::scripted::{four, request};

fn asked(generation: serde_json::Value) -> ChatRequest {
    ChatRequest { generation: serde_json::from_value(generation).unwrap(), ..request() }
}

fn notes(answer: ChatResponse, generation: serde_json::Value) -> Vec<Note> {
    review(answer, &asked(generation), false, false).unwrap().remarks.notes
}

#[test]
fn thinking_alone_is_an_empty_answer() {
    let answer = ChatResponse { text: "<think>36</think>\n".into(), ..four() };

    assert_eq!(
        review(answer.clone(), &request(), false, false),
        Err(ModelError::EmptyAnswer { reasoned: true })
    );
    assert_eq!(review(answer.clone(), &request(), true, false).unwrap().text, answer.text);
}

#[test]
fn an_answer_inside_of_its_thinking_is_truncated() {
    let answer = ChatResponse { text: "<think>36".into(), ..four() };

    let answer = review(answer, &request(), false, false).unwrap();

    assert_eq!((answer.text.as_str(), answer.outcome()), ("", Outcome::Truncated));
}

#[test]
fn a_provider_that_hides_the_limit_is_not_believed_at_the_limit() {
    let of = |tokens, finish| {
        let usage = Usage { completion_tokens: tokens, ..Usage::default() };
        ChatResponse { usage: Some(usage), finish, ..four() }
    };
    let table = [
        (of(7, Finish::Stop), true, Outcome::Truncated),
        (of(8, Finish::Stop), true, Outcome::Truncated),
        (of(6, Finish::Stop), true, Outcome::Succeeded),
        (of(7, Finish::Stop), false, Outcome::Succeeded),
        (of(7, Finish::ToolCalls), true, Outcome::Succeeded),
        (four(), true, Outcome::Succeeded),
    ];
    for (answer, hides_limit, want) in table {
        let reviewed =
            review(answer.clone(), &asked(json!({"max_new_tokens": 7})), false, hides_limit).unwrap();
        assert_eq!(reviewed.outcome(), want, "{answer:?}");
        let is_noted = reviewed.remarks.notes == [Note::StoppedAtLimit];
        assert_eq!(is_noted, want == Outcome::Truncated, "{answer:?}");
    }
}

#[test]
fn an_answer_that_is_not_the_json_that_was_asked_for_is_noted() {
    let object = json!({"response_format": {"type": "json_object"}});
    let schema =
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}});
    let table = [
        ("Hello!", &object, true),
        ("Hello!", &schema, true),
        ("```json\n{\"a\":1}\n```", &object, true),
        ("[1]", &object, true),
        ("[1]", &schema, false),
        (" {\"a\":1}\n", &object, false),
        ("Hello!", &json!({"response_format": {"type": "text"}}), false),
        ("Hello!", &json!({}), false),
    ];
    for (text, format, want) in table {
        let answer = ChatResponse { text: text.into(), ..four() };
        assert_eq!(notes(answer, format.clone()) == [Note::FormatNotHeld], want, "{text}: {format}");
    }
    let cut = ChatResponse { text: "{\"a\":".into(), finish: Finish::Length, ..four() };
    assert!(notes(cut, object).is_empty(), "a truncated answer says so already");
}

#[test]
fn log_probabilities_that_were_asked_for_and_are_missing_are_noted() {
    assert_eq!(notes(four(), json!({"logprobs": true})), [Note::NoLogprobs]);
    assert_eq!(notes(four(), json!({"top_logprobs": 2})), [Note::NoLogprobs]);
    assert!(notes(four(), json!({})).is_empty());
    let token = serde_json::from_value(json!({"token": "4", "logprob": -0.1, "top_logprobs": []})).unwrap();
    let answer = ChatResponse { logprobs: Some(vec![token]), ..four() };
    assert!(notes(answer, json!({"logprobs": true})).is_empty());
}
