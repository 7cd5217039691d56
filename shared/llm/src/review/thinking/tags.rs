//! Thinking between two tags at the start of the text, or before a closing tag alone: some templates put the opening
//! tag at the end of the prompt.

use serde::de::IgnoredAny;

use super::{Part, Split};

/// Tags of, in this order: `DeepSeek`, Qwen and most others; models that were told to; Magistral; Kimi; Seed; Command A.
const TAGS: &[(&str, &str)] = &[
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
];

pub(super) fn split(text: &str) -> Option<Split<'_>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((opening, closing)) = opened(rest) {
        let thinking = &rest[opening..];
        parts.push(Part::Mark(&rest[..opening]));
        let Some(end) = thinking.find(closing) else {
            parts.push(Part::Thinking(thinking));
            return Some(Split { parts, is_closed: false });
        };
        rest = &thinking[end + closing.len()..];
        parts.extend([Part::Thinking(&thinking[..end]), Part::Mark(&thinking[end..end + closing.len()])]);
    }
    if parts.is_empty() {
        let (end, closing) = closed(text).filter(|_| !is_json(text))?;
        rest = &text[end + closing.len()..];
        parts.extend([Part::Thinking(&text[..end]), Part::Mark(closing)]);
    }
    parts.push(Part::Answer(rest));
    Some(Split { parts, is_closed: true })
}

/// Returns the end of the opening tag with which the text starts, after white space, and the tag that closes it.
fn opened(text: &str) -> Option<(usize, &'static str)> {
    let start = text.trim_start();
    let space = text.len() - start.len();
    TAGS.iter()
        .find(|(opening, _)| start.starts_with(opening))
        .map(|(opening, closing)| (space + opening.len(), *closing))
}

/// Returns the first closing tag and its place, unless an opening tag precedes it. A tag in quotes is text. After an
/// opening tag in quotes, the text is about tags, and only one that begins a line closes the thinking.
fn closed(text: &str) -> Option<(usize, &'static str)> {
    let places = memchr::memchr3_iter(b'<', b'[', "◁".as_bytes()[0], text.as_bytes());
    let mut is_about_tags = false;
    for place in places {
        let (before, after) = text.split_at(place);
        let Some((opening, closing)) =
            TAGS.iter().find(|(opening, closing)| after.starts_with(opening) || after.starts_with(closing))
        else {
            continue;
        };
        let opens = after.starts_with(opening);
        if is_quoted(before, &after[if opens { opening.len() } else { closing.len() }..]) {
            is_about_tags |= opens;
        } else if opens {
            return None;
        } else if !is_about_tags || before.ends_with('\n') {
            return Some((place, closing));
        }
    }
    None
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Returns true if a quotation mark precedes a tag directly, or follows it directly and was opened in the same line. A
/// double one that ends a quotation does not count.
fn is_quoted(before: &str, after: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let in_double = line.matches('"').count() % 2 == 1;
    before.ends_with(['`', '\'', '“', '‘', '«'])
        || (in_double && (before.ends_with('"') || after.starts_with('"')))
        || ['`', '\''].iter().any(|quote| after.starts_with(*quote) && line.contains(*quote))
}
