use runmill_proto::{ErrorKind, api::RunMessage};
use serde::{Deserialize, Serialize};

/// Distinct error texts of a run's failed jobs, in the order in which they were first seen. Texts beyond the bound are
/// not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Messages(Vec<RunMessage>);

const TEXTS_MAX: usize = 20;
const CHARS_MAX: usize = 300;

impl Messages {
    /// Counts a job that failed with `text`.
    pub fn add(&mut self, kind: ErrorKind, text: &str) {
        let same = |known: &&mut RunMessage| known.kind == kind && is_alike(&known.text, text);
        if let Some(known) = self.0.iter_mut().find(same) {
            known.jobs += 1;
        } else if self.0.len() < TEXTS_MAX {
            self.0.push(RunMessage { kind, text: text.chars().take(CHARS_MAX).collect(), jobs: 1 });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps only the texts of the kinds for which `stays` returns true.
    pub fn retain(&mut self, stays: impl Fn(ErrorKind) -> bool) {
        self.0.retain(|message| stays(message.kind));
    }

    /// Returns the text by which most jobs failed with this kind of error.
    pub fn most_frequent(&self, kind: ErrorKind) -> Option<&str> {
        let of_kind = self.0.iter().filter(|message| message.kind == kind);
        of_kind.rev().max_by_key(|message| message.jobs).map(|message| message.text.as_str())
    }

    /// Returns the messages, the most frequent first.
    pub fn by_frequency(&self) -> Vec<RunMessage> {
        let mut messages = self.0.clone();
        messages.sort_by_key(|message| std::cmp::Reverse(message.jobs));
        messages
    }
}

/// Returns true if the texts, cut to their bound, differ at most in their numbers: ids and times make texts distinct
/// that say the same.
fn is_alike(one: &str, other: &str) -> bool {
    masked(one).eq(masked(other))
}

fn masked(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut in_number = false;
    text.chars().take(CHARS_MAX).filter_map(move |c| {
        let continues = in_number && c.is_ascii_digit();
        in_number = c.is_ascii_digit();
        let shown = if in_number { '0' } else { c };
        (!continues).then_some(shown)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(texts: &[(ErrorKind, &str)]) -> Messages {
        let mut messages = Messages::default();
        for (kind, text) in texts {
            messages.add(*kind, text);
        }
        messages
    }

    #[test]
    fn texts_that_differ_in_numbers_are_one_and_the_most_frequent_is_first() {
        let (bad, busy) = (ErrorKind::InvalidRequest, ErrorKind::Overloaded);
        let messages = counted(&[
            (busy, "busy"),
            (bad, "request 17 has no model"),
            (bad, "request 4711 has no model"),
            (bad, "request x has no model"),
            (busy, "request 1 has no model"),
        ]);

        let found: Vec<_> =
            messages.by_frequency().into_iter().map(|found| (found.kind, found.text, found.jobs)).collect();

        let want = [
            (bad, "request 17 has no model", 2),
            (busy, "busy", 1),
            (bad, "request x has no model", 1),
            (busy, "request 1 has no model", 1),
        ];
        assert_eq!(found, want.map(|(kind, text, jobs)| (kind, text.to_owned(), jobs)));
        assert_eq!(messages.most_frequent(busy), Some("busy"));
        assert_eq!(messages.most_frequent(ErrorKind::Connection), None);
    }

    #[test]
    fn texts_and_their_lengths_are_bounded() {
        let texts: Vec<String> = ('a'..='z').map(|c| c.to_string().repeat(1_000)).collect();
        let mut messages = Messages::default();
        for text in texts.iter().chain(&texts) {
            messages.add(ErrorKind::ServerError, text);
        }

        let found = messages.by_frequency();

        assert_eq!(found.len(), TEXTS_MAX);
        assert!(found.iter().all(|message| message.jobs == 2 && message.text.len() == CHARS_MAX));
    }
}
