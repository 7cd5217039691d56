use std::sync::Arc;

use serde_json::{Map, Number, Value};

/// Value of a field, as it stands in the file. All file types have the same values, so that nothing means one thing in
/// CSV and another in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A JSON `null`, or an empty cell of a table.
    Missing,
    Bool(bool),
    /// A number, in the digits that stand in the file.
    Number(String),
    /// `NaN`, `Infinity` or `-Infinity`, which Python writes and JSON does not have.
    NotFinite(&'static str),
    Text(String),
    List(Vec<Cell>),
    Object(Vec<(Arc<str>, Cell)>),
    /// A value of a type that runmill does not read, by the name of the type.
    Unread(String),
}

impl Cell {
    /// Returns the text of a text, a number or a boolean.
    pub fn scalar(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// Returns a noun phrase for the value, for an error.
    pub fn words(&self) -> String {
        match self {
            Self::Missing => "null or an empty cell".to_owned(),
            Self::Bool(_) => "a boolean".to_owned(),
            Self::Number(text) => format!("the number {text}"),
            Self::NotFinite(name) => (*name).to_owned(),
            Self::Text(text) if text.trim().is_empty() => "empty".to_owned(),
            Self::Text(_) => "a text".to_owned(),
            Self::List(items) if items.is_empty() => "an empty list".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
            Self::Unread(name) => format!("of the type {name}"),
        }
    }

    /// Returns the value of a field of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(key, _)| &**key == name).map(|(_, cell)| cell),
            _ => None,
        }
    }

    /// Returns the value as JSON. A number whose digits JSON would change, and one that is not finite, becomes a text.
    pub fn into_json(self) -> Value {
        match self {
            Self::Missing => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(text) => match text.parse::<Number>() {
                Ok(number) if number.to_string() == text => Value::Number(number),
                _ => Value::String(text),
            },
            Self::NotFinite(name) => Value::String(name.to_owned()),
            Self::Text(text) => Value::String(text),
            Self::List(items) => items.into_iter().map(Self::into_json).collect(),
            Self::Object(fields) => Value::Object(json_object(fields)),
            Self::Unread(name) => Value::String(format!("({name})")),
        }
    }
}

/// Returns fields as a JSON object.
pub fn json_object(fields: Vec<(Arc<str>, Cell)>) -> Map<String, Value> {
    fields.into_iter().map(|(name, cell)| (name.to_string(), cell.into_json())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_of_the_file_also_as_json() {
        let json = |text: &str| Cell::Number(text.into()).into_json().to_string();
        for same in ["5", "-0.5", "1.0"] {
            assert_eq!(json(same), same);
        }
        for text in ["5.10", "123456789012345678901234567890", "1E3"] {
            assert_eq!(json(text), format!("\"{text}\""));
        }
    }
}
