//! From a row to an item: by `--map`, or by the shape of a known data set or tool.

mod answer;
mod choices;
mod conversation;
mod fault;
mod parts;
mod path;
mod promptfoo;
mod reference;
mod shape;
#[cfg(test)]
mod tests;

use runmill_proto::{Inputs, Item, ItemType, Turn, TurnRole};
use serde_json::Value;

pub use self::{
    answer::Reading,
    choices::ChoicesFrom,
    fault::{AnswerFault, ConversationFault, MapError, MapFault},
    path::Path,
};
use self::{choices::Choices, reference::References};
use crate::{Cell, Row, json_object, row::Fields};

/// Which fields of a row are the parts of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Data set or tool by which the fields were recognised.
    pub shape: Option<&'static str>,
    /// Fields that together are the question, with blank lines between them.
    pub question: Vec<Path>,
    pub choices: Option<ChoicesFrom>,
    pub answer: Option<AnswerFrom>,
    pub id: Option<Path>,
    pub is_code: bool,
}

/// Where the reference of an item stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerFrom {
    Field(Path, Reading),
    /// The text behind the last `####`, as in GSM8K.
    Hashes(Path),
    /// A list with a one for each right choice.
    Marks(Path),
    /// Fields whose texts are all right.
    AnyOf(Vec<Path>),
    /// Expectations of promptfoo.
    Expected,
    /// The assistant's message at the end of the question's conversation.
    LastTurn,
}

impl Mapping {
    /// Parses the value of `--map`.
    pub fn parse(text: &str) -> Result<Self, MapError> {
        parts::parse(text)
    }

    /// Recognises the shape of a file by its first row.
    ///
    /// * `used`: names that a prompt template uses.
    pub fn recognise(first: &Fields, used: &[String]) -> Result<Self, MapError> {
        shape::recognise(first, used)
    }

    /// Makes an item of a row. Fields that are no part of it become its `meta`.
    ///
    /// * `used`: names of fields that are kept in `meta` in any case, because a prompt template uses them.
    pub fn item(&self, row: Row, used: &[String]) -> Result<Item, MapFault> {
        let Row { number, fields, .. } = row;
        let (mut messages, text) = self.question(&fields)?;
        let choices = self.choices.as_ref().map(|from| from.read(&fields)).transpose()?.unwrap_or_default();
        let references = self.references(&fields, &choices, &mut messages)?;
        let (messages, text) = ending_with_question(messages, text, &self.question)?;
        let id = match &self.id {
            Some(name) => text_of(name, &*found(name, &fields)?, "an id")?,
            None => format!("row-{number}"),
        };
        let item_type = match (&references.answer, choices.texts.is_empty()) {
            _ if self.is_code => ItemType::Code,
            (_, true) => ItemType::Freeform,
            (Some(reference::AnswerText::Many(_)), false) => ItemType::McqMulti,
            (_, false) => ItemType::McqSingle,
        };
        Ok(Item {
            id,
            item_type,
            inputs: Inputs { text, messages, ..Inputs::default() },
            choices: choices.texts,
            answer: references.answer.map(Into::into),
            answers: references.answers,
            checker: references.checker,
            criteria: None,
            meta: self.meta(fields, used),
            request: None,
        })
    }

    /// Returns the messages of the question, if it is a conversation, or else its text.
    fn question(&self, fields: &Fields) -> Result<(Vec<Turn>, String), MapFault> {
        let mut texts = Vec::new();
        for name in &self.question {
            let cell = found(name, fields)?;
            if let Some(turns) = conversation::messages(&cell) {
                let turns = turns.map_err(|fault| MapFault::Conversation { name: name.clone(), fault })?;
                return Ok((turns, String::new()));
            }
            texts.push(text_of(name, &cell, "a question")?);
        }
        Ok((Vec::new(), texts.join("\n\n")))
    }

    fn references(
        &self,
        fields: &Fields,
        choices: &Choices,
        messages: &mut Vec<Turn>,
    ) -> Result<References, MapFault> {
        match &self.answer {
            None => Ok(References::default()),
            Some(AnswerFrom::Field(name, reading)) => {
                reference::read(name, &*found(name, fields)?, *reading, choices)
            }
            Some(AnswerFrom::Hashes(name)) => {
                let text = text_of(name, &*found(name, fields)?, "a reference")?;
                let last = text.rsplit_once("####").map_or(text.as_str(), |(_, last)| last);
                Ok(reference::any_of(&[last.trim().to_owned()]))
            }
            Some(AnswerFrom::Marks(name)) => reference::marked(name, &*found(name, fields)?),
            Some(AnswerFrom::AnyOf(names)) => any_of_fields(names, fields),
            Some(AnswerFrom::Expected) => promptfoo::read(fields),
            Some(AnswerFrom::LastTurn) => match messages.pop_if(|turn| turn.role == TurnRole::Assistant) {
                Some(turn) => Ok(reference::any_of(&[turn.content])),
                None => Ok(References::default()),
            },
        }
    }

