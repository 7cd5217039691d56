//! Messages in channels, as gpt-oss writes them:
//! `<|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…<|return|>`. All channels but
//! `final` are thinking.

use super::{Part, Split};

const CHANNEL: &str = "<|channel|>";
const MESSAGE: &str = "<|message|>";
const FINAL: &str = "<|start|>assistant<|channel|>final<|message|>";

/// Marks that end a message. The first three belong to it, the others to the head of the next one.
const ENDS: [&str; 5] = ["<|end|>", "<|return|>", "<|call|>", "<|start|>", CHANNEL];

/// Head of the thinking, and of the answer, where a server drops the marks and keeps their words.
const BARE_ANALYSIS: &str = "analysis";
const BARE_FINAL: &str = "assistantfinal";

pub(super) fn split(text: &str) -> Option<Split<'_>> {
    let start = text.trim_start();
    if start.starts_with("<|") && (start.starts_with(CHANNEL) || start.starts_with("<|start|>")) {
        return Some(messages(text, Vec::new()));
    }
    bare(text).or_else(|| headless(text))
}

/// Splits a text that begins with a message's head.
fn messages<'a>(text: &'a str, mut parts: Vec<Part<'a>>) -> Split<'a> {
    let (mut rest, mut is_closed) = (text, false);
    while let Some(head) = rest.find(MESSAGE) {
        let (head, body) = rest.split_at(head + MESSAGE.len());
        let (end, mark) = end_of(body);
        let (body, after) = body.split_at(end);
        let is_final = channel(head).starts_with("final");
        parts.extend([Part::Mark(head), if is_final { Part::Answer(body) } else { Part::Thinking(body) }]);
        parts.push(Part::Mark(&after[..mark]));
        is_closed = is_final || mark > 0;
        rest = &after[mark..];
    }
    parts.push(Part::Mark(rest));
    Split { parts, is_closed }
}

/// Splits a text whose first head was part of the prompt.
fn headless(text: &str) -> Option<Split<'_>> {
    memchr::memmem::find(text.as_bytes(), FINAL.as_bytes())?;
    let (end, mark) = end_of(text);
    let (thinking, rest) = text.split_at(end);
    let (mark, rest) = rest.split_at(mark);
    Some(messages(rest, vec![Part::Thinking(thinking), Part::Mark(mark)]))
}

fn bare(text: &str) -> Option<Split<'_>> {
    let start = text.trim_start().strip_prefix(BARE_ANALYSIS)?;
    let (head, thinking) = text.split_at(text.len() - start.len());
    let (thinking, rest) = thinking.split_at(thinking.find(BARE_FINAL)?);
    let (mark, answer) = rest.split_at(BARE_FINAL.len());
    let parts = vec![Part::Mark(head), Part::Thinking(thinking), Part::Mark(mark), Part::Answer(answer)];
    Some(Split { parts, is_closed: true })
}

/// Returns the end of a message's body, and the length of the mark there that belongs to the message.
fn end_of(body: &str) -> (usize, usize) {
    let ends = ENDS.iter().enumerate().filter_map(|(place, mark)| Some((body.find(mark)?, place)));
    ends.min().map_or((body.len(), 0), |(end, place)| (end, if place < 3 { ENDS[place].len() } else { 0 }))
}

/// Returns the name of the channel in a message's head, with what follows it.
fn channel(head: &str) -> &str {
    head.split_once(CHANNEL).map_or("", |(_, name)| name)
}
