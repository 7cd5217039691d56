mod deltas;

use runmill_proto::{TokenLogprob, ToolCall, TopLogprob};

use super::*;
use crate::layer::scripted::four;

fn redactor(keys: &[&str], headers: &[(&str, &str)]) -> Redactor {
    let keys: Vec<SecretString> = keys.iter().map(|key| (*key).into()).collect();
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    Redactor::new(&keys, &headers)
}

fn answer(text: impl Into<String>) -> ChatResponse {
    ChatResponse { text: text.into(), ..four() }
}

const KEY: &str = "sk-live-4f9a1c77e0b24d5a";

fn clean(text: &str) -> String {
    redactor(&[KEY, "1"], &[("x-team", "two words here")]).clean(text)
}

#[test]
fn nothing_of_a_secret_remains() {
    let table = [
        ("Invalid key sk-live-4f9a1c77e0b24d5a.", "Invalid key [redacted]."),
        ("got 'Bearer sk-live-4f9a1c77e0b24d5a'", "got 'Bearer [redacted]'"),
        ("Incorrect API key provided: sk-l****4d5a. See", "Incorrect API key provided: [redacted] See"),
        ("cut: 9a1c77e0b24", "cut: [redacted]"),
        ("header two words here", "header [redacted]"),
        ("over 1 limit\n of\t10", "over 1 limit of 10"),
    ];
    for (text, want) in table {
        assert_eq!(clean(text), want);
    }
}

#[test]
fn an_ordinary_word_is_no_secret() {
    let table = [
        ("openai", "openai error: no", "openai error: no"),
        ("EMPTY", "EMPTY choices", "EMPTY choices"),
        ("Anthropic", "Anthropic: overloaded", "Anthropic: overloaded"),
        ("abcdefghijkl", "got abcdefghijkl", "got [redacted]"),
        ("hunTer", "got hunTer", "got [redacted]"),
        ("hunter2", "got hunter2", "got [redacted]"),
        ("sk-good", "got sk-good", "got [redacted]"),
    ];
    for (value, text, want) in table {
        assert_eq!(redactor(&[value], &[]).clean(text), want, "{value}");
    }
}

#[test]
fn a_secret_that_was_cut_in_half_is_hidden_too() {
    let text = format!("{} {KEY}", "x".repeat(TEXT_MAX_CHARS - 10));

    let clean = clean(&text);

    assert!(!clean.contains("sk-live"), "{clean}");
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let clean = clean(&"ä".repeat(600));
    assert_eq!(clean.chars().count(), TEXT_MAX_CHARS + 3);
}

#[test]
fn what_an_answer_repeats_of_a_secret_is_removed_and_nothing_else() {
    let redactor = redactor(
        &[KEY, "sk-live-0000", "shortie", "EMPTY"],
        &[("x-team", "team-of-7"), ("authorization", "Bearer tok-91c35f48aa06e7b2"), ("x-app", "pöpüläär")],
    );
    let table = [
        ("key: sk-live-4f9a1c77e0b24d5a!\n ok", "key: [redacted]!\n ok"),
        ("sk-live-4f9a1c77e0b24d5ask-live-4f9a1c77e0b24d5a", "[redacted]"),
        ("cut: sk-live-4f9a1c77", "cut: [redacted]"),
        ("cut: 9a1c77e0b24d5a", "cut: 9a1c77e0b24d5a"),
        ("in it: xlive-4f9a1c77e0b2x", "in it: x[redacted]x"),
        ("both sk-live-0000 and team-of-7.", "both [redacted] and [redacted]."),
        ("tok-91c35f48aa06e7b2 is pöpüläär", "[redacted] is [redacted]"),
        ("keys begin with sk-live-, teams with team-of-", "keys begin with sk-live-, teams with team-of-"),
        ("** *** shortie EMPTY", "** *** shortie EMPTY"),
    ];
    for (text, want) in table {
        let mut answer = answer(text);
        assert_eq!((redactor.redact(&mut answer), answer.text.as_str()), (text != want, want));
    }
}

#[test]
fn every_text_of_an_answer_is_searched() {
    let said = || format!("it is {KEY}");
    let call = ToolCall { id: said(), name: said(), arguments: said() };
    let mut answer = ChatResponse {
        reasoning: Some(said()),
        refusal: Some(said()),
        tool_calls: vec![ToolCall::default(), call],
        ..answer(said())
    };
    answer.remarks.answered_by = Some(said());

    assert!(redactor(&[KEY], &[]).redact(&mut answer));

    let text = format!("{answer:?}");
    assert_eq!((text.contains("sk-live"), text.matches("it is [redacted]").count()), (false, 7), "{text}");
}

#[test]
fn a_secret_in_several_tokens_is_removed_with_the_alternatives() {
    let token = |text: &str| TokenLogprob {
        token: text.into(),
        logprob: -0.5,
        top_logprobs: vec![TopLogprob { token: text.into(), logprob: -0.5 }],
    };
    let tokens = ["it", " is ", "sk", "-live-4f9a1c77", "e0b24d5a", " indeed"];
    let mut answer =
        ChatResponse { logprobs: Some(tokens.into_iter().map(token).collect()), ..answer("secret") };

    assert!(redactor(&[KEY], &[]).redact(&mut answer));

    let left = answer.logprobs.unwrap();
    let texts: Vec<_> = left.iter().map(|it| it.token.as_str()).collect();
    assert_eq!(texts, ["it", " is ", "[redacted]", "[redacted]", "[redacted]", " indeed"]);
    let alternatives: Vec<_> = left.iter().map(|it| it.top_logprobs.len()).collect();
    assert_eq!(alternatives, [1, 1, 0, 0, 0, 1]);
}

#[test]
fn headers_that_are_public_are_left_in_answers() {
    let headers = [("Anthropic-Version", "2023-06-01"), ("x-release", "2024-05-13")];
    let mut answer = answer("on 2023-06-01 and on 2024-05-13");

    assert!(redactor(&[], &headers).redact(&mut answer));

    assert_eq!(answer.text, "on 2023-06-01 and on [redacted]");
}
