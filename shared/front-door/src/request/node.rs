use std::{cell::RefCell, collections::BTreeSet};

use serde_json::{Map, Value};

use crate::Refusal;

/// Maximum number of names of ignored parameters that are kept, and of characters of each. Unknown names are the
/// client's, so they need a bound.
const MAX_IGNORED: usize = 64;
const MAX_NAME_CHARS: usize = 100;

/// Names of the parameters that have no effect.
#[derive(Debug, Default)]
pub(super) struct Ignored(RefCell<BTreeSet<String>>);

/// A value of a request's body, with its place there.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub value: &'a Value,
    /// Place in the body, such as `messages[0].content`. Empty for the body itself.
    path: String,
    ignored: &'a Ignored,
}

/// The fields of an object. Those that nobody asks for are ignored at [`Self::rest`].
#[derive(Debug)]
pub(super) struct Fields<'a> {
    node: Node<'a>,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl Ignored {
    fn add(&self, path: &str) {
        let mut names = self.0.borrow_mut();
        if names.len() < MAX_IGNORED {
            names.insert(without_indices(path).chars().take(MAX_NAME_CHARS).collect());
        }
    }

    pub fn into_names(self) -> Vec<String> {
        self.0.into_inner().into_iter().collect()
    }
}

/// Returns `messages[].name` for `messages[17].name`.
fn without_indices(path: &str) -> String {
    let mut parts = path.split('[');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        name.push('[');
        name.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    name
}

impl<'a> Node<'a> {
    pub const fn root(value: &'a Value, ignored: &'a Ignored) -> Self {
        Self { value, path: String::new(), ignored }
    }

    pub fn text(&self) -> Result<&'a str, Refusal> {
        self.value.as_str().ok_or_else(|| self.wrong_type("a string"))
    }

    pub fn flag(&self) -> Result<bool, Refusal> {
        self.value.as_bool().ok_or_else(|| self.wrong_type("a boolean"))
    }

    pub fn number(&self) -> Result<f64, Refusal> {
        self.value.as_f64().ok_or_else(|| self.wrong_type("a number"))
    }

    /// Reads a whole number, also one with the fraction `.0`, which some clients write.
    pub fn whole<T: TryFrom<i64>>(&self) -> Result<T, Refusal> {
        let number = self.value.as_f64().filter(|number| number.fract() == 0.0);
        let number = number.ok_or_else(|| self.wrong_type("an integer"))?;
        // The first reading is exact, also of numbers that have no exact `f64`.
        let whole = self.value.as_i64().or_else(|| as_whole(number));
        whole
            .and_then(|whole| T::try_from(whole).ok())
            .ok_or_else(|| self.fault(format!("Invalid '{}': {} is out of range.", self.path, self.value)))
    }

    pub fn list(&self) -> Result<impl Iterator<Item = Self> + use<'a>, Refusal> {
        let values = self.value.as_array().ok_or_else(|| self.wrong_type("an array"))?;
        let Self { path, ignored, .. } = self.clone();
        Ok(values.iter().enumerate().map(move |(n, value)| Self {
            value,
            path: format!("{path}[{n}]"),
            ignored,
        }))
    }

    pub fn fields(self) -> Result<Fields<'a>, Refusal> {
        let map = self.value.as_object().ok_or_else(|| self.wrong_type("an object"))?;
        Ok(Fields { node: self, map, known: Vec::new() })
    }

    /// Returns true for a value that wishes for nothing: false, and an empty text, list or object.
    pub fn is_mute(&self) -> bool {
        match self.value {
            Value::Null => true,
            Value::Bool(flag) => !flag,
            Value::String(text) => text.is_empty(),
            Value::Array(values) => values.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Number(_) => false,
        }
    }

    /// Notes that the value has no effect.
    pub fn ignore(&self) {
        self.ignored.add(&self.path);
    }

    pub fn fault(&self, message: impl Into<String>) -> Refusal {
        let refusal = Refusal::new(400, message);
        if self.path.is_empty() { refusal } else { Refusal { param: Some(self.path.clone()), ..refusal } }
    }

    /// Returns the refusal of a value that is none of those that are supported.
    pub fn unsupported(&self, supported: &str) -> Refusal {
        let value: String = self.value.as_str().unwrap_or_default().chars().take(MAX_NAME_CHARS).collect();
        let message =
            format!("Invalid value: '{value}' for '{}'. Supported values are: {supported}.", self.path);
        self.fault(message).with_code("unsupported_value")
    }

    fn wrong_type(&self, wanted: &str) -> Refusal {
        let got = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(number) if number.is_f64() => "a decimal",
            Value::Number(_) => "an integer",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        let place = if self.path.is_empty() { "the body" } else { &self.path };
        let message = format!("Invalid type for '{place}': expected {wanted}, but got {got} instead.");
        self.fault(message).with_code("invalid_type")
    }
}

/// Returns a number without a fraction as an integer, if it is in the range in which every whole number is exact.
fn as_whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (number.abs() <= EXACT).then_some(number as i64)
}

impl<'a> Fields<'a> {
    /// Returns the value of a field that is neither absent nor null.
    pub fn get(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.known.push(name);
        let value = self.map.get(name).filter(|value| !value.is_null())?;
        Some(Node { value, path: self.path_of(name), ignored: self.node.ignored })
    }

    pub fn require(&mut self, name: &'static str) -> Result<Node<'a>, Refusal> {
        self.get(name).ok_or_else(|| {
            let path = self.path_of(name);
            let message = format!("Missing required parameter: '{path}'.");
            Refusal::invalid(path, message).with_code("missing_required_parameter")
        })
    }

    pub fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        self.get(name).map(|node| node.text()).transpose()
    }

    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Refusal> {
        self.get(name).map(|node| node.flag()).transpose()
    }

    pub fn number(&mut self, name: &'static str) -> Result<Option<f64>, Refusal> {
        self.get(name).map(|node| node.number()).transpose()
    }

    pub fn whole<T: TryFrom<i64>>(&mut self, name: &'static str) -> Result<Option<T>, Refusal> {
        self.get(name).map(|node| node.whole()).transpose()
    }

    /// Refuses a field that changes the answer and cannot be translated, unless it wishes for nothing.
    pub fn refuse(&mut self, name: &'static str, reason: &str) -> Result<(), Refusal> {
        match self.get(name) {
            Some(node) if !node.is_mute() => {
                let message = format!("'{}' is not supported: {reason}.", node.path);
                Err(node.fault(message).with_code("unsupported_parameter"))
            }
            _ => Ok(()),
        }
    }

    /// Ignores all fields that nobody asked for.
    pub fn rest(self) {
        for (name, value) in self.map {
            if !value.is_null() && !self.known.contains(&name.as_str()) {
                self.node.ignored.add(&self.path_of(name));
            }
        }
    }

    /// Returns the refusal of the object as a whole.
    pub fn fault(&self, message: impl Into<String>) -> Refusal {
        self.node.fault(message)
    }

    fn path_of(&self, name: &str) -> String {
        if self.node.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.node.path) }
    }
}
