//! Reads the one choice that an answer names.

use super::{Set, choices::Choices, label};
use crate::extract::{Found, extract};

/// Returns a set of one choice, or `None` if the answer names none or several.
pub(super) fn read(choices: &Choices, answer: &str) -> Option<Set> {
    let choice = match extract(answer) {
        Found::Marked(text) => passage(choices, text).or_else(|| only(choices.mentioned(text))),
        Found::LastLine(line) => unmarked(choices, answer, line),
    };
    choice.map(|choice| Set::from([choice]))
}

/// Returns the choice that is `text` or with which `text` begins.
pub(super) fn passage(choices: &Choices, text: &str) -> Option<usize> {
    if let Some(choice) = choices.with_text(text) {
        return Some(choice);
    }
    let start = label::at_start(text, choices.len())?;
    if label::goes_on(start.rest, choices.len()) {
        return None;
    }
    (start.sure || choices.begins(start.rest, start.choice)).then_some(start.choice)
}

/// Reads an answer without a mark. It tries each place where the choice may be, the least ambiguous first.
fn unmarked(choices: &Choices, answer: &str, last_line: &str) -> Option<usize> {
    if let Some(choice) = choices.with_text(answer) {
        return Some(choice);
    }
    let labelled: Set = answer.lines().filter_map(|line| passage(choices, line)).collect();
    match labelled.len() {
        0 => {}
        1 => return only(labelled),
        // The answer discusses the choices one by one. Only a last line after them can show which one it chooses.
        _ if passage(choices, last_line).is_some() => return None,
        _ => return by_mention(choices, last_line),
    }
    by_mention(choices, last_line).or_else(|| by_mention(choices, answer))
}

/// Returns the one choice that `text` mentions: by a letter in its middle or at its end, or else by the choice's text.
fn by_mention(choices: &Choices, text: &str) -> Option<usize> {
    if label::lists(text, choices.len()) {
        return None;
    }
    let mut letters = label::marked(text, choices.len());
    letters.extend(label::at_end(text, choices.len()));
    only(if letters.is_empty() { choices.mentioned(text) } else { letters })
}

fn only(set: Set) -> Option<usize> {
    let mut set = set.into_iter();
    let first = set.next()?;
    set.next().is_none().then_some(first)
}
