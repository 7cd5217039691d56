//! Reads the number of a marked part of an answer: the inside of a mark, or the rest of the line behind a phrase.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    compound,
    reading::{Reading, affirmed, is_alternative, is_range},
    sentence,
};
use crate::{
    number::{Number, numbers, plain},
    text::head,
};

/// Largest part of a passage that is read: its number is at its beginning.
const PASSAGE_MAX_BYTES: usize = 2000;

/// Matches all that may stand between a mark and its number: signs, and words that add nothing.
static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)^(?:[^\p{L}\d:]|\b(?:the|an?|about|approximately|approx|around|roughly|exactly|precisely",
        r"|nearly|almost|only|just",
        r"|simply|equal|to|equals|therefore|thus|then|now|clearly|also|still|indeed|is|are|be|it|that|of|at|least|most|either|between|number",
        r"|value|total|final|a\s+total|usd|us|eur|minus|negative|rs|inr)\b|[^.:,;\d]*=)*$",
    ))
});

/// Matches the beginning of a remark: a reason, a condition, another clause.
static REMARK: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)\s*[(;]|\s*,?\s+\b(?:because|since|as|for|where|when|with|given|if|while|after|assuming|which|but|not|rather|and)\b",
        r"|[.!。；，](?:\s|$)|\s+[-–—]\s+\p{L}|,\s+\p{L}",
    ))
});

static EQUALS: LazyLock<Regex> = LazyLock::new(|| constant(r"=|≈|→|⇒|≡|\bequals\b"));

/// Matches a sign of calculation between two numbers.
static OPERATOR: LazyLock<Regex> = LazyLock::new(|| constant(r"^[^\p{L}\d]*[-+*×/^][^\p{L}\d]*$|^\s*x\s*$"));

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

/// Reads a passage that begins with its number.
pub(super) fn direct(passage: &str) -> Reading {
    let text = plain(head(passage, PASSAGE_MAX_BYTES));
    let found = affirmed(&text, numbers(&text));
    let Some(first) = found.first() else { return Reading::Nothing };
    if is_confidence(&text) || !LEAD.is_match(before(&text, first)) {
        return Reading::Nothing;
    }
    if is_range(&text, &found) {
        return Reading::Undecided;
    }
    // A calculation is a sentence of its own: its result comes last.
    if is_calculated(&text, &found, 0, text.len()) && EQUALS.is_match(&text) {
        return sentence::read(&text, &found);
    }
    let head = end_of_head(&text, first);
    let inside: Vec<_> = found.iter().filter(|number| number.start < head).cloned().collect();
    let chosen = result(&text[..head], &inside);
    // A sum without its result is no answer yet.
    let Some(chosen) = chosen else { return Reading::Undecided };
    if let Some(reading) = compound::read(&text, &found, chosen) {
        reading
    } else if is_alternative(&text, &found, chosen) {
        Reading::Undecided
    } else {
        Reading::Number(found[chosen].clone())
    }
}

/// Reads a passage in which words come before the number: after its last colon, or else as a sentence.
pub(super) fn anywhere(passage: &str) -> Reading {
    if let Some((_, rest)) = head(passage, PASSAGE_MAX_BYTES).rsplit_once([':', '：']) {
        let reading = direct(rest);
        if reading != Reading::Nothing {
            return reading;
        }
    }
    let text = plain(head(passage, PASSAGE_MAX_BYTES));
    let found = affirmed(&text, numbers(&text));
    sentence::read(&text, &found)
}

fn is_confidence(text: &str) -> bool {
    text.trim_start().get(..10).is_some_and(|start| start.eq_ignore_ascii_case("confidence"))
}

/// Returns the text before a number without its sign, which belongs to the number.
fn before<'a>(text: &'a str, number: &Number) -> &'a str {
    text[..number.start].trim_end_matches(['-', '.'])
}

/// Returns the place at which a remark begins. The text up to there has the first number.
fn end_of_head(text: &str, first: &Number) -> usize {
    REMARK.find(&text[first.end..]).map_or(text.len(), |remark| first.end + remark.start())
}

/// Returns the position of the result: of the last side of the equation that is one number, or else of the first
/// number of the last side. Returns `None` for a calculation without a result.
fn result(head: &str, numbers: &[Number]) -> Option<usize> {
    let mut start = 0;
    let mut simple = None;
    let ends = EQUALS.find_iter(head).map(|sign| (sign.start(), sign.end()));
    let sides = ends.chain([(head.len(), head.len())]);
    for (end, next) in sides {
        let first = numbers.iter().position(|number| number.start >= start && number.start < end);
        if let Some(first) = first.filter(|first| !is_calculated(head, numbers, *first, end)) {
            simple = Some(first);
        }
        start = next;
    }
    simple
}

/// Returns true if the number at `first` is a part of a calculation within the side that ends at `end`.
fn is_calculated(head: &str, numbers: &[Number], first: usize, end: usize) -> bool {
    let (this, next) = (&numbers[first], numbers.get(first + 1));
    next.is_some_and(|next| next.start < end && OPERATOR.is_match(&head[this.end..next.start]))
}
