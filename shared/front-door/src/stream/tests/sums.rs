//! A streamed reply adds up to the buffered one.

use proptest::prelude::*;
use runmill_proto::{
    Remarks, TokenLogprob, ToolCall, Usage,
    chat::{Delta, Finish, ModelAnswer, ToolCallDelta},
};
use serde_json::{Map, Value, json};

use super::super::ReplyStream;
use crate::{
    Endpoint, ReplyOptions,
    golden::{events, head},
    write,
};

fn any_answer() -> impl Strategy<Value = ModelAnswer> {
    let call = ("(call_[a-z]{1,4})?", "[a-z]{1,4}", prop::sample::select(&["", "{}", "{\"a\":\"é\"}"][..]));
    let call = call.prop_map(|(id, name, arguments)| ToolCall { id, name, arguments: arguments.into() });
    let usage = (0u64..99, 0u64..99).prop_map(|(prompt_tokens, completion_tokens)| Usage {
        prompt_tokens,
        completion_tokens,
        ..Usage::default()
    });
    (
        ".{0,12}",
        prop::option::of(".{1,8}"),
        prop::option::of(".{1,8}"),
        prop::collection::vec(call, 0..3),
        any::<bool>(),
        prop::sample::select(&FINISHES[..]),
        prop::option::of(usage),
    )
        .prop_map(|(text, reasoning, refusal, tool_calls, has_logprobs, finish, usage)| {
            let token = |c: char| TokenLogprob { token: c.into(), logprob: -0.5, top_logprobs: Vec::new() };
            let logprobs = has_logprobs.then(|| text.chars().map(token).collect());
            let remarks = Remarks::default();
            ModelAnswer { text, reasoning, refusal, tool_calls, logprobs, finish, usage, remarks }
        })
}

const FINISHES: [Finish; 5] =
    [Finish::Stop, Finish::Length, Finish::ToolCalls, Finish::ContentFilter, Finish::Other];

/// Returns the answer as deltas, each of one character.
fn pieces(answer: &ModelAnswer) -> Vec<Delta> {
    let chars = |text: &Option<String>| text.clone().unwrap_or_default().chars().collect::<Vec<_>>();
    let mut pieces: Vec<_> = chars(&answer.reasoning)
        .iter()
        .map(|c| Delta { reasoning: c.to_string(), ..Delta::default() })
        .collect();
    for (n, c) in answer.text.chars().enumerate() {
        let token = answer.logprobs.as_ref().map(|tokens| tokens[n].clone());
        pieces.push(Delta { text: c.to_string(), logprobs: token.into_iter().collect(), ..Delta::default() });
    }
    pieces
        .extend(chars(&answer.refusal).iter().map(|c| Delta { refusal: c.to_string(), ..Delta::default() }));
    for (index, call) in (0..).zip(&answer.tool_calls) {
        let part = |part: ToolCallDelta| Delta { tool_calls: vec![part], ..Delta::default() };
        let (id, name) = (call.id.clone(), call.name.clone());
        pieces.push(part(ToolCallDelta { index, id, name, arguments: String::new() }));
        pieces.extend(
            call.arguments
                .chars()
                .map(|c| part(ToolCallDelta { index, arguments: c.into(), ..ToolCallDelta::default() })),
        );
    }
    pieces
}

/// Returns the pieces with those of the calls in turn: one of each call, then the next of each.
fn mixed(pieces: Vec<Delta>) -> Vec<Delta> {
    let (calls, mut mixed): (Vec<_>, Vec<_>) = pieces.into_iter().partition(|it| !it.tool_calls.is_empty());
    let index = |piece: &Delta| piece.tool_calls[0].index;
    let mut counts = std::collections::BTreeMap::<u32, usize>::new();
    let mut numbered: Vec<_> = calls
        .into_iter()
        .map(|piece| {
            let count = counts.entry(index(&piece)).or_default();
            *count += 1;
            (*count, piece)
        })
        .collect();
    numbered.sort_by_key(|(count, piece)| (*count, index(piece)));
    mixed.extend(numbered.into_iter().map(|(_, piece)| piece));
    mixed
}

/// Streams an answer: deltas of `sizes` pieces each, and what is left with the end.
///
/// * `mixes`: true if the pieces of several calls come in turn.
fn streamed(
    options: &ReplyOptions,
    answer: &ModelAnswer,
    sizes: &[usize],
    mixes: bool,
) -> Vec<(Option<String>, Value)> {
    let mut stream = ReplyStream::new(options.clone(), head());
    let mut pieces = if mixes { mixed(pieces(answer)) } else { pieces(answer) }.into_iter();
    let mut bytes = stream.start();
    for size in sizes {
        let mut delta = Delta::default();
        pieces.by_ref().take(*size).for_each(|piece| delta.append(piece));
        bytes.extend(stream.delta(0, &delta));
    }
    bytes.extend(stream.end(0, answer));
    bytes.extend(stream.finish());
    events(&bytes)
}

