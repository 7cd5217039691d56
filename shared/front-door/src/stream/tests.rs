mod sums;

use runmill_proto::{
    ErrorKind, ToolCall,
    chat::{Delta, Finish, ToolCallDelta},
    message::CallFailure,
};
use serde_json::{Value, json};

use super::*;
use crate::golden::{answers, asked, events, head, plain, rich};

fn golden(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ChatCompletions => include_str!("../../golden/chat_completions.sse"),
        Endpoint::Completions => include_str!("../../golden/completions.sse"),
        Endpoint::Responses => include_str!("../../golden/responses.sse"),
        Endpoint::Messages => include_str!("../../golden/messages.sse"),
    }
}

fn stream(endpoint: Endpoint) -> ReplyStream {
    ReplyStream::new(ReplyOptions::new(endpoint, 1), head())
}

fn text(text: &str) -> Delta {
    Delta { text: text.into(), ..Delta::default() }
}

/// Returns the stream of an answer of which a part came as deltas.
fn whole(endpoint: Endpoint) -> Vec<u8> {
    let mut stream = ReplyStream::new(asked(endpoint).reply, head());
    let rich = rich();
    let tokens = rich.logprobs.clone().unwrap();
    let mut bytes = stream.start();
    bytes.extend(stream.delta(0, &Delta { reasoning: "One and ".into(), ..Delta::default() }));
    bytes.extend(stream.delta(0, &Delta { reasoning: "one.".into(), ..Delta::default() }));
    bytes.extend(stream.delta(0, &Delta { logprobs: tokens[..1].to_vec(), ..text("Two") }));
    bytes.extend(stream.delta(0, &Delta { logprobs: tokens[1..].to_vec(), ..text(".") }));
    let call =
        ToolCallDelta { index: 0, id: "call_a".into(), name: "add".into(), arguments: "{\"a\":".into() };
    bytes.extend(stream.delta(0, &Delta { tool_calls: vec![call], ..Delta::default() }));
    for (choice, answer) in (0..).zip(answers(endpoint)) {
        bytes.extend(stream.end(choice, &answer));
    }
    bytes.extend(stream.finish());
    bytes
}

#[test]
fn streams_are_those_that_the_official_clients_were_seen_to_read() {
    for endpoint in Endpoint::ALL {
        let bytes = whole(endpoint);
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), golden(endpoint), "{endpoint:?}");
    }
}

#[test]
fn a_stream_that_has_no_answer_never_ends_well() {
    for endpoint in Endpoint::ALL {
        let mut stream = stream(endpoint);
        let mut bytes = stream.start();
        bytes.extend(stream.delta(0, &text("It")));
        bytes.extend(stream.finish());
        bytes.extend(stream.end(0, &plain()));
        bytes.extend(stream.finish());
        let events = events(&bytes);
        let (name, last) = events.last().unwrap();
        assert!(last["error"]["message"].is_string(), "{endpoint:?}: {last}");
        let names = name.as_deref();
        let want = match endpoint {
            Endpoint::ChatCompletions | Endpoint::Completions => None,
            Endpoint::Responses | Endpoint::Messages => Some("error"),
        };
        assert_eq!(names, want, "{endpoint:?}");
        let all = String::from_utf8(bytes).unwrap();
        for end in ["[DONE]", "\"finish_reason\":\"", "response.completed", "message_stop"] {
            assert!(!all.contains(end), "{endpoint:?}: {end} in {all}");
        }
    }
}

#[test]
fn each_choice_must_end_before_the_reply() {
    let options = ReplyOptions::new(Endpoint::ChatCompletions, 2);
    let mut stream = ReplyStream::new(options, head());
    stream.end(0, &plain());
    assert!(events(&stream.finish())[0].1["error"]["message"].is_string());
}

