//! Reads the number of an answer without a mark: one in bold or alone on its line, or else that of its last sentence.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use super::{
    passage,
    reading::{Reading, affirmed},
    sentence,
};
use crate::{
    number::{numbers, plain},
    text::tail,
};

/// Largest part of a sentence that is read, from its end.
const SENTENCE_MAX_BYTES: usize = 2000;

/// Matches what is no part of the answer's text: remarks on the confidence, notes, offers, and references to sources.
static REMARK: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)\(?\bconfidence(?:\s+\w+)?\s*(?:\bis\b|[:=])[^\n]*|\[\d{1,3}\](?:\(\S*\))?|\bstep\s+\d+(?:\.\d+)?\b",
        r"|(?m:^)[^\p{L}\d\n]*(?:note|explanation|reasoning|disclaimer|verification|check)\b[*_]*:[^\n]*",
        r"|\b(?:let\s+me\s+know|feel\s+free|i\s+hope)\b[^.!?\n]*[.!?]?",
    ))
});

/// Matches the mark of a point in a list.
static POINT: LazyLock<Regex> = LazyLock::new(|| constant(r"^\s*(?:\d{1,2}[.)]|[-•*])\s+"));

static BOLD: LazyLock<Regex> = LazyLock::new(|| {
    constant(r"\*\*(?<a>[^*\n]{1,80})\*\*|\b__(?<b>[^_\n]{1,80})__\b|<b>(?<c>[^<\n]{1,80})</b>")
});

/// Matches a number with at most two words around it, which is no point of a list or a heading.
static ONLY_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"^[^\p{L}\d]*(?:(?:\p{L}+(?:_\w+)?\s*=|x\s+is|rs\.?|approximately|about)\s*)?",
        r"[-+]?[^\p{L}\d\s,;:]*\d[\d.,'_\u{a0}/^e×*-]*(?:\s\d[\d\s.,/]*)?\s*(?:[kKMB%°]|\p{L}+)?(?:\s?[/\s]\s?\p{L}+)?[^\p{L}\d:)?]*$",
    ))
});

/// Matches the number of a heading: `**2. Multiply**`.
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| constant(r"^[#\s]*\d{1,2}[.)]\s+\S"));

/// Matches the beginning of a sentence that checks the result before it.
static CHECK: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)^[^\p{L}\d]*(?:(?:let(?:['’]s|\s+us|\s+me)|to|now|we\s+(?:can|could|may))\s+)*(?:double-?\s?)?(?:check|verify)",
        r"(?:ing)?\b\s*(?:[,:]|$|(?:that|this|it|our|if|by|with|whether)\b|\W?\d)",
    ))
});

static REFUSAL: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)\bI(?:'m|\s+am)?\s*(?:cannot|can\s?['’]?t|could\s+not|couldn['’]t|not\s+able\s+to|unable\s+to)\s+",
        r"(?:answer|determine|solve|help|provide|say|tell|calculate|compute|find|give)",
        r"|\bcannot\s+be\s+(?:answered|determined|solved|calculated|computed)|\b(?:do\s+not|don['’]t)\s+(?:know|have\s+enough)",
        r"|\b(?:not\s+enough|insufficient|lacks?|missing)\b[^.\n]{0,20}\binformation",
    ))
});

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

pub(super) fn read(answer: &str) -> Reading {
    let kept = REMARK.replace_all(answer, " ");
    let text = if kept.contains(char::is_numeric) { kept } else { Cow::Borrowed(answer) };
    if let Some(found) = shown(&text) {
        return found;
    }
    if REFUSAL.is_match(&text) {
        return Reading::Nothing;
    }
    last_sentence(&plain(&without_questions(&text)))
}

/// Reads the last number that is in bold or alone on its line.
fn shown(text: &str) -> Option<Reading> {
    let mut found = None;
    for line in text.lines().filter(|line| !line.trim_end().ends_with('?')) {
        // A point of a list is a step, but an answer of one line may look like one.
        if is_only_number(line) && (!POINT.is_match(line) || line.len() == text.len()) {
            found = Some(line);
        }
        let bold = BOLD.captures_iter(line).filter_map(|bold| bold.iter().skip(1).flatten().next());
        found = bold.map(|bold| bold.as_str()).filter(|bold| is_only_number(bold)).last().or(found);
    }
    found.map(passage::direct).filter(|reading| *reading != Reading::Nothing)
}

fn is_only_number(text: &str) -> bool {
    let plain = plain(text);
    plain.len() <= 80 && ONLY_NUMBER.is_match(&plain) && !NUMBERED.is_match(&plain)
}

/// Removes the sentences that ask the user something, unless nothing else is left.
fn without_questions(text: &str) -> Cow<'_, str> {
    if !text.contains(['?', '？']) {
        return Cow::Borrowed(text);
    }
    let kept: String =
        sentences(text).filter(|sentence| !sentence.trim_end().ends_with(['?', '？'])).collect();
    if kept.trim().is_empty() { Cow::Borrowed(text) } else { Cow::Owned(kept) }
}

/// Returns the sentences of a text, with their ends.
fn sentences(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    let mut ends: Vec<_> = text
        .char_indices()
        .filter(|(at, c)| {
            let next = text[at + c.len_utf8()..].chars().next();
            match c {
                '\n' | '。' | '！' | '？' => true,
                '.' | '!' | '?' => next.is_none_or(char::is_whitespace),
                _ => false,
            }
        })
        .map(|(at, c)| at + c.len_utf8())
        .collect();
    ends.push(text.len());
    let mut start = 0;
    let parts: Vec<_> = ends.into_iter().map(|end| &text[std::mem::replace(&mut start, end)..end]).collect();
    parts.into_iter()
}

/// Reads the last sentence that has a number which it does not deny. One that checks a result is read only if there is
/// no other.
fn last_sentence(text: &str) -> Reading {
    let (checks, others): (Vec<_>, Vec<_>) = sentences(text).partition(|sentence| CHECK.is_match(sentence));
    for sentence in checks.into_iter().chain(others).rev() {
        let sentence = tail(sentence, SENTENCE_MAX_BYTES);
        let sentence = POINT.find(sentence).map_or(sentence, |mark| point(sentence, mark.end()));
        let found = affirmed(sentence, numbers(sentence));
        if !found.is_empty() {
            return sentence::read(sentence, &found);
        }
    }
    Reading::Nothing
}

/// Returns a point of a list without its mark, unless nothing else is in it.
fn point(sentence: &str, end: usize) -> &str {
    let rest = &sentence[end..];
    if rest.contains(|c: char| c.is_alphabetic()) { rest } else { sentence }
}
