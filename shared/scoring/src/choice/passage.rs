//! Reads a text that should be one choice.

use std::sync::LazyLock;

use regex::Regex;

use super::{choices::Choices, label};
use crate::negation::{Verdict, verdict_after};

static LIST_MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*\d{1,2}[.)]\s+").expect("a constant pattern"));

/// Returns the choice that is `text` or with which `text` begins.
pub(super) fn passage(choices: &Choices, text: &str) -> Option<usize> {
    if let Some(choice) = choices.with_text(text) {
        return Some(choice);
    }
    let text = LIST_MARK.find(text).map_or(text, |mark| &text[mark.end()..]);
    let start = label::at_start(text, choices.len())?;
    if label::goes_on(start.rest, choices.len()) || start.rest.trim_start().starts_with('?') {
        return None;
    }
    let begins_text = choices.after_text(start.rest, start.choice).is_some();
    let is_denied = !begins_text && verdict_after(start.rest) == Some(Verdict::Wrong);
    ((start.sure || begins_text) && !is_denied).then_some(start.choice)
}
