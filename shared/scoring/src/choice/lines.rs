//! Reads answers that discuss the choices line by line.

use super::{Set, choices::Choices, label, passage::passage};
use crate::negation::{Verdict, verdict_after, verdict_of_line, without_sign};

/// Choices with which lines begin, by the verdicts on them.
#[derive(Default)]
pub(super) struct Lines {
    pub right: Set,
    /// Choices without a verdict.
    pub open: Set,
    /// True if there are verdicts.
    pub judged: bool,
}

impl Lines {
    pub fn read(choices: &Choices, answer: &str) -> Self {
        let mut lines = Self::default();
        let mut wrong = Set::new();
        for line in answer.lines() {
            match judged(choices, line) {
                Some((choice, Verdict::Right)) => drop(lines.right.insert(choice)),
                Some((choice, Verdict::Wrong)) => drop(wrong.insert(choice)),
                None => lines.open.extend(passage(choices, line)),
            }
        }
        lines.judged = !lines.right.is_empty() || !wrong.is_empty();
        lines.open.retain(|choice| !wrong.contains(choice) && !lines.right.contains(choice));
        lines
    }

    /// Returns the choices that the lines leave: those that are right, or else those without a verdict.
    pub fn left(self) -> Set {
        if self.right.is_empty() { self.open } else { self.right }
    }
}

/// Returns the choice with which a line begins, and the verdict of the line on it.
fn judged(choices: &Choices, line: &str) -> Option<(usize, Verdict)> {
    let bare = without_sign(line);
    let start = label::at_start(bare, choices.len())?;
    let after_text = choices.after_text(start.rest, start.choice);
    let rest = after_text.as_deref().unwrap_or(start.rest);
    let sign = || verdict_of_line(line).filter(|_| bare.len() < line.len());
    let verdict = verdict_after(rest).or_else(|| verdict_of_line(rest)).or_else(sign)?;
    Some((start.choice, verdict))
}
