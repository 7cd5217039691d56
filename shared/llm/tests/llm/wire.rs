//! Runs every case of the files under `tests/wire`; their README describes the format.

use std::{fs, path::Path, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*};
use runmill_llm::{
    ChatResponse, Metered, ModelError,
    protocol::{
        AnswerStream, Dialect, ErrorAnswer, Form, Protocol, UnusableAnswer,
        anthropic_messages::AnthropicMessages, gemini::Gemini, openai_chat::OpenAiChat,
        openai_responses::OpenAiResponses,
    },
    retry_after::retry_after,
};
use runmill_pricing::Terms;
use runmill_proto::{Fix, Usage, chat::Delta};

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
pub fn protocols() -> Vec<(&'static str, Box<dyn Protocol>)> {
    vec![
        ("anthropic_messages", Box::new(AnthropicMessages)),
        ("gemini", Box::new(Gemini)),
        ("openai_chat", Box::new(OpenAiChat { dialect: Dialect::COMPATIBLE })),
        ("openai_responses", Box::new(OpenAiResponses { dialect: Dialect::OPENAI })),
    ]
}

/// Reads a file of cases, such as `openai_chat/streams.txt`.
pub fn read(protocol: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(protocol).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Formats what was counted as in the files. Counts other than those of every usage are named if they are there.
pub fn metered_text(Metered { usage, billing }: Metered) -> String {
    let counts = usage.map_or("no usage".to_owned(), |usage| {
        let counts = [
            (" written", usage.cache_write_tokens),
            (" long", usage.long_cache_write_tokens),
            (" heard", usage.audio_input_tokens),
            (" cached audio", usage.cached_audio_tokens),
            (" seen", usage.image_input_tokens),
            (" spoken", usage.audio_output_tokens),
            (" drawn", usage.image_output_tokens),
            (" searches", usage.web_searches),
        ];
        let others = counts.iter().filter(|(_, count)| *count > 0);
        let others: Vec<_> = others.map(|(name, count)| format!("{name} {count}")).collect();
        let others = others.concat();
        let Usage { prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, .. } = usage;
        format!("usage {prompt_tokens}+{completion_tokens} cached {cached_tokens}{others} reasoning {reasoning_tokens}")
    });
    let Terms { service, place, fast, .. } = billing.terms;
    let is_standard = (service, place, fast) == Default::default();
    let fast = if fast { " fast" } else { "" };
    let terms = if is_standard { String::new() } else { format!(" terms {service:?} {place:?}{fast}") };
    let told = billing.told.map_or(String::new(), |told| format!(" told {told:?}"));
    let unreadable = if billing.unreadable { " unreadable" } else { "" };
    format!("{counts}{terms}{told}{unreadable}")
}

/// Formats an answer as in the files. `metered` is what was counted for an answer that cannot be used.
fn answer_text(answer: &Result<ChatResponse, ModelError>, metered: Metered) -> String {
    let told = |answer: &ChatResponse| Metered { usage: answer.usage, billing: answer.billing };
    let usage = metered_text(answer.as_ref().map_or(metered, told));
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
    let noted = answer.remarks.notes.iter().map(|note| format!(" noted {note}"));
    let more: String = called.chain(likely).chain(noted).collect();
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
fn a_stream_that_is_cut_anywhere_gives_its_own_answer_or_none() {
    for (name, protocol) in protocols() {
        for case in cases(&read(name, "streams.txt")) {
            let (Ok(whole), _) = read_stream(&*protocol, [case.body.as_bytes()]) else { continue };
            for end in 0..case.body.len() {
                let (Ok(cut), _) = read_stream(&*protocol, [&case.body.as_bytes()[..end]]) else { continue };
                let (usage, billing, remarks) = (whole.usage, whole.billing, whole.remarks.clone());
                let cut = ChatResponse { usage, billing, remarks, ..cut };
                assert_eq!(cut, whole, "{name}: {}, cut at {end}", case.name);
            }
        }
    }
}

#[test]
fn buffered_answers_are_read() {
    for (name, protocol) in protocols() {
        for case in cases(&read(name, "buffered.txt")) {
            let (answer, usage) = match protocol.buffered(case.body.as_bytes()) {
                Ok(answer) => (Ok(answer), Metered::default()),
                Err(UnusableAnswer { error, usage }) => (Err(error), *usage),
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

/// Reads a stream in pieces of these sizes, in turn. Returns its answer and the sum of the parts that were told.
fn follow(protocol: &dyn Protocol, mut body: &[u8], sizes: &[usize]) -> Option<(ChatResponse, Delta)> {
    let mut stream = AnswerStream::new(protocol.decoder());
    let mut sum = stream.news();
    assert!(sum.is_empty());
    let mut whole = None;
    for size in sizes.iter().cycle() {
        let piece;
        (piece, body) = body.split_at((*size).min(body.len()));
        if piece.is_empty() || whole.is_some() {
            break;
        }
        whole = stream.push(piece.to_vec().into()).ok()?;
        sum.append(stream.news());
    }
    let whole = whole.map_or_else(|| stream.end(), Ok).ok()?;
    sum.append(stream.news());
    Some((whole, sum))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_parts_of_a_stream_add_up_to_its_answer(sizes in vec(1..200_usize, 1..20)) {
        for (name, protocol) in protocols() {
            let mut answered = 0;
            for case in cases(&read(name, "streams.txt")) {
                let Some((whole, sum)) = follow(&*protocol, case.body.as_bytes(), &sizes) else { continue };
                prop_assert_eq!(sum, Delta::from(&whole), "{}: {}", name, case.name);
                answered += 1;
            }
            prop_assert!(answered > 2, "{name}: {answered}");
        }
    }
}
