//! Scores the choices that an answer names, by letter or by text. A set of choices is scored with F1.

mod choices;
mod label;
mod lines;
mod many;
mod one;
mod passage;

use std::collections::BTreeSet;

use runmill_proto::choice_label;

use self::choices::Choices;
use crate::{mark::Mark, question::Question};

/// Set of choices, by their positions from 0.
type Set = BTreeSet<usize>;

pub(crate) fn mark(question: &Question<'_>, answer: &str) -> Mark {
    if question.choices.is_empty() {
        return Mark::unscored("the item has no choices");
    }
    let choices = Choices::new(question.choices);
    let several = question.several;
    let wanted = match wanted(&choices, question.references, several) {
        Ok(wanted) => wanted,
        Err(error) => return Mark::unscored(error.to_string()),
    };
    let answer = label::without_tex(answer);
    let answer = label::without_denied(&answer);
    let named = if several { many::read(&choices, &answer) } else { one::read(&choices, &answer) };
    match named {
        None => Mark::unscored("the answer names none of the choices, or does not say which"),
        Some(named) if several => Mark::scored(f1(&named, &wanted), labels(&named)),
        Some(named) => Mark::right(named.is_subset(&wanted), labels(&named)),
    }
}

/// Error for a reference that names no choice of its item.
#[derive(Debug, thiserror::Error)]
#[error("the reference `{0}` is none of the choices")]
struct UnknownChoice<'a>(&'a str);

/// Returns the choices that the references name.
fn wanted<'a>(choices: &Choices, references: &'a [String], several: bool) -> Result<Set, UnknownChoice<'a>> {
    let mut wanted = Set::new();
    for reference in references {
        match choices.named(reference) {
            Some(choice) => drop(wanted.insert(choice)),
            None if several => wanted.extend(many::list(choices, reference).ok_or(UnknownChoice(reference))?),
            None => return Err(UnknownChoice(reference)),
        }
    }
    Ok(wanted)
}

/// Returns the harmonic mean of precision and recall, which is 1 or 0 for single choices. Two empty sets are equal.
#[expect(clippy::cast_precision_loss, reason = "there are few choices")]
fn f1(named: &Set, wanted: &Set) -> f64 {
    if named.is_empty() && wanted.is_empty() {
        return 1.0;
    }
    let common = named.intersection(wanted).count();
    (2 * common) as f64 / (named.len() + wanted.len()) as f64
}

fn labels(set: &Set) -> String {
    set.iter().map(|choice| choice_label(*choice)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
