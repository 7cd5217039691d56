//! Answers that are told in parts.

use proptest::{collection::vec, prelude::*, sample::select};
use runmill_proto::chat::{Delta, ToolCallDelta};

use super::*;

const KEYS: [&str; 2] = [KEY, "sk-live-0000"];
const HEADERS: [(&str, &str); 2] = [("x-team", "team-of-7"), ("x-app", "pöpüläär")];

/// Parts of texts: words, secrets, beginnings of secrets.
const PIECES: [&str; 14] = [
    "hello ",
    "s",
    "sk-",
    "sk-live-",
    KEY,
    "sk-live-4f9a1c77e0",
    "sk-live-0000",
    "team-",
    "team-of-7",
    "pö",
    "pöpüläär",
    "ä",
    "{",
    "0",
];

/// Tells these parts, and returns all that was told.
fn told(redactor: &Redactor, news: impl IntoIterator<Item = Delta>) -> Vec<Delta> {
    let (mut deltas, mut told) = (redactor.deltas(), Vec::new());
    for part in news {
        deltas.push(part, |delta| told.push(delta));
    }
    told.push(deltas.rest());
    told
}

fn sum(parts: Vec<Delta>) -> Delta {
    parts.into_iter().fold(Delta::default(), |mut sum, part| {
        sum.append(part);
        sum
    })
}

/// Cuts a text into parts of these numbers of characters.
fn cut(text: &str, sizes: &[usize]) -> Vec<String> {
    let (mut chars, mut sizes) = (text.chars().peekable(), sizes.iter().cycle());
    let mut parts = Vec::new();
    while chars.peek().is_some() {
        parts.push(chars.by_ref().take(*sizes.next().unwrap()).collect());
    }
    parts
}

fn arguments(text: String) -> Delta {
    let call = ToolCallDelta { index: 0, arguments: text, ..ToolCallDelta::default() };
    Delta { tool_calls: vec![call], ..Delta::default() }
}

fn token(text: String) -> TokenLogprob {
    TokenLogprob { token: text, logprob: -0.5, top_logprobs: Vec::new() }
}

fn pieces() -> impl Strategy<Value = String> {
    vec(select(PIECES.to_vec()), 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn parts_add_up_to_the_answer_without_its_secrets(
        texts in [pieces(), pieces(), pieces()],
        sizes in vec(1..9_usize, 1..5),
    ) {
        let redactor = redactor(&KEYS, &HEADERS);
        let [reasoning, text, called] = &texts;
        let tokens: Vec<_> = cut(text, &sizes).into_iter().map(token).collect();
        let mut whole = ChatResponse {
            reasoning: Some(reasoning.clone()),
            logprobs: Some(tokens.clone()),
            tool_calls: vec![ToolCall { arguments: called.clone(), ..ToolCall::default() }],
            ..answer(text.clone())
        };
        redactor.redact(&mut whole);
        let head = Delta { tool_calls: vec![ToolCallDelta::default()], ..Delta::default() };
        let news = cut(reasoning, &sizes).into_iter().map(|part| Delta { reasoning: part, ..Delta::default() });
        let news = news.chain(cut(text, &sizes).into_iter().zip(tokens).map(|(part, token)| Delta {
            text: part,
            logprobs: vec![token],
            ..Delta::default()
        }));
        let news = news.chain([head]).chain(cut(called, &sizes).into_iter().map(arguments));

        prop_assert_eq!(sum(told(&redactor, news)), Delta::from(&whole));
    }

    #[test]
    fn the_inside_of_a_key_is_removed_too(
        from in 1..8_usize,
        sizes in vec(1..9_usize, 1..5),
    ) {
        let redactor = redactor(&KEYS, &[]);
        let text = format!("cut: {} indeed", &KEY[from..]);
        let news = cut(&text, &sizes).into_iter().map(|text| Delta { text, ..Delta::default() });

        let told = sum(told(&redactor, news)).text;

        let rest = told.strip_prefix("cut: ").unwrap().strip_suffix("[redacted] indeed").unwrap();
        prop_assert!(rest.len() < 4 && KEY[from..].starts_with(rest), "{told}");
    }
}

#[test]
fn only_what_may_become_a_secret_is_held_back() {
    let redactor = redactor(&[KEY], &[]);
    let texts = ["good ", "morning", ", ", "all", "s", "sorts", " of sk", "-live-", " keys"];
    let news = texts.map(|text| Delta { text: text.into(), ..Delta::default() });

    let told: Vec<_> = told(&redactor, news).into_iter().map(|part| part.text).collect();

    let told: Vec<_> = told.iter().filter(|text| !text.is_empty()).collect();
    assert_eq!(told, ["good ", "morning", ", ", "all", "ssort", "s of ", "sk-live- key", "s"]);
}

#[test]
fn what_is_held_back_comes_before_the_text_that_follows() {
    let redactor = redactor(&[KEY], &[]);
    let news = [
        Delta { reasoning: "thus".into(), text: "yes".into(), ..Delta::default() },
        arguments("{}".into()),
        Delta { text: "s".into(), ..Delta::default() },
        Delta { reasoning: "hm".into(), ..Delta::default() },
    ];

    let told: Vec<_> = told(&redactor, news).into_iter().filter(|part| !part.is_empty()).collect();

    let text = |text: &str| Delta { text: text.into(), ..Delta::default() };
    let reasoning = |text: &str| Delta { reasoning: text.into(), ..Delta::default() };
    let want = [
        reasoning("thu"),
        reasoning("s"),
        text("ye"),
        text("s"),
        arguments("{}".into()),
        text("s"),
        reasoning("hm"),
    ];
    assert_eq!(told, want);
}
