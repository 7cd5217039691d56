//! Thinking between two tags at the start of the text, or before a closing tag alone: some templates put the opening
//! tag at the end of the prompt.

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
        let (end, closing) = closed(text)?;
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

/// Returns the first closing tag and its place, unless an opening tag precedes it. A tag in quotes is text.
fn closed(text: &str) -> Option<(usize, &'static str)> {
    let mut places = memchr::memchr3_iter(b'<', b'[', "◁".as_bytes()[0], text.as_bytes());
    let (place, (_, closing)) = places.find_map(|place| {
        let (before, after) = text.split_at(place);
        let tag = TAGS
            .iter()
            .find(|(opening, closing)| after.starts_with(opening) || after.starts_with(closing))?;
        (!before.ends_with(['`', '"', '\''])).then_some((place, tag))
    })?;
    text[place..].starts_with(closing).then_some((place, *closing))
}
