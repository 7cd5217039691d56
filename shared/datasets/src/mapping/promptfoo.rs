//! The columns of promptfoo's tables of tests: `__expected` and the variables.

use serde_json::json;

use super::{
    MapFault,
    path::Path,
    reference::{AnswerText, References, any_of},
};
use crate::row::Fields;

/// Beginning of the columns that promptfoo reads itself; the others are variables.
pub const OWN: &str = "__";

/// Kinds of assertions that runmill has no scorer for. A text that begins with another word is itself expected.
const NOT_READ: [&str; 27] = [
    "answer-relevance",
    "bleu",
    "classifier",
    "contains-all",
    "contains-html",
    "contains-json",
    "contains-sql",
    "contains-xml",
    "cost",
    "factuality",
    "file",
    "g-eval",
    "grade",
    "icontains-all",
    "icontains-any",
    "is-html",
    "is-json",
    "is-sql",
    "is-xml",
    "javascript",
    "latency",
    "levenshtein",
    "llm-rubric",
    "python",
    "rouge-n",
    "similar",
    "starts-with",
];

/// Returns true for a column of expectations.
pub fn is_expected(name: &str) -> bool {
    name.strip_prefix("__expected").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Reads the expectation of a row, of which there may be one.
pub fn read(fields: &Fields) -> Result<References, MapFault> {
    let expected = fields.iter().filter(|(name, _)| is_expected(name));
    let filled = expected
        .filter_map(|(name, cell)| Some((name, cell.scalar().filter(|text| !text.trim().is_empty())?)));
    match filled.collect::<Vec<_>>().as_slice() {
        [] => Ok(References::default()),
        [(name, text)] => assertion(&Path::new(&***name), text),
        several => Err(MapFault::Expectations(several.len())),
    }
}

fn assertion(name: &Path, text: &str) -> Result<References, MapFault> {
    let (kind, value) = text.split_once(':').unwrap_or(("", text));
    let kind = kind.trim();
    let value = value.trim();
    let includes = |values: &[String]| References { checker: Some(json!("includes")), ..any_of(values) };
    Ok(match kind {
        "equals" => any_of(&[value.to_owned()]),
        "contains" | "icontains" => includes(&[value.to_owned()]),
        "contains-any" => includes(&value.split(',').map(|text| text.trim().to_owned()).collect::<Vec<_>>()),
        "regex" => References {
            answer: Some(AnswerText::One(value.to_owned())),
            checker: Some(json!({"scorer": "pattern", "pattern": value})),
            ..References::default()
        },
        kind if is_not_read(kind) || is_not_read(text) => {
            let kind = if kind.is_empty() { text } else { kind };
            return Err(MapFault::Assertion { name: name.clone(), kind: kind.to_owned() });
        }
        _ => any_of(&[text.to_owned()]),
    })
}

/// Returns true for the name of an assertion, also with a threshold, as in `similar(0.8)`, or denied, as in `not-equals`.
fn is_not_read(kind: &str) -> bool {
    let name = kind.split('(').next().unwrap_or_default();
    NOT_READ.contains(&name) || ["not-equals", "not-contains", "not-icontains", "not-regex"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cell;

    fn expect(texts: &[&str]) -> Result<References, MapFault> {
        let names = ["__expected", "__expected1", "__expected2"];
        let fields = names
            .iter()
            .zip(texts)
            .map(|(name, text)| ((*name).into(), Cell::Text((*text).into())))
            .collect();
        read(&fields)
    }

    #[test]
    fn expectations_are_references_and_checkers() {
        let table = [
            ("42", "42", None),
            ("equals:42", "42", None),
            ("equals: a:b", "a:b", None),
            ("note: this", "note: this", None),
            ("contains:blue", "blue", Some(json!("includes"))),
            ("icontains: Blue", "Blue", Some(json!("includes"))),
            ("regex:^4.$", "^4.$", Some(json!({"scorer": "pattern", "pattern": "^4.$"}))),
        ];
        for (text, answer, checker) in table {
            let read = expect(&[text]).unwrap();
            assert_eq!(
                (read.answer, read.checker),
                (Some(AnswerText::One(answer.into())), checker),
                "{text}"
            );
        }
        let any = expect(&["contains-any:red, blue"]).unwrap();
        assert_eq!((any.answer, any.answers), (Some(AnswerText::One("red".into())), vec!["blue".to_owned()]));
    }

    #[test]
    fn assertions_that_are_not_read_are_named() {
        for text in
            ["llm-rubric: is kind", "javascript:output > 1", "similar(0.8): x", "not-contains:x", "is-json"]
        {
            let fault = expect(&[text]).unwrap_err().to_string();
            let kind = text.split(':').next().unwrap();
            assert!(fault.starts_with(&format!("`__expected`: promptfoo's `{kind}` is not read")), "{fault}");
        }
        assert!(expect(&["a", "b"]).unwrap_err().to_string().starts_with("it has 2 expectations"));
        assert!(expect(&["a", " "]).is_ok());
    }
}