fn options(endpoint: Endpoint) -> ReplyOptions {
    ReplyOptions { include_usage: true, logprobs: true, thinking: true, ..ReplyOptions::new(endpoint, 1) }
}

/// Adds a string to the one at a key.
fn push(target: &mut Map<String, Value>, key: &str, more: &Value) {
    let Some(more) = more.as_str() else { return };
    let text = target.get(key).and_then(Value::as_str).unwrap_or_default();
    let text = format!("{text}{more}");
    target.insert(key.to_owned(), json!(text));
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Rebuilds the choice of chat completions as its clients do.
fn chat_choice(chunks: &[(Option<String>, Value)]) -> Value {
    let (mut message, mut calls, mut tokens) = (Map::new(), Vec::<Map<String, Value>>::new(), Vec::new());
    let mut finish_reason = Value::Null;
    for choice in chunks.iter().flat_map(|(_, chunk)| list(&chunk["choices"])) {
        for key in ["content", "refusal", "reasoning_content"] {
            push(&mut message, key, &choice["delta"][key]);
        }
        for part in list(&choice["delta"]["tool_calls"]) {
            let index = usize::try_from(part["index"].as_u64().unwrap()).unwrap();
            if index == calls.len() {
                calls.push(Map::new());
            }
            push(&mut calls[index], "id", &part["id"]);
            push(&mut calls[index], "name", &part["function"]["name"]);
            push(&mut calls[index], "arguments", &part["function"]["arguments"]);
        }
        tokens.extend_from_slice(list(&choice["logprobs"]["content"]));
        assert_eq!(finish_reason, Value::Null, "nothing follows the end of a choice");
        finish_reason = choice["finish_reason"].clone();
    }
    json!({"message": message, "calls": calls, "tokens": tokens, "finish_reason": finish_reason})
}

/// Brings the choice of a buffered reply into the form of [`chat_choice`].
fn buffered_choice(reply: &Value) -> Value {
    let choice = &reply["choices"][0];
    let mut message = Map::from_iter([("content".to_owned(), json!(""))]);
    for key in ["content", "refusal", "reasoning_content"] {
        push(&mut message, key, &choice["message"][key]);
    }
    let calls = list(&choice["message"]["tool_calls"]).iter().map(|call| {
        json!({"id": call["id"], "name": call["function"]["name"], "arguments": call["function"]["arguments"]})
    });
    json!({
        "message": message,
        "calls": calls.collect::<Vec<_>>(),
        "tokens": list(&choice["logprobs"]["content"]),
        "finish_reason": choice["finish_reason"],
    })
}

/// Rebuilds a message as Anthropic's clients do.
fn message(events: &[(Option<String>, Value)]) -> Value {
    let mut message = Value::Null;
    let mut arguments = Map::new();
    for (name, data) in events {
        assert_eq!(name.as_deref(), data["type"].as_str());
        let index = data["index"].as_u64().and_then(|index| usize::try_from(index).ok());
        match data["type"].as_str().unwrap() {
            "message_start" => message = data["message"].clone(),
            "content_block_start" => {
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(index, Some(content.len()));
                content.push(data["content_block"].clone());
                arguments = Map::new();
            }
            "content_block_delta" => {
                let block = message["content"][index.unwrap()].as_object_mut().unwrap();
                push(block, "text", &data["delta"]["text"]);
                push(block, "thinking", &data["delta"]["thinking"]);
                push(&mut arguments, "json", &data["delta"]["partial_json"]);
            }
            "content_block_stop" => {
                if let Some(text) = arguments.get("json").and_then(Value::as_str) {
                    message["content"][index.unwrap()]["input"] = serde_json::from_str(text).unwrap();
                }
            }
            "message_delta" => {
                message["stop_reason"] = data["delta"]["stop_reason"].clone();
                message["usage"] = data["usage"].clone();
            }
            "ping" | "message_stop" => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(events.last().unwrap().1["type"], "message_stop");
    message
}

/// Checks the order and the numbers of the events of a response, and that the deltas add up to what follows them.
fn check_response(events: &[(Option<String>, Value)]) {
    let mut open: Option<(u64, String)> = None;
    for (n, (name, data)) in events.iter().enumerate() {
        assert_eq!(name.as_deref(), data["type"].as_str());
        assert_eq!(data["sequence_number"], n);
        let kind = data["type"].as_str().unwrap();
        let position = data["output_index"].as_u64();
        if kind == "response.output_item.added" {
            assert_eq!(open, None, "one item after the other");
            open = Some((position.unwrap(), String::new()));
        } else if data["delta"].is_string() {
            let (at, text) = open.as_mut().unwrap();
            assert_eq!(Some(*at), position);
            text.push_str(data["delta"].as_str().unwrap());
        } else if kind.ends_with("text.done")
            || kind.ends_with("refusal.done")
            || kind.ends_with("arguments.done")
        {
            let whole = ["text", "refusal", "arguments"].into_iter().find_map(|key| data[key].as_str());
            assert_eq!(whole, open.as_ref().map(|(_, text)| text.as_str()));
        } else if kind == "response.output_item.done" {
            assert_eq!(open.take().map(|(at, _)| at), position);
        }
    }
    assert_eq!(open, None);
}

proptest! {
    #[test]
    fn of_chat(
        answer in any_answer(),
        sizes in prop::collection::vec(0usize..6, 0..8),
        mixes in any::<bool>(),
    ) {
        let options = options(Endpoint::ChatCompletions);
        let chunks = streamed(&options, &answer, &sizes, mixes);
        let reply = write(&options, &head(), std::slice::from_ref(&answer));
        prop_assert_eq!(chat_choice(&chunks), buffered_choice(&reply));
        prop_assert_eq!(&chunks[chunks.len() - 2].1["usage"], &reply["usage"]);
        prop_assert_eq!(&chunks[chunks.len() - 1].1, "[DONE]");
    }

    #[test]
    fn of_completions(answer in any_answer(), sizes in prop::collection::vec(0usize..6, 0..8)) {
        // A text replaces a refusal, also one that follows.
        let refusal = answer.refusal.clone().filter(|_| answer.text.is_empty());
        let answer = ModelAnswer { refusal, ..answer };
        let options = options(Endpoint::Completions);
        let chunks = streamed(&options, &answer, &sizes, false);
        let reply = write(&options, &head(), std::slice::from_ref(&answer));
        let (mut choice, mut offsets, mut finish_reason) = (Map::new(), Vec::new(), Value::Null);
        choice.insert("text".into(), json!(""));
        for part in chunks.iter().flat_map(|(_, chunk)| list(&chunk["choices"])) {
            push(&mut choice, "text", &part["text"]);
            offsets.extend_from_slice(list(&part["logprobs"]["text_offset"]));
            finish_reason = part["finish_reason"].clone();
        }
        prop_assert_eq!(&choice["text"], &reply["choices"][0]["text"]);
        prop_assert_eq!(&offsets, list(&reply["choices"][0]["logprobs"]["text_offset"]));
        prop_assert_eq!(&finish_reason, &reply["choices"][0]["finish_reason"]);
        prop_assert_eq!(&chunks[chunks.len() - 2].1["usage"], &reply["usage"]);
    }

    #[test]
    fn of_responses(
        answer in any_answer(),
        sizes in prop::collection::vec(0usize..6, 0..8),
        mixes in any::<bool>(),
    ) {
        let options = options(Endpoint::Responses);
        let events = streamed(&options, &answer, &sizes, mixes);
        check_response(&events);
        let last = &events.last().unwrap().1["response"];
        prop_assert_eq!(last, &write(&options, &head(), &[answer]));
    }

    #[test]
    fn of_messages(
        answer in any_answer(),
        sizes in prop::collection::vec(0usize..6, 0..8),
        mixes in any::<bool>(),
    ) {
        let options = options(Endpoint::Messages);
        let events = streamed(&options, &answer, &sizes, mixes);
        prop_assert_eq!(message(&events), write(&options, &head(), &[answer]));
    }

    #[test]
    fn of_an_answer_that_contradicts_its_deltas(
        sent in any_answer(),
        answer in any_answer(),
        sizes in prop::collection::vec(0usize..6, 0..8),
    ) {
        for endpoint in Endpoint::ALL {
            let mut stream = ReplyStream::new(options(endpoint), head());
            let mut bytes = Vec::new();
            for piece in pieces(&sent).into_iter().take(sizes.iter().sum()) {
                bytes.extend(stream.delta(0, &piece));
            }
            bytes.extend(stream.end(0, &answer));
            bytes.extend(stream.finish());
            prop_assert!(!events(&bytes).is_empty());
        }
    }
}
