//! Scores the number in an answer, which must equal that of the reference within a tolerance.

use crate::{
    extract::{self, extract},
    mark::Mark,
    number::{Number, numbers},
};

const TOLERANCE: f64 = 1e-6;

/// Scores `answer`; `tolerance` is absolute.
pub(crate) fn mark(reference: &str, tolerance: Option<f64>, answer: &str) -> Mark {
    let marked = extract::marked(reference).unwrap_or(reference);
    let Some(want) = numbers(marked).pop() else {
        return Mark::unscored("the reference has no number");
    };
    let Some(got) = given(answer) else {
        return Mark::unscored("the answer has no number");
    };
    let near = |a: f64, b: f64| (a - b).abs() <= tolerance.unwrap_or(TOLERANCE);
    // 45 % may be written as 45 or as 0.45.
    let right = near(got.value, want.value)
        || got.percent && !want.percent && near(got.value / 100.0, want.value)
        || want.percent && !got.percent && near(got.value, want.value / 100.0);
    Mark::right(right, shown(got))
}

/// Returns the number that the answer gives. After a mark it is the result of an equation, or else the first number,
/// because a remark may follow. Without a mark it is the last number of the answer.
fn given(answer: &str) -> Option<Number> {
    let marked = extract(answer).marked().and_then(|text| match text.rsplit_once('=') {
        Some((_, result)) => numbers(result).into_iter().next(),
        None => numbers(text).into_iter().next(),
    });
    marked.or_else(|| numbers(answer).pop())
}

fn shown(number: Number) -> String {
    format!("{}{}", number.value, if number.percent { "%" } else { "" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers() {
        let table = [
            // reference, answer, value
            ("18", "18", Some(1.0)),
            ("18", "#### 18", Some(1.0)),
            ("18", "She has 16 - 3 - 4 = 9 eggs, so 9 * 2 = $18 every day.", Some(1.0)),
            ("18", "The answer is $18.00.", Some(1.0)),
            ("18", "The answer is 18 (of 25).", Some(1.0)),
            ("18", "The answer is 9 * 2 = 18 dollars at 2 each", Some(1.0)),
            ("18", r"Therefore \boxed{18} dollars, with 7 to spare.", Some(1.0)),
            ("18", "The answer is clear: 18", Some(1.0)),
            ("18", "The answer follows.\n\n9 * 2 = 18", Some(1.0)),
            ("18", "**18**", Some(1.0)),
            ("18", "17", Some(0.0)),
            ("18", "18 or 19", Some(0.0)),
            ("18", "180", Some(0.0)),
            ("18", "I do not know", None),
            ("1,450", "1450", Some(1.0)),
            ("-3", "x = -3", Some(1.0)),
            ("-3", "3", Some(0.0)),
            ("0.5", "1/2", Some(1.0)),
            ("0.5", r"\boxed{\frac{1}{2}}", Some(1.0)),
            ("45%", "0.45", Some(1.0)),
            ("0.45", "45%", Some(1.0)),
            ("45", "45%", Some(1.0)),
            ("45%", "0.45%", Some(0.0)),
            ("Half of 36.\n#### 18", "18", Some(1.0)),
            ("eighteen", "18", None),
        ];
        for (reference, answer, want) in table {
            let mark = mark(reference, None, answer);
            assert_eq!(mark.value, want, "{reference} in {answer}: {mark:?}");
        }
    }

    #[test]
    fn the_tolerance_is_absolute_and_includes_its_end() {
        let table = [
            (None, "3.1416", 0.0),
            (Some(0.5), "3.5", 1.0),
            (Some(0.5), "3.6", 0.0),
            (Some(0.0), "3.0", 1.0),
        ];
        for (tolerance, answer, want) in table {
            let reference = if tolerance.is_none() { "3.14159" } else { "3" };
            assert_eq!(mark(reference, tolerance, answer).value, Some(want), "{tolerance:?} {answer}");
        }
    }

    proptest! {
        #[test]
        fn a_number_equals_itself_however_it_is_said(value in -1e9..1e9_f64) {
            for answer in [format!("{value}"), format!("The answer is {value}."), format!("{value:e}")] {
                prop_assert_eq!(mark(&value.to_string(), None, &answer).value, Some(1.0), "{}", answer);
            }
        }
    }
}
