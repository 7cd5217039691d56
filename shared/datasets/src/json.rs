//! A reader of JSON that keeps numbers as they are written, refuses a key that stands twice, and takes `NaN`.

use std::sync::Arc;

use crate::Cell;

/// Deepest nesting of a value. A thread's stack has room for far more.
const DEPTH_MAX: usize = 100;

/// Error for a text that is not JSON. Columns count bytes, from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    #[error("it is not JSON: {what} is expected at column {column}")]
    Expected { what: &'static str, column: usize },
    #[error("it is not JSON: {0} is missing")]
    Missing(&'static str),
    #[error("the JSON ends too early, at column {0}")]
    Early(usize),
    #[error("the key `{0}` occurs twice")]
    Twice(String),
    #[error("column {0}: the text has one half of a surrogate pair, which is not a whole character")]
    Surrogate(usize),
    #[error("the text at column {0} is not one of JSON: a control character or an unknown escape")]
    Text(usize),
    #[error("it nests deeper than {DEPTH_MAX} levels")]
    Deep,
}

type Parsed<T> = Result<T, JsonFault>;

/// Reads a text that is one JSON value.
pub fn parse(text: &str) -> Parsed<Cell> {
    let mut reader = Reader { text, at: 0 };
    let cell = reader.value(0)?;
    reader.blanks();
    if reader.at < text.len() { Err(reader.expected("the end")) } else { Ok(cell) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// Words that are values, the last three of them Python's.
const WORDS: [(&str, Cell); 6] = [
    ("null", Cell::Missing),
    ("true", Cell::Bool(true)),
    ("false", Cell::Bool(false)),
    ("NaN", Cell::NotFinite("NaN")),
    ("Infinity", Cell::NotFinite("Infinity")),
    ("-Infinity", Cell::NotFinite("-Infinity")),
];

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn expected(&self, what: &'static str) -> JsonFault {
        let column = self.at + 1;
        if self.at >= self.text.len() {
            JsonFault::Early(column)
        } else {
            JsonFault::Expected { what, column }
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.blanks();
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self, depth: usize) -> Parsed<Cell> {
        if depth > DEPTH_MAX {
            return Err(JsonFault::Deep);
        }
        self.blanks();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Cell::Text),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Parsed<Cell> {
        let rest = self.rest();
        if let Some((word, cell)) = WORDS.into_iter().find(|(word, _)| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(cell);
        }
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let end = rest.bytes().position(|byte| !is_part(&byte)).unwrap_or(rest.len());
        let number = &rest[..end];
        if !is_number(number) {
            return Err(self.expected("a value"));
        }
        self.at += end;
        Ok(Cell::Number(number.to_owned()))
    }

    fn list(&mut self, depth: usize) -> Parsed<Cell> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Cell::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Ok(Cell::List(items));
            }
            if !self.take(b',') {
                return Err(self.expected("`,` or `]`"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Parsed<Cell> {
        self.at += 1;
        let mut fields: Vec<(Arc<str>, Cell)> = Vec::new();
        if self.take(b'}') {
            return Ok(Cell::Object(fields));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            let key = self.string()?;
            if !self.take(b':') {
                return Err(self.expected("`:`"));
            }
            fields.push((key.into(), self.value(depth + 1)?));
            if self.take(b'}') {
                return unique(fields).map(Cell::Object);
            }
            if !self.take(b',') {
                return Err(self.expected("`,` or `}`"));
            }
        }
    }

    /// Reads a text, whose quotation mark is next.
    fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        let mut end = start + 1;
        loop {
            let found = memchr::memchr2(b'"', b'\\', &self.text.as_bytes()[end..]);
            let Some(found) = found else { return Err(JsonFault::Early(self.text.len() + 1)) };
            end += found;
            if self.text.as_bytes()[end] == b'"' {
                break;
            }
            // The escaped byte is skipped. At the end of the text there is none.
            end = (end + 2).min(self.text.len());
        }
        self.at = end + 1;
        let text = &self.text[start..self.at];
        serde_json::from_str(text).map_err(|error| {
            let column = start + 1;
            if error.to_string().contains("surrogate") || error.to_string().contains("hex escape") {
                JsonFault::Surrogate(column)
            } else {
                JsonFault::Text(column)
            }
        })
    }
}

/// Refuses fields of which two have one name.
fn unique(fields: Vec<(Arc<str>, Cell)>) -> Parsed<Vec<(Arc<str>, Cell)>> {
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(JsonFault::Twice(pair[0].to_owned())),
        None => Ok(fields),
    }
}

/// Returns true for a number as JSON writes it.
fn is_number(text: &str) -> bool {
    // serde_json checks the form; the value is not used, since it would lose digits.
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn values_are_read_and_numbers_keep_their_digits() {
        let long = "123456789012345678901234567890";
        let parsed =
            parse(&format!(r#" {{"a": [5.10, {long}, true, null, NaN, -Infinity], "b\n": "\u00e9\"\\"}} "#));
        let numbers = ["5.10", long].map(|number| Cell::Number(number.into()));
        let words = [Cell::Bool(true), Cell::Missing, Cell::NotFinite("NaN"), Cell::NotFinite("-Infinity")];
        let want = vec![
            ("a".into(), Cell::List(numbers.into_iter().chain(words).collect())),
            ("b\n".into(), text("é\"\\")),
        ];
        assert_eq!(parsed, Ok(Cell::Object(want)));
    }

    #[test]
    fn a_fault_says_what_is_wrong_and_where() {
        let table = [
            (r#"{"q":1,"q":2}"#, "the key `q` occurs twice"),
            (r#"{"q":"\ud83d x"}"#, "column 6: the text has one half of a surrogate pair"),
            (r#"{"q":"x"#, "the JSON ends too early, at column 8"),
            (r#"{"q":"x\"#, "the JSON ends too early, at column 9"),
            ("question: 4", "it is not JSON: a value is expected at column 1"),
            ("{'q': 1}", "a key in double quotes is expected at column 2"),
            ("[1 2]", "`,` or `]` is expected at column 4"),
            ("1 2", "the end is expected at column 3"),
            ("01", "a value is expected"),
            ("\"a\u{1}\"", "the text at column 1"),
        ];
        for (json, want) in table {
            let fault = parse(json).unwrap_err().to_string();
            assert!(fault.contains(want), "{json}: {fault}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), Err(JsonFault::Deep));
    }

    proptest::proptest! {
        #[test]
        fn what_serde_reads_is_read_alike(json in json_texts()) {
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            proptest::prop_assert_eq!(parse(&json).unwrap().into_json(), value);
        }

        #[test]
        fn any_text_is_a_value_or_a_fault(any in "[\\[\\]{}\",:0-9a-zN\\\\ ]{0,40}") {
            let _ = parse(&any);
        }
    }

    fn json_texts() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        let value = leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        });
        value.prop_map(|value| value.to_string())
    }
}
