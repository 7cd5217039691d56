//! What an answer is worth: programmatic scorers, `0.0..=1.0`.
//!
//! A scorer that cannot read an answer leaves it *unscored* and says why; it never guesses, and
//! never takes what it cannot read for wrong. An unscored answer lowers the coverage of the run's score.

mod checker;
mod choice;
mod exact;
mod extract;
mod includes;
mod mark;
mod number;
mod numeric;
mod pattern;
mod text;

use runmill_proto::{Answer, Item, Score, Scorer, Scoring};

use crate::mark::Mark;

/// Scores `answer`, the text of the model's whole answer.
///
/// The item's own checker is above `scoring`, the run's; without either the item's type decides. `None`: nothing
/// was to be scored, by the scorer's choice or because the item has no reference.
pub fn score(item: &Item, scoring: Option<&Scoring>, answer: &str) -> Option<Score> {
    let scoring = match checker::effective(item, scoring) {
        Ok(scoring) => scoring?,
        Err(fault) => return Some(Mark::unscored(fault).into_score("checker")),
    };
    let mark = mark(item, &scoring, answer)?;
    Some(mark.into_score(checker::name(scoring.scorer)))
}

/// Whether `scoring` can be carried out; if not, what is wrong with it.
pub fn check(scoring: &Scoring) -> Result<(), String> {
    if scoring.tolerance.is_some_and(|tolerance| !(tolerance >= 0.0 && tolerance.is_finite())) {
        return Err("the tolerance must be a number that is not negative".into());
    }
    match (scoring.scorer, &scoring.pattern) {
        (Scorer::Regex, None) => Err("the regex scorer needs a pattern".into()),
        (Scorer::Regex, Some(pattern)) => pattern::compile(pattern).map(|_| ()),
        _ => Ok(()),
    }
}

fn mark(item: &Item, scoring: &Scoring, answer: &str) -> Option<Mark> {
    // A pattern is a reference of its own.
    if item.answer.is_none() && (scoring.scorer != Scorer::Regex || scoring.pattern.is_none()) {
        return None;
    }
    if answer.trim().is_empty() {
        return Some(Mark::unscored("the answer is empty"));
    }
    let references = match &item.answer {
        Some(Answer::One(one)) => std::slice::from_ref(one),
        Some(Answer::Many(many)) => many.as_slice(),
        None => &[],
    };
    Some(match scoring.scorer {
        Scorer::None => return None,
        Scorer::Choice => choice::mark(item, references, answer),
        Scorer::Includes => includes::mark(references, answer),
        Scorer::Exact => mark::with_one(references, |reference| exact::mark(reference, answer)),
        Scorer::Numeric => {
            mark::with_one(references, |reference| numeric::mark(reference, scoring.tolerance, answer))
        }
        Scorer::Regex => pattern::mark(scoring.pattern.as_deref(), references, answer),
    })
}