    /// Returns the fields that are no part of the item. A field of which only a part was taken stays.
    fn meta(&self, fields: Fields, used: &[String]) -> Option<Value> {
        let is_taken = |name: &str| self.names().iter().any(|taken| taken.as_str() == name);
        let kept: Fields = fields
            .into_iter()
            .filter(|(name, _)| !is_taken(name) || used.iter().any(|it| **it == **name))
            .collect();
        (!kept.is_empty()).then(|| Value::Object(json_object(kept)))
    }

    /// Returns the fields that are wholly a part of the item.
    fn names(&self) -> Vec<&Path> {
        let answer = match &self.answer {
            Some(AnswerFrom::Field(name, _)) => std::slice::from_ref(name),
            Some(AnswerFrom::AnyOf(names)) => names.as_slice(),
            // The worked solution, or a part of the question.
            _ => &[],
        };
        let choices = self.choices.as_ref().map_or(&[][..], ChoicesFrom::names);
        self.question.iter().chain(choices).chain(answer).chain(&self.id).collect()
    }

    /// Returns how each part of an item is understood, as its name and a phrase.
    pub fn words(&self) -> Vec<(&'static str, String)> {
        let list = |names: &[Path]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let question = list(&self.question);
        let choices = self.choices.as_ref().map(|from| list(from.names()));
        let answer = self.answer.as_ref().map(|from| match from {
            AnswerFrom::Field(name, reading) if self.choices.is_some() => {
                format!("{name}: names the right choice by {}", reading.words())
            }
            AnswerFrom::Field(name, _) => format!("{name}; of several, any is right"),
            AnswerFrom::Hashes(name) => format!("{name}: what follows ####"),
            AnswerFrom::Marks(name) => format!("{name}: 1 for each right choice"),
            AnswerFrom::AnyOf(names) => format!("any of {}", list(names)),
            AnswerFrom::Expected => "`__expected`".to_owned(),
            AnswerFrom::LastTurn => "the assistant's message at the end of the conversation".to_owned(),
        });
        let none = || "none".to_owned();
        vec![
            ("question", question),
            ("choices", choices.unwrap_or_else(none)),
            ("answer", answer.unwrap_or_else(none)),
            (
                "id",
                self.id
                    .as_ref()
                    .map_or_else(|| "row-N, by the number of the row".to_owned(), ToString::to_string),
            ),
        ]
    }
}

fn any_of_fields(names: &[Path], fields: &Fields) -> Result<References, MapFault> {
    let mut texts = Vec::new();
    for name in names {
        let read = reference::read(name, &*found(name, fields)?, Reading::Text, &Choices::default())?;
        if let Some(reference::AnswerText::One(text)) = read.answer {
            texts.push(text);
        }
        texts.extend(read.answers);
    }
    Ok(reference::any_of(&texts))
}

/// Returns the messages before the question, and the question, which is the last of them unless there is a text.
fn ending_with_question(
    mut messages: Vec<Turn>,
    text: String,
    names: &[Path],
) -> Result<(Vec<Turn>, String), MapFault> {
    if !text.is_empty() {
        return Ok((messages, text));
    }
    let name = names.first().cloned().unwrap_or_else(|| Path::new("question"));
    match messages.pop() {
        Some(Turn { role: TurnRole::User, content }) if !content.trim().is_empty() => Ok((messages, content)),
        _ => Err(MapFault::Conversation { name, fault: ConversationFault::End }),
    }
}

fn found<'a>(name: &Path, fields: &'a Fields) -> Result<std::borrow::Cow<'a, Cell>, MapFault> {
    name.find(fields).ok_or_else(|| missing(name, fields))
}

fn missing(name: &Path, fields: &Fields) -> MapFault {
    MapFault::MissingField {
        name: name.clone(),
        present: fields.iter().map(|(name, _)| name.to_string()).collect(),
    }
}

/// Returns the text of a value, which must have one that is not blank.
fn text_of(name: &Path, cell: &Cell, part: &'static str) -> Result<String, MapFault> {
    match cell.scalar().filter(|text| !text.trim().is_empty()) {
        Some(text) => Ok(text.to_owned()),
        None if cell.get("0").is_some() => Err(MapFault::ByColumn { name: name.clone() }),
        None => Err(MapFault::NotText { name: name.clone(), what: cell.words(), part }),
    }
}
