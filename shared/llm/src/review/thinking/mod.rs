//! Thinking that a server leaves in the text of an answer, because it has no parser for the model's form of it.

mod channels;
mod tags;

use crate::{ChatResponse, Finish};

/// An answer's text, cut into its parts. Together they are the whole text.
#[derive(Debug, PartialEq, Eq)]
struct Split<'a> {
    parts: Vec<Part<'a>>,
    /// False if the text ends inside of the thinking.
    is_closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    /// A mark between the other parts, which belongs to neither.
    Mark(&'a str),
    Thinking(&'a str),
    Answer(&'a str),
}

/// Moves the thinking from the answer's text to its reasoning. An answer that ends inside of it is truncated, whatever
/// its reason to stop, unless the model went on to call tools.
pub(super) fn separate(answer: &mut ChatResponse) {
    let Some(split) = split(&answer.text) else { return };
    let (reasoning, text) = (split.reasoning(answer.reasoning.take().as_deref()), split.answer());
    let is_cut = !split.is_closed && answer.tool_calls.is_empty() && answer.refusal.is_none();
    answer.reasoning = Some(reasoning).filter(|reasoning| !reasoning.is_empty());
    answer.text = text;
    if is_cut && answer.finish != Finish::ContentFilter {
        answer.finish = Finish::Length;
    }
}

/// Returns `None` if the text contains no thinking.
fn split(text: &str) -> Option<Split<'_>> {
    channels::split(text).or_else(|| tags::split(text))
}

impl Split<'_> {
    fn answer(&self) -> String {
        let parts = self
            .parts
            .iter()
            .filter_map(|part| if let Part::Answer(text) = part { Some(*text) } else { None });
        let text: String = parts.collect();
        text.trim_start().to_owned()
    }

    /// Returns the thinking as paragraphs, after what the server has already told of it.
    fn reasoning(&self, told: Option<&str>) -> String {
        let parts = self
            .parts
            .iter()
            .filter_map(|part| if let Part::Thinking(text) = part { Some(text.trim()) } else { None });
        let parts: Vec<_> = told.into_iter().chain(parts).filter(|text| !text.is_empty()).collect();
        parts.join("\n\n")
    }
}

#[cfg(test)]
mod tests;
