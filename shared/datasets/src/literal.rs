//! Lists and dictionaries as Python and numpy print them, which is how `datasets` and pandas write them into the cells
//! of a table: `['red', 'blue']`, `['red' 'blue']`, `{'text': array(['red', 'blue'], dtype=object)}`.

use crate::{Cell, json};

/// Deepest nesting of a literal.
const DEPTH_MAX: usize = 20;

/// Reads the structured value that a text writes as JSON, as Python or as numpy. Returns `None` for any other text.
pub fn structured(text: &str) -> Option<Cell> {
    let text = text.trim();
    if !text.starts_with(['[', '{', '(']) {
        return None;
    }
    json::parse(text).ok().or_else(|| {
        let mut reader = Reader { rest: text };
        let cell = reader.value(0)?;
        reader.rest.trim().is_empty().then_some(cell)
    })
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, prefix: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Cell> {
        if depth > DEPTH_MAX {
            return None;
        }
        for (open, close) in [("[", "]"), ("(", ")")] {
            if self.take(open) {
                return self.list(close, depth);
            }
        }
        if self.take("{") {
            return self.dictionary(depth);
        }
        if self.take("array(") {
            let cell = self.value(depth + 1)?;
            // The type of the elements may follow, as `, dtype=object`.
            let (_, rest) = self.rest.split_once(')')?;
            self.rest = rest;
            return Some(cell);
        }
        match self.rest.chars().next()? {
            quote @ ('\'' | '"') => self.string(quote).map(Cell::Text),
            _ => self.word(),
        }
    }

    fn list(&mut self, close: &str, depth: usize) -> Option<Cell> {
        let mut items = Vec::new();
        loop {
            if self.take(close) {
                return Some(Cell::List(items));
            }
            items.push(self.value(depth + 1)?);
            // Numpy puts no commas between elements.
            self.take(",");
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Cell> {
        let mut fields = Vec::new();
        loop {
            if self.take("}") {
                return Some(Cell::Object(fields));
            }
            let Cell::Text(key) = self.value(depth + 1)? else { return None };
            if !self.take(":") {
                return None;
            }
            fields.push((key.into(), self.value(depth + 1)?));
            self.take(",");
        }
    }

    fn string(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((place, char)) = chars.next() {
            match char {
                '\\' => text.push(escaped(&mut chars)?),
                char if char == quote => {
                    self.rest = &self.rest[place + char.len_utf8()..];
                    return Some(text);
                }
                char => text.push(char),
            }
        }
        None
    }

    fn word(&mut self) -> Option<Cell> {
        let end = self.rest.find(|char: char| ",]}): \n".contains(char)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "None" | "nan" => Some(Cell::Missing),
            "True" => Some(Cell::Bool(true)),
            "False" => Some(Cell::Bool(false)),
            // Numpy writes `1.` for 1.0.
            number if number.parse::<f64>().is_ok_and(f64::is_finite) => {
                Some(Cell::Number(number.strip_suffix('.').unwrap_or(number).to_owned()))
            }
            _ => None,
        }
    }
}

/// Reads the rest of an escape.
fn escaped(chars: &mut impl Iterator<Item = (usize, char)>) -> Option<char> {
    let digits = match chars.next()?.1 {
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        other => return Some(other),
    };
    let code: String = chars.take(digits).map(|(_, char)| char).collect();
    u32::from_str_radix(&code, 16).ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_python_numpy_and_json_are_the_same() {
        let want = Cell::List(["red", "it's"].map(|text| Cell::Text(text.into())).into());
        for text in [
            r#"["red", "it's"]"#,
            r#"['red', "it's"]"#,
            r#"['red' "it's"]"#,
            "['red'\n \"it's\"]",
            r"('red', 'it\'s')",
            r#"array(['red', "it's"], dtype=object)"#,
        ] {
            let text = if text.starts_with("array") { format!("[{text}]") } else { text.to_owned() };
            let read = structured(&text).unwrap();
            let read = match read {
                Cell::List(mut items) if items.len() == 1 => items.remove(0),
                read => read,
            };
            assert_eq!(read, want, "{text}");
        }
    }

    #[test]
    fn dictionaries_and_numbers_are_read() {
        let read =
            structured("{'text': array(['a', 'b'], dtype=object), 'n': [0. 2], 'none': None}").unwrap();
        assert_eq!(read.get("text"), Some(&Cell::List(["a", "b"].map(|t| Cell::Text(t.into())).into())));
        assert_eq!(read.get("n"), Some(&Cell::List(["0", "2"].map(|t| Cell::Number(t.into())).into())));
        assert_eq!(read.get("none"), Some(&Cell::Missing));
    }

    #[test]
    fn other_texts_are_no_literals() {
        for text in ["red", "[sic] a quotation", "['open", "[a, b]", "{1: 2}", "", &"[".repeat(10_000)] {
            assert_eq!(structured(text), None, "{text}");
        }
    }
}
