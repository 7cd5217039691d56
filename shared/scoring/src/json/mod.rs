//! Scores the JSON of an answer: that it is valid, keeps to a schema, and has the fields of a reference.

mod check;
mod document;
mod schema;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ScoringError, mark::Mark, text::normalise};

/// Settings of `json`. With neither a schema nor a reference, an answer is right if it has valid JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JsonRule {
    /// JSON schema that the answer must keep to, without references to other schemas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Fields, as `name` or `outer.name`, that must equal those of the reference. The value is the share that do.
    /// Without it, all of the reference is compared at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

impl JsonRule {
    pub(crate) fn check(&self) -> Result<(), ScoringError> {
        self.schema.as_ref().map_or(Ok(()), |schema| check::check(schema).map_err(ScoringError::Schema))
    }

    pub(crate) fn mark(&self, references: &[String], answer: &str) -> Mark {
        let wanted: Result<Vec<Value>, _> =
            references.iter().map(|text| serde_json::from_str(text)).collect();
        let Ok(wanted) = wanted else { return Mark::unscored("the reference is no JSON") };
        let Some(given) = document::of(answer) else {
            return wrong("the answer has no valid JSON");
        };
        if let Some(fault) = self.schema.as_ref().and_then(|schema| schema::fault(schema, &given)) {
            return wrong(format!("the answer breaks the schema: {fault}"));
        }
        let best = wanted
            .iter()
            .map(|wanted| self.share(wanted, &given))
            .fold(None, |best: Option<f64>, share| Some(best.map_or(share, |best| best.max(share))));
        Mark::scored(best.unwrap_or(1.0), given.to_string())
    }

    /// Returns the share of the fields that are equal in both.
    #[expect(clippy::cast_precision_loss, reason = "there are few fields")]
    fn share(&self, wanted: &Value, given: &Value) -> f64 {
        if self.fields.is_empty() {
            return if equal(wanted, given) { 1.0 } else { 0.0 };
        }
        let is_equal = |path: &&String| match (field(wanted, path), field(given, path)) {
            (Some(wanted), Some(given)) => equal(wanted, given),
            (wanted, given) => wanted.is_none() && given.is_none(),
        };
        self.fields.iter().filter(is_equal).count() as f64 / self.fields.len() as f64
    }
}

fn wrong(detail: impl Into<String>) -> Mark {
    Mark { value: Some(0.0), extracted: None, detail: Some(detail.into()) }
}

fn field<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| match value {
        Value::Array(values) => values.get(name.parse::<usize>().ok()?),
        value => value.get(name),
    })
}

/// Compares values: numbers by value, and strings apart from case, white space and typography.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64() == b.as_f64() && !(a.is_u64() && b.is_u64())
        }
        (Value::String(a), Value::String(b)) => normalise(a) == normalise(b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(rule: Value, references: &[&str], answer: &str) -> Option<f64> {
        let rule: JsonRule = serde_json::from_value(rule).unwrap();
        let references: Vec<_> = references.iter().map(ToString::to_string).collect();
        rule.mark(&references, answer).value
    }

    #[test]
    fn json_is_found_and_compared() {
        let reference = r#"{"city": "Paris", "size": 2, "tags": ["a"]}"#;
        let table = [
            (r#"{"city": "paris", "size": 2.0, "tags": ["A"]}"#, Some(1.0)),
            ("Here:\n```json\n{\"tags\": [\"a\"], \"size\": 2, \"city\": \"Paris\"}\n```\nDone.", Some(1.0)),
            (r#"{"city": "Paris", "size": 2}"#, Some(0.0)),
            (r#"{"city": "Paris", "size": 2, "tags": ["a"], "more": 1}"#, Some(0.0)),
            ("Paris", Some(0.0)),
            ("{", Some(0.0)),
        ];
        for (answer, want) in table {
            assert_eq!(value(json!({}), &[reference], answer), want, "{answer}");
        }
        assert_eq!(value(json!({}), &["no JSON"], "{}"), None);
    }

    #[test]
    fn valid_json_is_enough_without_a_reference() {
        for (answer, want) in [("[1, 2]", 1.0), ("{\"a\": 1}", 1.0), ("[1, 2", 0.0), ("no", 0.0)] {
            assert_eq!(value(json!({}), &[], answer), Some(want), "{answer}");
        }
    }

    #[test]
    fn the_share_of_equal_fields_counts() {
        let rule = json!({"fields": ["city", "place.country", "missing", "list.1"]});
        let reference = r#"{"city": "Paris", "place": {"country": "France"}, "list": [1, 2]}"#;
        let answer = r#"{"city": "Rome", "place": {"country": "france"}, "list": [7, 2]}"#;
        assert_eq!(value(rule, &["{}", reference], answer), Some(0.75));
    }

    #[test]
    fn an_answer_must_keep_to_the_schema() {
        let rule = json!({"schema": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}});
        for (answer, want) in [(r#"{"n": 1}"#, 1.0), (r#"{"n": "1"}"#, 0.0), (r#"{"m": 1}"#, 0.0)] {
            assert_eq!(value(rule.clone(), &[], answer), Some(want), "{answer}");
        }
    }
}
