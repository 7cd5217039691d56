use std::ops::Range;

use super::{REDACTED, answers::AnswerRedactor, sought::INSIDE_MIN};

/// End of a text that is told as it arrives: a few bytes that were told, in which a secret may have begun, and then those
/// that are held back.
#[derive(Default)]
pub(super) struct Tail {
    text: String,
    /// Number of bytes that were told.
    told: usize,
}

impl Tail {
    /// Adds a part to the text. Returns what is settled, without secrets.
    pub fn push(&mut self, part: &str, redactor: &AnswerRedactor) -> String {
        self.text.push_str(part);
        let runs = redactor.find(&self.text);
        let end = redactor.settled(&self.text, &runs);
        if end <= self.told {
            return String::new();
        }
        let settled = self.redacted(end, &runs);
        let context = self.text.floor_char_boundary((end + 1).saturating_sub(INSIDE_MIN));
        self.text.drain(..context);
        self.told = end - context;
        settled
    }

    /// Returns what is held back, without secrets, at the text's end.
    pub fn rest(self, redactor: &AnswerRedactor) -> String {
        self.redacted(self.text.len(), &redactor.find(&self.text))
    }

    /// Returns what was not told of the first `end` bytes, in which no run ends that goes on behind them.
    fn redacted(&self, end: usize, runs: &[Range<usize>]) -> String {
        let mut part = self.text[self.told..end].to_owned();
        for run in runs.iter().rev().filter(|run| self.told < run.end && run.start < end) {
            part.replace_range(run.start.saturating_sub(self.told)..run.end - self.told, REDACTED);
        }
        part
    }
}
