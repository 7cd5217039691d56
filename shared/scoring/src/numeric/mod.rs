//! Scores the number in an answer, which must equal that of a reference.

mod compound;
mod equality;
mod passage;
mod reading;
mod sentence;
mod unmarked;

pub(crate) use self::equality::equal;
use self::reading::Reading;
use crate::{
    extract,
    mark::Mark,
    number::{Number, numbers, plain},
};

/// Scores `answer` by any of `references`; `tolerance` is absolute.
pub(crate) fn mark(references: &[String], tolerance: Option<f64>, answer: &str) -> Mark {
    let wanted: Vec<_> = references.iter().filter_map(|reference| wanted(reference)).collect();
    if wanted.is_empty() {
        return Mark::unscored("the reference has no number");
    }
    match given(answer) {
        Reading::Number(got) => {
            Mark::right(wanted.iter().any(|want| equal(&got, want, tolerance)), shown(&got))
        }
        Reading::Undecided => Mark::unscored("the answer gives several numbers, or does not say which"),
        Reading::Nothing => Mark::unscored("the answer has no number"),
    }
}

/// Returns the number of a reference, which may end with its working.
fn wanted(reference: &str) -> Option<Number> {
    numbers(&plain(extract::marked(reference).unwrap_or(reference))).pop()
}

/// Returns the number that the answer gives: that of the strongest mark that has one, or else of its last sentence.
pub(crate) fn given(answer: &str) -> Reading {
    let passages = extract::passages(answer);
    // A mark with the number right behind it is stronger than one in a sentence that goes on to the number.
    let direct =
        passages.iter().map(|passage| passage::direct(passage)).find(|reading| *reading != Reading::Nothing);
    let direct = direct.or_else(|| {
        let said = passages.iter().map(|passage| passage::anywhere(passage));
        said.into_iter().find(|reading| *reading != Reading::Nothing)
    });
    let backward =
        || extract::backward(answer).map(passage::anywhere).filter(|said| *said != Reading::Nothing);
    direct.or_else(backward).unwrap_or_else(|| unmarked::read(answer))
}

fn shown(number: &Number) -> String {
    let digits = number.integer.clone().unwrap_or_else(|| number.value.to_string());
    format!("{digits}{}", if number.percent { "%" } else { "" })
}

#[cfg(test)]
mod tests;
