mod reply;

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    io::{self, BufRead},
    iter,
};

use runmill_proto::{Item, ItemFault};

use self::reply::Reply;
use crate::chance::{Draw, Share};

/// Answers of the base `key`: items, found by their text, each with a correct and a wrong reply.
#[derive(Debug, Default)]
pub struct AnswerKey {
    by_text: HashMap<Box<str>, KnownItem>,
    /// Lengths of the items' texts, so that a long prompt is hashed only up to the places at which an item could end.
    lengths: HashSet<usize>,
}

#[derive(Debug)]
struct KnownItem {
    id: Box<str>,
    /// Reply to the item. `None` if the item has no answer.
    reply: Option<Reply>,
}

/// Reason why no answer key can be made from some items.
#[derive(Debug, thiserror::Error)]
pub enum AnswerKeyError {
    #[error("line {line}: {fault}")]
    Line { line: usize, fault: ItemFault },
    #[error(
        "the text of item `{0}` is that of another item: texts must be unique, for an item is found by its text"
    )]
    SameText(String),
    #[error("the answer key cannot be read")]
    Io(#[from] io::Error),
}

impl AnswerKey {
    /// Reads items, one JSON object per line. Empty lines are skipped.
    pub fn from_ndjson(lines: impl BufRead) -> Result<Self, AnswerKeyError> {
        let mut key = Self::default();
        for (index, line) in lines.lines().enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let item =
                Item::from_json(&line).map_err(|fault| AnswerKeyError::Line { line: index + 1, fault })?;
            key.add(&item)?;
        }
        Ok(key)
    }

    /// Makes an answer key from items that were checked by [`Item::from_json`].
    pub fn from_items<'a>(items: impl IntoIterator<Item = &'a Item>) -> Result<Self, AnswerKeyError> {
        let mut key = Self::default();
        for item in items {
            key.add(item)?;
        }
        Ok(key)
    }

    fn add(&mut self, item: &Item) -> Result<(), AnswerKeyError> {
        let text = item.inputs.text.trim();
        self.lengths.insert(text.len());
        match self.by_text.entry(text.into()) {
            Entry::Occupied(_) => Err(AnswerKeyError::SameText(item.id.clone())),
            Entry::Vacant(entry) => {
                entry.insert(KnownItem { id: item.id.as_str().into(), reply: Reply::to(item) });
                Ok(())
            }
        }
    }

    /// Returns true if `key=<share>` answers this item correctly, provided that the item has an answer.
    pub fn is_right(item_id: &str, share: Share) -> bool {
        share.contains(Draw::of(&[b"right", item_id.as_bytes()]))
    }

    /// Counts the items that `key=<share>` answers correctly. The expected score is this count divided by
    /// [`Self::len`].
    pub fn right_count(&self, share: Share) -> usize {
        self.by_text
            .values()
            .filter(|known| known.reply.is_some() && Self::is_right(&known.id, share))
            .count()
    }

    /// Counts the items, including those without an answer.
    pub fn len(&self) -> usize {
        self.by_text.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_text.is_empty()
    }

    /// Returns the reply to a prompt that is an item's text, or begins with it and a line end. Returns `None` if no
    /// item is found or the item has no answer.
    pub(crate) fn answer(&self, prompt: &str, right: Share) -> Option<&str> {
        let known = self.find(prompt.trim())?;
        let reply = known.reply.as_ref()?;
        Some(if Self::is_right(&known.id, right) { &reply.right } else { &reply.wrong })
    }

    /// Finds the item whose text is the whole prompt, or else the longest beginning of it that ends at a line end.
    /// After an item's text, a prompt may have choices or text of a template.
    fn find(&self, prompt: &str) -> Option<&KnownItem> {
        let line_ends = prompt.rmatch_indices('\n').map(|(end, _)| prompt[..end].trim_end());
        iter::once(prompt)
            .chain(line_ends)
            .filter(|text| self.lengths.contains(&text.len()))
            .find_map(|text| self.by_text.get(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS: &str = r#"{"id":"ducks","type":"freeform","inputs":{"text":"How many ducks?"},"answer":"18"}

{"id":"pond","type":"freeform","inputs":{"text":"How many ducks?\nAnd in the pond?"},"answer":"3"}
{"id":"open","type":"freeform","inputs":{"text":"Why?"}}
"#;

    fn key() -> AnswerKey {
        AnswerKey::from_ndjson(ITEMS.as_bytes()).unwrap()
    }

    #[test]
    fn an_item_is_found_by_the_longest_text_that_ends_a_line() {
        let table = [
            ("How many ducks?", Some("The answer is 18.")),
            ("  How many ducks?  \n", Some("The answer is 18.")),
            ("How many ducks?\nAnswer with a number.", Some("The answer is 18.")),
            ("How many ducks? \n\nA. none", Some("The answer is 18.")),
            ("How many ducks?\nAnd in the pond?\nA. none", Some("The answer is 3.")),
            ("How many ducks? Say it.", None),
            ("Question: How many ducks?", None),
            ("Why?", None),
            ("", None),
        ];
        for (prompt, want) in table {
            assert_eq!(key().answer(prompt, Share::ALL), want, "{prompt}");
        }
    }

    #[test]
    fn the_share_says_exactly_which_items_are_right() {
        let share: Share = "0.7".parse().unwrap();
        let lines: Vec<_> = (0..1000)
            .map(|n| {
                format!(r#"{{"id":"i{n}","type":"freeform","inputs":{{"text":"q{n}"}},"answer":"{n}"}}"#)
            })
            .collect();
        let key = AnswerKey::from_ndjson(lines.join("\n").as_bytes()).unwrap();

        let right = (0..1000)
            .filter(|n| key.answer(&format!("q{n}"), share) == Some(format!("The answer is {n}.").as_str()))
            .count();

        assert_eq!(right, key.right_count(share));
        assert!((650..750).contains(&right), "{right}");
        assert_eq!((key.right_count(Share::ALL), key.right_count(Share::NONE)), (1000, 0));
    }

    #[test]
    fn an_item_without_an_answer_is_never_right() {
        assert_eq!((key().right_count(Share::ALL), key().len()), (2, 3));
    }

    #[test]
    fn faults_name_their_place() {
        let table =
            [("{}", "line 1: not an item"), (&format!("{ITEMS}{ITEMS}"), "the text of item `ducks` is that")];
        for (lines, want) in table {
            let error = AnswerKey::from_ndjson(lines.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
