//! Scores the mathematical expression of an answer, which must equal that of a reference: as a number, or for all
//! values of its variables. LaTeX and plain text are read.
//!
//! Expressions are bounded in length, depth and size, and evaluated at few points, so a comparison is short, whatever
//! is answered.

mod equality;
mod expression;
mod field;
mod latex;
mod parse;
mod points;
mod real;
mod statement;
mod token;

use std::borrow::Cow;

use self::statement::Statement;
use crate::{
    extract,
    mark::Mark,
    numeric,
    text::{key, normalise, strip},
};

pub(crate) fn mark(references: &[String], answer: &str) -> Mark {
    let wanted: Vec<_> = references.iter().map(|reference| of_reference(reference)).collect();
    let readings = readings(answer);
    let right = readings.iter().find(|given| wanted.iter().any(|wanted| equal(wanted, given)));
    if let Some(right) = right {
        return Mark::right(true, strip(right));
    }
    let Some(given) = readings.iter().find(|given| Statement::read(given).is_some()) else {
        // Numbers with units, and sentences.
        return numeric::mark(references, None, answer);
    };
    Mark::right(false, strip(given))
}

/// Returns true if both texts are the same, or say the same.
fn equal(wanted: &str, given: &str) -> bool {
    if word(wanted) == word(given) {
        return true;
    }
    match (Statement::read(wanted), Statement::read(given)) {
        (Some(wanted), Some(given)) => equality::equal(&wanted, &given),
        _ => false,
    }
}

/// Returns the form in which words and choices are compared. The brackets of an interval are a part of it.
fn word(text: &str) -> String {
    let plain = latex::plain_text(text);
    if plain.contains(',') { normalise(plain.trim_end_matches('.')) } else { key(&plain) }
}

fn of_reference(reference: &str) -> &str {
    extract::marked(reference).unwrap_or(reference)
}

/// Returns the texts that may be the expression of an answer: the strongest mark, or else the last formula or line,
/// with and without the end of its sentence.
fn readings(answer: &str) -> Vec<Cow<'_, str>> {
    let marked = extract::passages(answer).into_iter().next();
    let found = marked.unwrap_or_else(|| {
        Cow::Borrowed(latex::last_formula(answer).unwrap_or_else(|| extract::last_line(answer)))
    });
    let formula = latex::last_formula(&found).map(str::to_owned).map(Cow::Owned);
    let sentence = found.split_once(". ").map(|(sentence, _)| Cow::Owned(sentence.to_owned()));
    [Some(found), formula, sentence].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
