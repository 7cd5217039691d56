//! Runs every case of the files under `tests/wire`; their README describes the format.

use std::{fs, path::Path, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use runmill_llm::{
    ChatResponse, ModelError,
    protocol::{
        Dialect, ErrorAnswer, Form, Protocol, UnusableAnswer, anthropic_messages::AnthropicMessages,
        gemini::Gemini, openai_chat::OpenAiChat, openai_responses::OpenAiResponses,
    },
    retry_after::retry_after,
};
use runmill_proto::{Fix, Usage};

use crate::fuzz::read_stream;

/// One answer of a server, with the expected result.
struct Case<'a> {
    name: &'a str,
    form: Form,
    want: &'a str,
    status: u16,
    headers: HeaderMap,
    body: String,
}

fn cases(file: &str) -> Vec<Case<'_>> {
    let cases: Vec<_> = file.split("=== ").skip(1).map(Case::parse).collect();
    assert!(!cases.is_empty());
    cases
}

impl<'a> Case<'a> {
    fn parse(text: &'a str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let (name, head) = head.split_once('\n').unwrap();
        assert!(head.starts_with("# Source: "), "{name} names no source");
        let (before, after) = head.split_once("\nHTTP ").unwrap();
        let (status, headers) = after.trim_end().split_once('\n').unwrap_or((after.trim_end(), ""));
        let field = |name| before.lines().find_map(|line| line.strip_prefix(name));
        Self {
            name,
            form: form(field("ask: ").unwrap_or("stream")),
            want: field("want: ").unwrap(),
            status: status.parse().unwrap(),
            headers: headers.lines().map(header).collect(),
            body: match body.trim_end().strip_suffix("\ncut here") {
                Some(cut) => cut.to_owned(),
                None => format!("{}\n\n", body.trim_end()),
            },
        }
    }
}

fn form(name: &str) -> Form {
    match name {
        "stream" => Form::default(),
        "stream without options" => Form::default().with(Fix::NoStreamOptions),
        "stream with the other token limit" => Form::default().with(Fix::OtherTokenLimit),
        "buffered" => Form::default().with(Fix::Buffered),
        other => panic!("no form is called {other}"),
    }
}

fn header(line: &str) -> (HeaderName, HeaderValue) {
    let (name, value) = line.split_once(": ").unwrap();
    (name.parse().unwrap(), value.parse().unwrap())
}

/// Returns the protocols with the names of their folders.
fn protocols() -> Vec<(&'static str, Box<dyn Protocol>)> {
    vec![
        ("anthropic_messages", Box::new(AnthropicMessages)),
        ("gemini", Box::new(Gemini)),
        ("openai_chat", Box::new(OpenAiChat { dialect: Dialect::COMPATIBLE })),
        ("openai_responses", Box::new(OpenAiResponses { dialect: Dialect::OPENAI })),
    ]
}

/// Reads a file of cases, such as `openai_chat/streams.txt`.
fn read(protocol: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(protocol).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Formats an answer as in the files.
fn answer_text(answer: &Result<ChatResponse, ModelError>, usage: Option<Usage>) -> String {
    let usage = usage.map_or("no usage".to_owned(), |u| {
        let Usage { prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens, reasoning_tokens } = u;
        let written = if cache_write_tokens == 0 { String::new() } else { format!(" written {cache_write_tokens}") };
        format!(
            "usage {prompt_tokens}+{completion_tokens} cached {cached_tokens}{written} reasoning {reasoning_tokens}"
        )
    });
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return format!("{} {usage}", error_text(error)),
    };
    let part =
        |name, text: &Option<String>| text.as_ref().map_or(String::new(), |text| format!(" {name} {text:?}"));
    let (reasoned, refused) = (part("reasoned", &answer.reasoning), part("refused", &answer.refusal));
    let called = answer
        .tool_calls
        .iter()
        .map(|call| format!(" called {}({}) as {:?}", call.name, call.arguments, call.id));
    let likely = answer.logprobs.iter().flatten().map(|token| {
        let others = token.top_logprobs.iter().map(|other| format!(", {:?} {}", other.token, other.logprob));
        format!(" likely {:?} {}{}", token.token, token.logprob, others.collect::<String>())
    });
    let more: String = called.chain(likely).collect();
    format!("{:?} {:?} {usage}{reasoned}{refused}{more}", answer.text, answer.finish)
}

fn error_text(error: &ModelError) -> String {
    format!("{} {:?}", error.kind(), error.advice())
}

#[test]
fn streams_are_read_however_they_are_cut() {
    for (name, protocol) in protocols() {
        for case in cases(&read(name, "streams.txt")) {
            let crlf = case.body.replace('\n', "\r\n");
            for (body, size) in [(&case.body, usize::MAX), (&case.body, 1), (&case.body, 7), (&crlf, 5)] {
                let (answer, usage) = read_stream(&*protocol, body.as_bytes().chunks(size));
                assert_eq!(
                    answer_text(&answer, usage),
                    case.want,
                    "{name}: {}, in pieces of {size}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn buffered_answers_are_read() {
    for (name, protocol) in protocols() {
        for case in cases(&read(name, "buffered.txt")) {
            let (answer, usage) = match protocol.buffered(case.body.as_bytes()) {
                Ok(answer) => (Ok(answer.clone()), answer.usage),
                Err(UnusableAnswer { error, usage }) => (Err(error), usage),
            };
            assert_eq!(answer_text(&answer, usage), case.want, "{name}: {}", case.name);
        }
    }
}

#[test]
fn errors_say_what_to_do() {
    let now: Timestamp = "2025-11-06T08:49:00Z".parse().unwrap();
    for (name, protocol) in protocols() {
        for case in cases(&[read(name, "errors.txt"), read(name, "fallbacks.txt")].concat()) {
            let should_retry = case.headers.get("x-should-retry").map(|value| value == "true");
            let after: Option<Duration> = retry_after(&case.headers, now);
            let (status, body, form) = (case.status, case.body.trim_end().as_bytes(), case.form);
            let error =
                protocol.error(&ErrorAnswer { status, body, form, fixable: true, after, should_retry });
            assert_eq!(error_text(&error), case.want, "{name}: {}: {error}", case.name);
        }
    }
}