#[test]
fn a_failure_has_the_shape_of_its_protocol_and_is_the_last_word() {
    let failure = CallFailure {
        kind: ErrorKind::Overloaded,
        message: "Busy.".into(),
        status: None,
        retry_after_ms: None,
    };
    let refusal = Refusal::from(&failure);
    for endpoint in Endpoint::ALL {
        let mut stream = stream(endpoint);
        stream.start();
        let (name, data) = events(&stream.fail(&refusal)).remove(0);
        let kind = match endpoint {
            Endpoint::Messages => "overloaded_error",
            _ => "server_error",
        };
        assert_eq!(data["error"]["type"], kind);
        assert_eq!(data["error"]["message"], "The provider is overloaded. Busy.");
        if let Some(name) = name {
            assert_eq!(data["type"], name);
        }
        let rest = [stream.start(), stream.delta(0, &text("x")), stream.end(0, &plain()), stream.finish()];
        assert!(rest.iter().all(Vec::is_empty), "{endpoint:?}");
        assert!(stream.fail(&refusal).is_empty());
    }
}

#[test]
fn an_error_of_a_response_has_its_number_and_both_of_its_shapes() {
    let mut stream = stream(Endpoint::Responses);
    stream.start();
    let (name, data) = events(&stream.fail(&Refusal::invalid("input", "no").with_code("x"))).remove(0);
    assert_eq!(name.as_deref(), Some("error"));
    let want = json!({
        "type": "error", "sequence_number": 2, "code": "x", "message": "no", "param": "input",
        "error": {"message": "no", "type": "invalid_request_error", "param": "input", "code": "x"},
    });
    assert_eq!(data, want);
}

#[test]
fn the_usage_chunk_comes_to_a_client_that_asked() {
    for include_usage in [false, true] {
        let options = ReplyOptions { include_usage, ..ReplyOptions::new(Endpoint::ChatCompletions, 1) };
        let mut stream = ReplyStream::new(options, head());
        let mut bytes = stream.end(0, &plain());
        bytes.extend(stream.finish());
        let chunks: Vec<_> = events(&bytes).into_iter().map(|(_, data)| data).collect();
        let (done, chunks) = chunks.split_last().unwrap();
        assert_eq!(done, "[DONE]");
        let last = chunks.last().unwrap();
        assert_eq!(last["choices"] == json!([]), include_usage);
        let earlier = &chunks[..chunks.len() - usize::from(include_usage)];
        assert!(earlier.iter().all(|chunk| chunk.get("usage") == include_usage.then_some(&Value::Null)));
        assert_eq!(last["usage"]["total_tokens"].as_u64(), include_usage.then_some(10));
    }
}

#[test]
fn a_stream_begins_once_and_by_itself() {
    for endpoint in Endpoint::ALL {
        let mut by_itself = stream(endpoint);
        let mut told = stream(endpoint);
        let mut bytes = told.start();
        assert!(told.start().is_empty());
        bytes.extend(told.delta(0, &text("x")));
        assert_eq!(by_itself.delta(0, &text("x")), bytes, "{endpoint:?}");
    }
}

#[test]
fn a_choice_that_is_not_there_sends_nothing() {
    for endpoint in Endpoint::ALL {
        let mut stream = stream(endpoint);
        assert!(stream.delta(1, &text("x")).is_empty());
        assert!(stream.end(u32::MAX, &plain()).is_empty());
    }
}

fn call_part(index: u32, arguments: &str) -> Delta {
    let (id, name) = (format!("call_{index}"), "f".into());
    let part = ToolCallDelta { index, id, name, arguments: arguments.into() };
    Delta { tool_calls: vec![part], ..Delta::default() }
}

fn call(index: u32, arguments: &str) -> ToolCall {
    ToolCall { id: format!("call_{index}"), name: "f".into(), arguments: arguments.into() }
}

/// Returns the changes of the blocks of a message: their numbers where they begin and end, and what is added.
fn changes(bytes: &[u8]) -> Vec<String> {
    let change = |data: &Value| {
        let index = &data["index"];
        Some(match data["type"].as_str()? {
            "content_block_start" => format!("+{index}"),
            "content_block_stop" => format!("-{index}"),
            "content_block_delta" => {
                let delta = &data["delta"];
                let piece = delta["partial_json"].as_str().or_else(|| delta["text"].as_str());
                format!("{index}:{}", piece?)
            }
            _ => return None,
        })
    };
    events(bytes).iter().filter_map(|(_, data)| change(data)).collect()
}

