//! Reads the set of choices that an answer names.

use std::sync::LazyLock;

use regex::Regex;
use runmill_proto::ONE_LETTER_LABELS;

use super::{Set, choices::Choices, label, one};
use crate::extract::{Found, extract};

static BETWEEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[,;/&+\n]|\b(?i:and)\b").expect("a constant pattern"));

pub(super) fn read(choices: &Choices, answer: &str) -> Option<Set> {
    match extract(answer) {
        Found::Marked(text) => list(choices, text).or_else(|| mentioned(choices, text)),
        Found::LastLine(line) => list(choices, answer)
            .or_else(|| list(choices, line))
            .or_else(|| labelled(choices, answer))
            .or_else(|| mentioned(choices, line)),
    }
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
    let set: Option<Set> = parts.map(|part| one::passage(choices, part)).collect();
    set.filter(|set| !set.is_empty())
}

/// Reads letters without anything between them. With labels of two letters, `AC` is one label.
fn run(choices: &Choices, text: &str) -> Option<Set> {
    let letters = text.trim().trim_end_matches('.');
    let is_label = choices.len() > ONE_LETTER_LABELS;
    if is_label || letters.len() > choices.len() || !letters.chars().all(|c| c.is_ascii_uppercase()) {
        return None;
    }
    let set: Option<Set> =
        letters.char_indices().map(|(at, _)| label::alone(&letters[at..=at], choices.len())).collect();
    set.filter(|set| !set.is_empty() && set.len() == letters.len())
}

/// Reads the choices at the beginning of lines; other lines are ignored.
fn labelled(choices: &Choices, answer: &str) -> Option<Set> {
    let set: Set = answer.lines().filter_map(|line| one::passage(choices, line)).collect();
    (!set.is_empty()).then_some(set)
}

fn mentioned(choices: &Choices, text: &str) -> Option<Set> {
    let letters = label::marked(text, choices.len());
    let set = if letters.is_empty() { choices.mentioned(text) } else { letters };
    (!set.is_empty()).then_some(set)
}
