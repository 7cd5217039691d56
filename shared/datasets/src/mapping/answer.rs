use runmill_proto::{choice_label, labelled_choice};

use super::{AnswerFault, choices::Choices};

/// How a reference names the right choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The choice is named by a label of the file, its text, a letter, or its place from 0. What could be two of them is refused.
    Auto,
    /// The choice is named by its place, from 0.
    Index0,
    /// The choice is named by its place, from 1.
    Index1,
    /// The choice is named by its letter, or its label in the file.
    Letter,
    /// The choice is named by its text.
    Text,
}

impl Reading {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "index0" => Self::Index0,
            "index1" => Self::Index1,
            "letter" => Self::Letter,
            "text" => Self::Text,
            _ => return None,
        })
    }

    /// Returns a phrase that ends "the right choice is named by".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Auto => "its label, text, letter, or place from 0",
            Self::Index0 => "its place from 0",
            Self::Index1 => "its place from 1",
            Self::Letter => "its letter",
            Self::Text => "its text",
        }
    }

    /// Returns the place, from 0, of the choice that a reference names.
    pub fn choice(self, text: &str, choices: &Choices) -> Result<usize, AnswerFault> {
        let text = text.trim();
        let unknown = || AnswerFault::Unknown(text.to_owned());
        match self {
            Self::Index0 => place(text, 0, choices.texts.len()),
            Self::Index1 => place(text, 1, choices.texts.len()),
            Self::Letter => labelled(text, choices).or_else(|| lettered(text, choices)).ok_or_else(unknown),
            Self::Text => worded(text, choices).ok_or_else(unknown),
            Self::Auto => auto(text, choices),
        }
    }
}

/// Reads a reference by all that it can be. Labels of the file go first, because they were made for it.
fn auto(text: &str, choices: &Choices) -> Result<usize, AnswerFault> {
    if let Some(place) = labelled(text, choices) {
        return Ok(place);
    }
    let by_place = whole(text).map(|number| place(&number, 0, choices.texts.len()));
    let meanings: Vec<_> = [
        ("the text of choice", worded(text, choices)),
        ("the letter of choice", lettered(text, choices)),
        ("the place from 0 of choice", by_place.clone().and_then(Result::ok)),
    ]
    .into_iter()
    .filter_map(|(name, place)| Some((name, place?)))
    .collect();
    match meanings.as_slice() {
        [] => Err(by_place.and_then(Result::err).unwrap_or_else(|| AnswerFault::Unknown(text.to_owned()))),
        [(_, first), rest @ ..] if rest.iter().all(|(_, place)| place == first) => Ok(*first),
        several => Err(AnswerFault::Open {
            text: text.to_owned(),
            meanings: several
                .iter()
                .map(|(name, place)| format!("{name} {}", choice_label(*place)))
                .collect(),
        }),
    }
}

fn worded(text: &str, choices: &Choices) -> Option<usize> {
    let same = |choice: &String| choice.trim() == text;
    let folded = |choice: &String| choice.trim().to_lowercase() == text.to_lowercase();
    choices.texts.iter().position(same).or_else(|| choices.texts.iter().position(folded))
}

fn labelled(text: &str, choices: &Choices) -> Option<usize> {
    let place = choices.labels.iter().position(|label| label.trim() == text)?;
    (place < choices.texts.len()).then_some(place)
}

/// Reads a letter, also as `(b)` or `B.`.
fn lettered(text: &str, choices: &Choices) -> Option<usize> {
    let letter = text.trim_matches(['(', ')', '.']);
    labelled_choice(&letter.to_uppercase()).filter(|place| *place < choices.texts.len())
}

fn place(text: &str, first: usize, choices: usize) -> Result<usize, AnswerFault> {
    let number = whole(text).ok_or_else(|| AnswerFault::NotPlace(text.to_owned()))?;
    let number = number.parse::<usize>().map_err(|_| AnswerFault::NotPlace(text.to_owned()))?;
    let place = number.checked_sub(first).filter(|place| *place < choices);
    place.ok_or(AnswerFault::Place { number, choices })
}

