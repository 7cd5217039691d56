//! Finds the phrases that announce an answer: "The answer is", "Answer:", "B is the best answer".

use std::{collections::VecDeque, sync::LazyLock};

use regex::Regex;

use crate::text::{head, tail};

/// Largest number of phrases of a kind that are read, and of the bytes that are read of their lines.
const PLACES_MAX: usize = 32;
const LINE_MAX_BYTES: usize = 2000;

/// Largest distance of a word that changes what a phrase means.
const NEAR_BYTES: usize = 60;

/// Matches "answer is", "answers are" and "Answer:", with emphasis in between, in several languages.
static FORWARD: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)(?:\b(?:answers?|ans)\b|\b(?:correct|right|best)\s+(?:options?|choices?)\b",
        r"|\b(?:ответ|respuesta|r[ée]ponse|antwort|resposta|risposta)\b|答案|答え|정답|답)",
        // "in dollars", "to the question", a remark between commas.
        r#"["'*_\s]*(?:\([^()\n]{1,30}\)\s*)?(?:(?:to|of|for|in)\s[^.:,\n]{1,60}?\s)?(?:,[^,\n]{1,60},\s*)?"#,
        r"(?:\b(?:is|are|would\s+be|will\s+be|must\s+be|should\s+be|es|est|ist|é|è)\b|[:=：→]|是|为|為|は|은|는)",
        r#"(?:["'*_]+(?:\s|$))?[:：\s]*(?:,[^,\n]{1,60},\s*)?"#,
    ))
});

/// Matches a heading that has the answer below.
static HEADING: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?im)^[#*_ \t]*(?:the\s+)?(?:final\s+|correct\s+)?answer[#*_: \t]*$\n\s*"));

/// Matches what makes another answer of it than the one that is given.
static OTHERS: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?i)\b(?:your|wrong|incorrect|any|no|whose|each|every|if\s+(?:the|an)|whether\s+the|what(?:'s| is)\s+the)\s+(?:final\s+|correct\s+)?$",
    )
});

static NEGATED: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?i)^(?:definitely\s+|certainly\s+|probably\s+)?(?:not|never|neither)\b"));

static INSTEAD: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"(?i)^[^.!?\n]*?(?:\bbut\s+(?:rather\s+)?|;\s*it\s+is\s+|[,;]\s*rather,?\s+)")
});

/// Matches "is the answer" and "is the best choice".
static BACKWARD: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)\s+(?:is|are|would\s+be|seems?|must\s+be)\s+(?:clearly\s+|definitely\s+|therefore\s+)?(?:the|my|our)\s+",
        r"(?:final\s+|best\s+|correct\s+|right\s+|most\s+\w+\s+)*(?:answers?|options?|choices?|response)\b",
    ))
});

/// Matches a sentence that points at an answer elsewhere.
static POINTER: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"(?i)^\W*(?:and\s+|so\s+)?(?:this|that|it|these|what|which|here|below|above|there)\b\W*$")
});

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

/// Returns the rest of the line after each phrase, in order. A question, and what the answer is *not*, are left out.
pub(super) fn forward(text: &str) -> Vec<&str> {
    let phrases = last(FORWARD.find_iter(text).map(|found| (found.start(), found.end())));
    let mut ends: Vec<_> =
        phrases.filter(|(start, _)| !OTHERS.is_match(tail(&text[..*start], NEAR_BYTES))).collect();
    ends.extend(last(HEADING.find_iter(text).map(|found| (found.start(), found.end()))));
    ends.sort_unstable_by_key(|(_, end)| *end);
    ends.into_iter().filter_map(|(_, end)| affirmed(first_line(&text[end..]))).collect()
}

/// Returns the rest of the line after the last phrase, whatever it says.
pub(super) fn last_said(text: &str) -> Option<&str> {
    let phrase = FORWARD.find_iter(text).last()?;
    Some(first_line(&text[phrase.end()..])).filter(|rest| !rest.is_empty())
}

/// Returns the last of many places: an answer is at its end, and each place is looked at closely.
fn last<T>(places: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    let mut kept = VecDeque::new();
    for place in places {
        if kept.len() == PLACES_MAX {
            kept.pop_front();
        }
        kept.push_back(place);
    }
    kept.into_iter()
}

/// Returns the part of the sentence before the last "is the answer".
pub(super) fn backward(text: &str) -> Option<&str> {
    let places = last(BACKWARD.find_iter(text)).filter(|found| !is_question(&text[found.end()..]));
    let befores = places.map(|found| last_sentence(&text[..found.start()]));
    befores.filter(|before| !before.trim().is_empty() && !POINTER.is_match(before)).last()
}

/// Returns what is said instead of what is denied, or the whole if nothing is denied.
fn affirmed(rest: &str) -> Option<&str> {
    let rest = if NEGATED.is_match(rest) { &rest[INSTEAD.find(rest)?.end()..] } else { rest };
    (!rest.trim().is_empty() && !is_question(rest)).then_some(rest)
}

/// Returns true if the first sentence of `text` ends with a question mark.
fn is_question(text: &str) -> bool {
    let line = first_line(text);
    let end = line.char_indices().find(|(at, c)| match c {
        '?' | '？' | '!' | '。' => true,
        '.' => line[at + 1..].starts_with(' '),
        _ => false,
    });
    end.is_some_and(|(_, c)| matches!(c, '?' | '？'))
}

fn first_line(text: &str) -> &str {
    head(text, LINE_MAX_BYTES).lines().next().unwrap_or_default().trim()
}

fn last_sentence(text: &str) -> &str {
    let text = tail(text, LINE_MAX_BYTES);
    let start = [". ", "? ", "! ", ": ", "\n"]
        .iter()
        .filter_map(|end| text.rfind(end).map(|at| at + end.len()))
        .max();
    text[start.unwrap_or(0)..].trim()
}