#[test]
fn mixed_calls_are_sent_one_after_the_other() {
    let table: [(&[Delta], &[&str]); 5] = [
        // Whole arguments end a call, so the next one is sent as it comes.
        (&[call_part(0, "{\"a\":1}"), call_part(1, "{")], &["+0", "0:{\"a\":1}", "-0", "+1", "1:{"]),
        (&[call_part(0, "{"), call_part(1, "{"), call_part(1, "}")], &["+0", "0:{"]),
        (
            &[call_part(0, "{"), call_part(1, "{"), call_part(0, "}"), call_part(1, "}")],
            &["+0", "0:{", "0:}", "-0", "+1", "1:{", "1:}"],
        ),
        (
            &[call_part(0, "{"), text("so"), call_part(1, "{}"), text(" be it"), call_part(0, "}")],
            &["+0", "0:{", "0:}", "-0", "+1", "1:so", "-1", "+2", "2:{}", "-2", "+3", "3: be it"],
        ),
        (&[call_part(0, ""), call_part(1, "{}"), call_part(0, "{}")], &["+0", "0:{}", "-0", "+1", "1:{}"]),
    ];
    for (deltas, want) in table {
        let mut stream = stream(Endpoint::Messages);
        let sent: Vec<u8> = deltas.iter().flat_map(|delta| stream.delta(0, delta)).collect();
        assert_eq!(changes(&sent), want);
    }
}

#[test]
fn calls_that_are_held_back_are_sent_at_the_end_at_the_latest() {
    let answer = ModelAnswer {
        text: String::new(),
        tool_calls: vec![call(0, "{\"a\": broken"), call(1, "{\"b\":2}"), call(2, "")],
        finish: Finish::ToolCalls,
        ..plain()
    };
    for endpoint in [Endpoint::Responses, Endpoint::Messages] {
        let mut stream = stream(endpoint);
        let mut bytes = Vec::new();
        for delta in
            [call_part(0, "{\"a\":"), call_part(1, "{\"b\""), call_part(0, " br"), call_part(1, ":2")]
        {
            bytes.extend(stream.delta(0, &delta));
        }
        bytes.extend(stream.end(0, &answer));
        bytes.extend(stream.finish());
        let events = events(&bytes);
        assert!(events.iter().all(|(_, data)| data.get("error").is_none()), "{endpoint:?}");
        if endpoint == Endpoint::Messages {
            let want = ["+0", "0:{\"a\":", "0: br", "0:oken", "-0", "+1", "1:{\"b\":2}", "-1", "+2", "-2"];
            assert_eq!(changes(&bytes), want);
        } else {
            let output = &events.last().unwrap().1["response"]["output"];
            let arguments: Vec<_> = (0..3).map(|n| output[n]["arguments"].as_str().unwrap()).collect();
            assert_eq!(arguments, ["{\"a\": broken", "{\"b\":2}", ""]);
        }
    }
}

#[test]
fn what_follows_whole_arguments_ends_the_stream_with_an_error_unless_it_is_space() {
    for (rest, is_well) in [(" \n", true), ("{}", false)] {
        let mut stream = stream(Endpoint::Messages);
        for delta in [call_part(0, "{}"), call_part(1, "{}"), call_part(0, rest)] {
            stream.delta(0, &delta);
        }
        let answer = ModelAnswer { finish: Finish::ToolCalls, ..plain() };
        let end = events(&stream.end(0, &answer));
        assert_eq!(end.last().unwrap().1.get("error").is_none(), is_well, "{rest:?}");
    }
}

#[test]
fn a_comment_is_a_line_that_clients_ignore() {
    assert!(events(ReplyStream::comment()).is_empty());
    assert!(ReplyStream::comment().ends_with(b"\n\n"));
}
