//! Failures of a run: their numbers by kind, and what the provider said.

use std::collections::BTreeMap;

use runmill_proto::{
    ErrorKind,
    api::{Run, RunMessage},
};

use crate::screen::one_line;

/// Largest number of texts of one kind.
const TEXTS_OF_A_KIND: usize = 2;

/// Returns the numbers of failed jobs by kind, and then the commonest texts of each kind.
pub fn errors(run: &Run) -> Vec<String> {
    if run.errors.is_empty() {
        return Vec::new();
    }
    let counts = run.errors.iter().map(|(kind, count)| format!("{count} {kind}"));
    let mut lines = vec![counts.collect::<Vec<_>>().join(", ")];
    let mut shown = BTreeMap::<ErrorKind, usize>::new();
    for RunMessage { kind, text, jobs } in &run.messages {
        let texts = shown.entry(*kind).or_default();
        if *texts < TEXTS_OF_A_KIND {
            *texts += 1;
            lines.push(format!("{jobs} × {}", one_line(text)));
        }
    }
    lines
}
