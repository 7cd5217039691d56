//! Extracts the final answer from the text of an answer.

mod boxed;
mod hashes;
mod json;
mod phrase;
mod tag;

use std::borrow::Cow;

/// The part of an answer that holds the final answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// Text inside a mark such as `\boxed{…}`, or from a mark to the end of its line.
    Marked(Cow<'a, str>),
    /// Last line of an answer without a mark.
    LastLine(&'a str),
}

impl Found<'_> {
    pub fn text(&self) -> &str {
        match self {
            Self::Marked(text) => text,
            Self::LastLine(text) => text,
        }
    }
}

/// Looks for the marks that models and datasets use, the least ambiguous first. The last mark of a kind counts,
/// because people and models correct themselves.
pub(crate) fn extract(answer: &str) -> Found<'_> {
    match passages(answer).into_iter().next() {
        Some(passage) => Found::Marked(passage),
        None => phrase::backward(answer).map_or_else(|| Found::LastLine(last_line(answer)), marked_by),
    }
}

const fn marked_by(text: &str) -> Found<'_> {
    Found::Marked(Cow::Borrowed(text))
}

/// Returns all marked parts of an answer, the least ambiguous first.
pub(crate) fn passages(answer: &str) -> Vec<Cow<'_, str>> {
    let whole = json::whole(answer);
    let found = whole
        .or_else(|| boxed::last(answer).map(Cow::Borrowed))
        .or_else(|| tag::last(answer).map(Cow::Borrowed));
    let enclosed = found.or_else(|| json::last(answer)).or_else(|| hashes::last(answer).map(Cow::Borrowed));
    let phrases = phrase::forward(answer).into_iter().rev().map(Cow::Borrowed);
    enclosed.map(inner).into_iter().chain(phrases).collect()
}

/// Returns the part of the sentence before the last "is the answer" and the like.
pub(crate) fn backward(answer: &str) -> Option<&str> {
    phrase::backward(answer)
}

/// Returns the rest of the line after the last "The answer is", also if it is a denial or a question.
pub(crate) fn last_said(answer: &str) -> Option<&str> {
    phrase::last_said(answer)
}

/// Returns the text in `\boxed{…}` or after `####`. Datasets use both in their references too.
pub(crate) fn marked(text: &str) -> Option<&str> {
    boxed::last(text).or_else(|| hashes::any(text))
}

/// Returns the answer of `Answer: 18` inside of another mark.
fn inner(enclosed: Cow<'_, str>) -> Cow<'_, str> {
    let inner = phrase::forward(&enclosed).pop().map(str::to_owned);
    inner.map_or(enclosed, Cow::Owned)
}

/// Returns the last line that has a letter or a digit. So the line that ends a code block is skipped, as is a
/// question to the user or a remark on the confidence behind the answer.
pub(crate) fn last_line(text: &str) -> &str {
    let mut lines = text.lines().rev().filter(|line| line.chars().any(char::is_alphanumeric));
    let last = lines.clone().next();
    lines.find(|line| !is_remark(line)).or(last).unwrap_or(text).trim()
}

fn is_remark(line: &str) -> bool {
    let line = line.trim().trim_matches(['*', '_']);
    line.ends_with(['?', '？'])
        || line.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("confidence"))
}

#[cfg(test)]
mod tests;
