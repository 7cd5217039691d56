use runmill_proto::{Answer, choice_label};

use super::{AnswerFault, MapFault, Reading, answer::whole, choices::Choices, path::Path};
use crate::{Cell, literal::structured};

/// References of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    pub answer: Option<AnswerText>,
    /// References of which any is right, beside `answer`.
    pub answers: Vec<String>,
    pub checker: Option<serde_json::Value>,
}

/// One reference, or all choices that are right together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerText {
    One(String),
    Many(Vec<String>),
}

impl From<AnswerText> for Answer {
    fn from(text: AnswerText) -> Self {
        match text {
            AnswerText::One(one) => Self::One(one),
            AnswerText::Many(many) => Self::Many(many),
        }
    }
}

/// Reads the reference of an item. A missing one is none.
pub fn read(name: &Path, cell: &Cell, reading: Reading, choices: &Choices) -> Result<References, MapFault> {
    match cell {
        Cell::Missing | Cell::NotFinite(_) => Ok(References::default()),
        Cell::Text(text) if text.trim().is_empty() => Ok(References::default()),
        cell if choices.texts.is_empty() => open(name, cell),
        cell => of_choices(name, cell, reading, choices),
    }
}

/// Reads the reference of a question with choices, as the labels of the right ones.
fn of_choices(name: &Path, cell: &Cell, reading: Reading, choices: &Choices) -> Result<References, MapFault> {
    let label = |text: &str| {
        let place = reading.choice(text, choices);
        place.map(choice_label).map_err(|fault| MapFault::Answer { name: name.clone(), fault })
    };
    let list = match cell {
        Cell::Text(text) if !choices.texts.iter().any(|choice| choice.trim() == text.trim()) => {
            structured(text)
        }
        _ => None,
    };
    let answer = match list.as_ref().unwrap_or(cell) {
        Cell::List(items) => {
            let labels = items.iter().map(|item| label(scalar(name, item)?));
            AnswerText::Many(labels.collect::<Result<_, _>>()?)
        }
        cell => AnswerText::One(label(scalar(name, cell)?)?),
    };
    Ok(References { answer: Some(answer), ..References::default() })
}

/// Reads the reference of an open question. Of several, any is right.
fn open(name: &Path, cell: &Cell) -> Result<References, MapFault> {
    // Tables have lists as texts. A list of numbers may be what the model shall write.
    let list = match cell {
        Cell::Text(text) => structured(text).filter(is_list_of_texts),
        _ => None,
    };
    let cell = list.as_ref().unwrap_or(cell);
    let texts = match (cell, cell.get("text")) {
        (Cell::List(items), _) | (_, Some(Cell::List(items))) => items.as_slice(),
        _ => std::slice::from_ref(cell),
    };
    let texts = texts.iter().map(|text| scalar(name, text).map(str::to_owned));
    Ok(any_of(&texts.collect::<Result<Vec<_>, _>>()?))
}

fn is_list_of_texts(cell: &Cell) -> bool {
    let ((Cell::List(items), _) | (_, Some(Cell::List(items)))) = (cell, cell.get("text")) else {
        return false;
    };
    !items.is_empty() && items.iter().all(|item| matches!(item, Cell::Text(_)))
}

/// Returns references of which any is right. A whole number is right in its plain digits, too: pandas writes 42 as 42.0 in a
/// column with a gap.
pub fn any_of(texts: &[String]) -> References {
    let plain = texts.iter().filter_map(|text| whole(text.trim()));
    let mut all: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts.iter().cloned().chain(plain) {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    let mut all = all.into_iter();
    References { answer: all.next().map(AnswerText::One), answers: all.collect(), checker: None }
}

/// Reads the labels of a list of ones and zeros, in which the right choices have a one.
pub fn marked(name: &Path, cell: &Cell) -> Result<References, MapFault> {
    let list = match cell {
        Cell::Text(text) => structured(text),
        _ => None,
    };
    let Cell::List(marks) = list.as_ref().unwrap_or(cell) else { return Err(not_text(name, cell)) };
    let is_right = |mark: &Cell| mark.scalar().is_some_and(|mark| mark == "1" || mark == "true");
    let labels =
        marks.iter().enumerate().filter(|(_, mark)| is_right(mark)).map(|(place, _)| choice_label(place));
    let mut labels: Vec<_> = labels.collect();
    let answer = match labels.len() {
        0 => return Err(MapFault::Answer { name: name.clone(), fault: AnswerFault::NoneMarked }),
        1 => AnswerText::One(labels.remove(0)),
        _ => AnswerText::Many(labels),
    };
    Ok(References { answer: Some(answer), ..References::default() })
}

fn scalar<'a>(name: &Path, cell: &'a Cell) -> Result<&'a str, MapFault> {
    cell.scalar().ok_or_else(|| not_text(name, cell))
}

fn not_text(name: &Path, cell: &Cell) -> MapFault {
    MapFault::NotText { name: name.clone(), what: cell.words(), part: "a reference" }
}
