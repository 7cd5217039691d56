use super::{Set, label};
use crate::{
    negation::denies_next,
    text::{find_words, key},
};

/// Characters between a letter and its text.
const BETWEEN: &[char] = &['.', ')', ':', ']', '*', ' '];

/// Choices of an item, in the form in which texts are compared.
pub(super) struct Choices(Vec<String>);

impl Choices {
    pub fn new(texts: &[String]) -> Self {
        Self(texts.iter().map(|text| key(text)).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the choice whose text, or else whose letter, is the whole `text`.
    pub fn named(&self, text: &str) -> Option<usize> {
        self.with_text(text).or_else(|| label::alone(text, self.len()))
    }

    /// Returns the choice with this text, unless several choices have it.
    pub fn with_text(&self, text: &str) -> Option<usize> {
        let key = key(text);
        let mut same = self.0.iter().enumerate().filter(|(_, choice)| **choice == key);
        let (first, _) = same.next()?;
        same.next().is_none().then_some(first)
    }

    /// Returns true if `text` begins with the letter of one choice and goes on with the text of another.
    pub fn are_confused(&self, text: &str) -> bool {
        let Some(start) = label::at_start(text, self.len()) else { return false };
        let other = self.with_text(start.rest.trim_start_matches(BETWEEN));
        other.is_some_and(|other| other != start.choice)
    }

    /// Returns what follows the text of this choice if `text` begins with it.
    pub fn after_text(&self, text: &str, choice: usize) -> Option<String> {
        let key = key(text.trim_start_matches(BETWEEN));
        let rest = key.strip_prefix(self.0[choice].as_str())?;
        (!rest.starts_with(char::is_alphanumeric)).then(|| rest.to_owned())
    }

    /// Returns the choices whose texts occur in `text` and are not denied, except those that occur only as a part of
    /// another choice.
    pub fn mentioned(&self, text: &str) -> Set {
        let text = key(text);
        let found: Set = (0..self.len()).filter(|choice| self.has(&text, *choice)).collect();
        let part = |a: usize, b: usize| a != b && self.0[b].contains(&self.0[a]);
        found.iter().copied().filter(|&a| !found.iter().any(|&b| part(a, b))).collect()
    }

    fn has(&self, text: &str, choice: usize) -> bool {
        find_words(text, &self.0[choice]).any(|start| !denies_next(&text[..start]))
    }
}