/// Exponents above it are not written out.
const EXPONENT_MAX: usize = 30;

/// Returns the digits of a whole number that is written as one, with a fraction of zeros as in `42.0`, or with an exponent
/// as in `1e+20`. These are the forms in which pandas and Python write whole numbers of a column of floats.
pub fn whole(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.trim_start_matches('+').parse::<usize>().ok()?),
        None => (text, 0),
    };
    let (digits, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let number = digits.strip_prefix('-').unwrap_or(digits);
    let fraction = fraction.trim_end_matches('0');
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let zeros = exponent.checked_sub(fraction.len()).filter(|_| exponent <= EXPONENT_MAX)?;
    (!number.is_empty() && is_digits(number) && is_digits(fraction))
        .then(|| format!("{digits}{fraction}{}", "0".repeat(zeros)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(texts: &[&str], labels: &[&str]) -> Choices {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Choices { texts: owned(texts), labels: owned(labels) }
    }

    #[test]
    fn a_reference_names_one_choice() {
        let colours = choices(&["red", "blue"], &[]);
        let numbers = choices(&["1", "4", "9", "16"], &[]);
        let labels = choices(&["4", "3"], &["3", "4"]);
        let table = [
            (Reading::Auto, "blue", &colours, 1),
            (Reading::Auto, " Blue", &colours, 1),
            (Reading::Auto, "b", &colours, 1),
            (Reading::Auto, "(B)", &colours, 1),
            (Reading::Auto, "1", &colours, 1),
            (Reading::Auto, "1.0", &colours, 1),
            (Reading::Index1, "1", &colours, 0),
            (Reading::Letter, "B.", &colours, 1),
            (Reading::Auto, "16", &numbers, 3),
            (Reading::Text, "1", &numbers, 0),
            (Reading::Index0, "1", &numbers, 1),
            (Reading::Auto, "4", &labels, 1),
            (Reading::Text, "4", &labels, 0),
        ];
        for (reading, text, choices, want) in table {
            assert_eq!(reading.choice(text, choices), Ok(want), "{reading:?} {text}");
        }
    }

    #[test]
    fn what_could_be_two_choices_or_is_none_is_refused() {
        let numbers = choices(&["1", "4", "9", "16"], &[]);
        let table = [
            (
                Reading::Auto,
                "1",
                "`1` can be the text of choice A or the place from 0 of choice B; say which",
            ),
            (Reading::Auto, "E", "`E` is none of the choices"),
            (
                Reading::Auto,
                "5",
                "there is no choice number 5 of 4; choices are counted from 0, and with :index1",
            ),
            (Reading::Index1, "0", "there is no choice number 0 of 4"),
            (Reading::Index0, "B", "B is no place of a choice"),
            (Reading::Text, "2", "`2` is none of the choices"),
        ];
        for (reading, text, want) in table {
            let fault = reading.choice(text, &numbers).unwrap_err().to_string();
            assert!(fault.starts_with(want), "{fault}");
        }
        let swapped = choices(&["B", "A"], &[]);
        assert!(matches!(Reading::Auto.choice("B", &swapped), Err(AnswerFault::Open { .. })));
        assert_eq!(Reading::Auto.choice("A", &choices(&["A", "B"], &[])), Ok(0), "both mean the same choice");
    }

    #[test]
    fn whole_numbers_are_found_in_every_spelling() {
        for (text, want) in [
            ("42", Some("42")),
            ("42.0", Some("42")),
            ("-7.00", Some("-7")),
            ("1e+20", Some("100000000000000000000")),
            ("1.5e3", Some("1500")),
            ("1.25e1", None),
            ("5.10", None),
            ("1e-3", None),
            ("1e99999999", None),
            ("", None),
            (".0", None),
            ("4 2", None),
        ] {
            assert_eq!(whole(text).as_deref(), want, "{text}");
        }
    }
}
