//! Reads the set of choices that an answer names.

use std::sync::LazyLock;

use regex::Regex;
use runmill_proto::ONE_LETTER_LABELS;

use super::{Set, choices::Choices, label, lines::Lines, passage::passage};
use crate::extract;

static BETWEEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[,;/&+\n]|\b(?i:and)\b").expect("a constant pattern"));

static NOT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)^\W*(?:but\s+)?not\b").expect("a constant pattern"));

pub(super) fn read(choices: &Choices, answer: &str) -> Option<Set> {
    let passages = extract::passages(answer);
    let marked = passages.iter().find_map(|text| list(choices, text).or_else(|| mentioned(choices, text)));
    let backward = || extract::backward(answer).and_then(|text| mentioned(choices, text));
    marked.or_else(backward).or_else(|| unmarked(choices, answer))
}

fn unmarked(choices: &Choices, answer: &str) -> Option<Set> {
    let lines = Lines::read(choices, answer);
    if lines.judged {
        return Some(lines.left()).filter(|left| !left.is_empty());
    }
    let last_line = extract::last_line(answer);
    let listed = list(choices, answer).or_else(|| list(choices, last_line));
    let lines = || Some(lines.open).filter(|open| !open.is_empty());
    listed.or_else(lines).or_else(|| mentioned(choices, last_line))
}

/// Reads `text` as a list of choices and nothing else: `A, C`, `A and C`, `["A", "C"]`, `AC`, or their texts.
pub(super) fn list(choices: &Choices, text: &str) -> Option<Set> {
    json(choices, text).or_else(|| parts(choices, text)).or_else(|| run(choices, text))
}

fn json(choices: &Choices, text: &str) -> Option<Set> {
    let (start, end) = (text.find('[')?, text.rfind(']')?);
    let list: Vec<String> = serde_json::from_str(text.get(start..=end)?).ok()?;
    list.iter().map(|text| choices.named(text)).collect()
}

fn parts(choices: &Choices, text: &str) -> Option<Set> {
    let parts = BETWEEN.split(text).filter(|part| part.chars().any(char::is_alphanumeric));
    let parts = parts.filter(|part| !NOT.is_match(part));
    let set: Option<Set> = parts.map(|part| passage(choices, part)).collect();
    set.filter(|set| !set.is_empty())
}

/// Reads letters with nothing or a space between them. With labels of two letters, `AC` is one label.
fn run(choices: &Choices, text: &str) -> Option<Set> {
    let text = text.trim().trim_end_matches('.');
    let is_spaced = text.split_whitespace().all(|word| word.chars().count() == 1);
    let letters: String = if is_spaced { text.split_whitespace().collect() } else { text.to_owned() };
    let is_label = choices.len() > ONE_LETTER_LABELS && !is_spaced;
    if is_label || letters.len() > choices.len() || !letters.chars().all(|c| c.is_ascii_uppercase()) {
        return None;
    }
    let set: Option<Set> =
        letters.char_indices().map(|(at, _)| label::alone(&letters[at..=at], choices.len())).collect();
    set.filter(|set| !set.is_empty() && set.len() == letters.len())
}

fn mentioned(choices: &Choices, text: &str) -> Option<Set> {
    let letters = label::marked(text, choices.len());
    let set = if letters.is_empty() { choices.mentioned(text) } else { letters };
    (!set.is_empty()).then_some(set)
}
