use runmill_datasets::{Place, ReadItem};
use runmill_proto::{Answer, Item, ItemType, Scorer, Scoring, labelled_choice};

use crate::exit::usage;

/// Counts of a file's references, by what the scorer can make of them.
#[derive(Debug, Default)]
pub struct References {
    items: u64,
    /// Items without a reference whose scorer needs one.
    without: u64,
    /// Items with a reference that no answer matches.
    unmatched: u64,
    first_unmatched: Option<(Place, String)>,
}

/// Use of an item's reference to a scorer.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding {
    Usable,
    /// There is none, and the scorer needs one.
    None,
    /// No answer matches it, for this reason.
    Unmatched(String),
}

impl References {
    pub fn add(&mut self, read: &ReadItem, scoring: Option<&Scoring>) {
        self.items += 1;
        match finding(&read.item, scoring) {
            Finding::Usable => {}
            Finding::None => self.without += 1,
            Finding::Unmatched(reason) => {
                self.unmatched += 1;
                self.first_unmatched.get_or_insert((read.place, reason));
            }
        }
    }

    /// Returns a remark on references that no answer matches. Fails if that is so for all of them, or if the run has a
    /// scorer and no item has a reference.
    pub fn check(&self, scoring: Option<&Scoring>) -> anyhow::Result<Option<String>> {
        if self.without == self.items && scoring.is_some() {
            return usage(
                "no item has a reference, and the scorer needs one; name its field with --map question=...,answer=FIELD, \
                 or run without --scorer",
            );
        }
        let Some((place, reason)) = &self.first_unmatched else { return Ok(None) };
        let with = self.items - self.without;
        let text = format!(
            "{} of {with} references match no answer; the first, in {place}: {reason}",
            self.unmatched
        );
        if self.unmatched == with { usage(text) } else { Ok(Some(text)) }
    }
}

/// Returns what the run's scorer, or the item's own, can make of the item's reference.
pub fn finding(item: &Item, scoring: Option<&Scoring>) -> Finding {
    let references = texts(item);
    let scorer = scoring.map(|scoring| scoring.scorer);
    if references.is_empty() {
        // Only a scorer that needs a reference gives no score without one.
        let is_unscored = runmill_scoring::score(item, scoring, "x").is_none();
        return if is_unscored && scorer != Some(Scorer::None) { Finding::None } else { Finding::Usable };
    }
    // The usual cases need no scorer, which would take most of the time of reading a file.
    if item.checker.is_none() && is_plainly_usable(item, scorer, &references) {
        return Finding::Usable;
    }
    let Some(score) = runmill_scoring::score(item, scoring, &references.join(", ")) else {
        return Finding::Usable;
    };
    let reads_references = matches!(score.scorer.as_str(), "choice" | "numeric" | "math");
    match score.value {
        None if reads_references => Finding::Unmatched(score.detail.unwrap_or_default()),
        _ => Finding::Usable,
    }
}

fn texts(item: &Item) -> Vec<&str> {
    let own = match &item.answer {
        None => &[][..],
        Some(Answer::One(one)) => std::slice::from_ref(one),
        Some(Answer::Many(many)) => many.as_slice(),
    };
    own.iter().chain(&item.answers).map(String::as_str).collect()
}

fn is_plainly_usable(item: &Item, scorer: Option<Scorer>, references: &[&str]) -> bool {
    let is_choice = matches!(item.item_type, ItemType::McqSingle | ItemType::McqMulti);
    match scorer {
        Some(Scorer::Choice) => references.iter().all(|text| is_label(text, item.choices.len())),
        None if is_choice => references.iter().all(|text| is_label(text, item.choices.len())),
        Some(Scorer::Numeric) => references.iter().all(|text| text.parse::<f64>().is_ok()),
        Some(Scorer::Math) => false,
        _ => true,
    }
}

fn is_label(text: &str, choices: usize) -> bool {
    labelled_choice(text).is_some_and(|place| place < choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> ReadItem {
        ReadItem { place: Place::Line(3), item: Item::from_upload(line).unwrap(), line: line.to_owned() }
    }

    fn open(answer: &str) -> ReadItem {
        read(&format!(r#"{{"id":"a","type":"freeform","inputs":{{"text":"?"}},"answer":{answer}}}"#))
    }

    fn choice(answer: &str) -> ReadItem {
        let choices = r#""choices":["red","blue"]"#;
        read(&format!(
            r#"{{"id":"a","type":"mcq_single","inputs":{{"text":"?"}},{choices},"answer":{answer}}}"#
        ))
    }

    fn checked(items: &[ReadItem], scorer: Option<Scorer>) -> Result<Option<String>, String> {
        let scoring = scorer.map(Scoring::from);
        let mut references = References::default();
        for item in items {
            references.add(item, scoring.as_ref());
        }
        references.check(scoring.as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn references_that_answers_can_match_are_not_remarked_on() {
        for (item, scorer) in [
            (choice("\"B\""), None),
            (choice("\"blue\""), Some(Scorer::Choice)),
            (open("\"42\""), Some(Scorer::Numeric)),
            (open("\"$1,234.50\""), Some(Scorer::Numeric)),
            (open("\"five\""), Some(Scorer::Exact)),
            (open("\"five\""), Some(Scorer::None)),
            (open("null"), None),
            (open("null"), Some(Scorer::None)),
        ] {
            assert_eq!(checked(&[item], scorer), Ok(None), "{scorer:?}");
        }
    }

    #[test]
    fn references_that_no_answer_can_match_are_refused_before_the_first_call() {
        for (item, scorer, want) in [
            (
                choice("\"E\""),
                None,
                "1 of 1 references match no answer; the first, in line 3: the reference `E` is none",
            ),
            (choice("\"green\""), Some(Scorer::Choice), "the reference `green` is none of the choices"),
            (open("\"A\""), Some(Scorer::Choice), "the item has no choices"),
            (open("\"soon\""), Some(Scorer::Numeric), "1 of 1 references match no answer"),
            (open("null"), Some(Scorer::Numeric), "no item has a reference, and the scorer needs one"),
        ] {
            let fault = checked(&[item], scorer).unwrap_err();
            assert!(fault.contains(want), "{scorer:?}: {fault}");
        }
    }

    #[test]
    fn some_of_them_are_remarked_on() {
        let remark = checked(&[choice("\"A\""), choice("\"E\""), choice("null")], None).unwrap().unwrap();
        assert!(remark.starts_with("1 of 2 references match no answer; the first, in line 3: "), "{remark}");
    }
}
