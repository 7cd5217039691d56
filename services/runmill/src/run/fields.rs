use std::collections::BTreeMap;

use runmill_proto::{Answer, Inputs, Item, ItemType, choice_label};
use serde_json::{Map, Value};

use super::row_error::RowError;
use crate::exit::usage;

/// Field of a row for each part of an item: `question=...,answer=...,choices=...,id=...`. Only `question` is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMap {
    question: String,
    answer: Option<String>,
    choices: Option<String>,
    id: Option<String>,
}

const KNOWN: [&str; 4] = ["question", "answer", "choices", "id"];

impl FieldMap {
    /// Parses the value of `--map`.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut named = BTreeMap::new();
        for pair in text.split(',') {
            let Some((field, name)) = pair.split_once('=') else {
                return usage(format_args!("--map: `{pair}` is not PART=FIELD"));
            };
            if !KNOWN.contains(&field.trim()) {
                return usage(format_args!("--map: `{field}` is not one of {}", KNOWN.join(", ")));
            }
            named.insert(field.trim().to_owned(), name.trim().to_owned());
        }
        let Some(question) = named.remove("question") else {
            return usage("--map needs question=FIELD");
        };
        let mut take = |field: &str| named.remove(field);
        Ok(Self { question, answer: take("answer"), choices: take("choices"), id: take("id") })
    }

    /// Makes an item of row number `row`, counted from 1. Fields that are not mapped become its `meta`.
    pub fn item(&self, row: u64, mut fields: Map<String, Value>) -> Result<Item, RowError> {
        let question = fields.remove(&self.question).ok_or_else(|| missing(&self.question, &fields))?;
        let choices = self.choices.as_ref().and_then(|name| fields.remove(name));
        let choices = choices.map(choice_texts).transpose()?.unwrap_or_default();
        let answer = match &self.answer {
            Some(name) => Some(fields.remove(name).ok_or_else(|| missing(name, &fields))?),
            None => None,
        };
        let answer =
            answer.filter(|value| !value.is_null()).map(|value| answer_of(value, &choices)).transpose()?;
        let id = match &self.id {
            Some(name) => text_of(&fields.remove(name).ok_or_else(|| missing(name, &fields))?),
            None => format!("row-{row}"),
        };
        let item_type = match (&answer, choices.is_empty()) {
            (_, true) => ItemType::Freeform,
            (Some(Answer::Many(_)), false) => ItemType::McqMulti,
            (_, false) => ItemType::McqSingle,
        };
        let meta = (!fields.is_empty()).then_some(Value::Object(fields));
        Ok(Item {
            id,
            item_type,
            inputs: Inputs { text: text_of(&question), ..Inputs::default() },
            choices,
            answer,
            answers: Vec::new(),
            checker: None,
            criteria: None,
            meta,
            request: None,
        })
    }
}

fn missing(name: &str, fields: &Map<String, Value>) -> RowError {
    RowError::MissingField { name: name.to_owned(), present: fields.keys().cloned().collect() }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Reads choices from a list, from a JSON list in a text, or from a text with `|` between the choices.
fn choice_texts(value: Value) -> Result<Vec<String>, RowError> {
    match value {
        Value::Array(choices) => Ok(choices.iter().map(text_of).collect()),
        Value::String(text) if text.trim_start().starts_with('[') => {
            let parsed: Vec<Value> = serde_json::from_str(&text).map_err(RowError::ChoicesNotJson)?;
            Ok(parsed.iter().map(text_of).collect())
        }
        Value::String(text) => Ok(text.split('|').map(|choice| choice.trim().to_owned()).collect()),
        other => Err(RowError::ChoicesType(other)),
    }
}

/// Reads an answer. With choices, a number is the index of a choice and becomes its label.
fn answer_of(value: Value, choices: &[String]) -> Result<Answer, RowError> {
    match value {
        Value::Number(number) if !choices.is_empty() => {
            let index = number.as_u64().ok_or(RowError::AnswerNumber(number))?;
            label(index, choices.len()).map(Answer::One)
        }
        Value::Array(answers) => Ok(Answer::Many(answers.iter().map(text_of).collect())),
        other => Ok(Answer::One(text_of(&other))),
    }
}

fn label(index: u64, choices: usize) -> Result<String, RowError> {
    let position = usize::try_from(index).ok().filter(|position| *position < choices);
    position.map(choice_label).ok_or(RowError::AnswerIndex(index))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn fields_are_found_by_their_names_and_the_rest_is_kept() {
        let map = FieldMap::parse("question=prompt, answer=target").unwrap();
        let item = map.item(7, fields(json!({"prompt": "6 x 7?", "target": 42, "source": "me"}))).unwrap();
        assert_eq!((item.id.as_str(), item.inputs.text.as_str()), ("row-7", "6 x 7?"));
        assert_eq!(item.answer, Some(Answer::One("42".into())));
        assert_eq!((item.item_type, item.meta), (ItemType::Freeform, Some(json!({"source": "me"}))));
    }

    #[test]
    fn choices_come_as_lists_or_texts_and_answers_as_indices() {
        let map = FieldMap::parse("question=q,answer=a,choices=c,id=n").unwrap();
        for choices in [json!(["red", "blue"]), json!("red | blue"), json!("[\"red\", \"blue\"]")] {
            let item = map.item(1, fields(json!({"q": "?", "a": 1, "c": choices, "n": "x1"}))).unwrap();
            assert_eq!(item.choices, ["red", "blue"]);
            assert_eq!((item.answer, item.item_type), (Some(Answer::One("B".into())), ItemType::McqSingle));
        }
    }

    #[test]
    fn every_choice_has_an_index_also_after_the_26th() {
        let map = FieldMap::parse("question=q,answer=a,choices=c").unwrap();
        let choices: Vec<_> = (0..30).map(|n| format!("label {n}")).collect();
        for (index, want) in [(25, Some("Z")), (28, Some("AC")), (29, Some("AD")), (30, None)] {
            let item = map.item(1, fields(json!({"q": "?", "a": index, "c": choices})));
            let label = item.ok().and_then(|item| item.answer);
            assert_eq!(label, want.map(|label| Answer::One(label.into())), "{index}");
        }
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let map = FieldMap::parse("question=prompt").unwrap();
        let fault = map.item(1, fields(json!({"text": "?", "target": "x"}))).unwrap_err();
        assert_eq!(fault.to_string(), "it has no field `prompt`; its fields are text, target");
    }

    #[test]
    fn a_map_without_a_question_or_with_an_unknown_field_is_refused() {
        for text in ["answer=a", "question=q,colour=c", "question"] {
            assert!(FieldMap::parse(text).is_err(), "{text}");
        }
    }
}
