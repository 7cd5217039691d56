//! Reads the one choice that an answer names.

use std::sync::LazyLock;

use regex::Regex;

use super::{Set, choices::Choices, label, lines::Lines, passage::passage};
use crate::extract;

static BOLD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\*\*([^*\n]+)\*\*").expect("a constant pattern"));

/// Returns a set of one choice, or `None` if the answer names none or several.
pub(super) fn read(choices: &Choices, answer: &str) -> Option<Set> {
    let passages = extract::passages(answer);
    let said = passages.first().map_or_else(|| extract::last_line(answer), AsRef::as_ref);
    if choices.are_confused(said) {
        return None;
    }
    let marked = passages.iter().find_map(|text| marked(choices, text));
    let backward = || extract::backward(answer).and_then(|text| marked_before(choices, text));
    let choice = marked.or_else(backward).or_else(|| unmarked(choices, answer));
    choice.map(|choice| Set::from([choice]))
}

fn marked(choices: &Choices, text: &str) -> Option<usize> {
    passage(choices, text).or_else(|| only(choices.mentioned(text))).or_else(|| by_mention(choices, text))
}

/// Reads the text before "is the answer", at whose end the choice is.
fn marked_before(choices: &Choices, text: &str) -> Option<usize> {
    by_mention(choices, text).or_else(|| passage(choices, text))
}

/// Reads an answer without a mark. It tries each place where the choice may be, the least ambiguous first.
fn unmarked(choices: &Choices, answer: &str) -> Option<usize> {
    let last_line = extract::last_line(answer);
    if let Some(choice) = choices.with_text(answer).or_else(|| bold(choices, answer)) {
        return Some(choice);
    }
    let lines = Lines::read(choices, answer);
    if lines.judged {
        return only(lines.left()).or_else(|| by_mention(choices, last_line));
    }
    if let Some(choice) = first_alone(choices, answer) {
        return Some(choice);
    }
    match lines.open.len() {
        0 => {}
        1 => return only(lines.open),
        // The answer discusses the choices one by one. Only a last line after them can show which one it chooses.
        _ if passage(choices, last_line).is_some() => return None,
        _ => return by_mention(choices, last_line),
    }
    by_mention(choices, last_line).or_else(|| by_mention(choices, answer))
}

/// Returns the choice whose letter is a paragraph of its own at the beginning, if only others are discussed below.
fn first_alone(choices: &Choices, answer: &str) -> Option<usize> {
    let (first, rest) = answer.trim_start().split_once("\n\n")?;
    let choice = label::alone(first, choices.len())?;
    (!Lines::read(choices, rest).open.contains(&choice)).then_some(choice)
}

/// Returns the one choice that is in bold.
fn bold(choices: &Choices, answer: &str) -> Option<usize> {
    let bold = BOLD.captures_iter(answer).filter_map(|found| found.get(1));
    only(bold.filter_map(|bold| passage(choices, bold.as_str())).collect())
}

/// Returns the one choice that `text` mentions: by a letter in its middle or at its end, or else by the choice's
/// text.
fn by_mention(choices: &Choices, text: &str) -> Option<usize> {
    if label::lists(text, choices.len()) {
        return None;
    }
    let mut letters = label::marked(text, choices.len());
    letters.extend(label::at_end(text, choices.len()));
    if !text.contains('\n') {
        letters.extend(label::at_ends_of_clauses(text, choices.len()));
    }
    only(if letters.is_empty() { choices.mentioned(text) } else { letters })
}

fn only(set: Set) -> Option<usize> {
    let mut set = set.into_iter();
    let first = set.next()?;
    set.next().is_none().then_some(first)
}
