//! Checks a value by the keywords of JSON Schema that describe single documents.

use regex::Regex;
use serde_json::{Map, Value};

/// Returns how `value` breaks the schema, with the place, or `None` if it keeps to it.
pub(super) fn fault(schema: &Value, value: &Value) -> Option<String> {
    let object = match schema {
        Value::Bool(false) => return Some("nothing is allowed here".into()),
        Value::Object(object) => object,
        _ => return None,
    };
    of_any_type(object, value).or_else(|| combined(object, value)).or_else(|| match value {
        Value::Object(fields) => of_object(object, fields),
        Value::Array(values) => of_array(object, values),
        Value::String(text) => of_string(object, text),
        Value::Number(number) => number.as_f64().and_then(|number| of_number(object, number)),
        Value::Null | Value::Bool(_) => None,
    })
}

fn of_any_type(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let has_type = |wanted: &Value| match wanted {
        Value::Array(types) => types.iter().any(|one| is_of_type(one, value)),
        one => is_of_type(one, value),
    };
    if let Some(wanted) = schema.get("type").filter(|wanted| !has_type(wanted)) {
        return Some(format!("{} is not of type {wanted}", shortened(value)));
    }
    if let Some(allowed) =
        schema.get("enum").and_then(Value::as_array).filter(|allowed| !contains(allowed, value))
    {
        return Some(format!("{} is none of {} values", shortened(value), allowed.len()));
    }
    let wanted = schema.get("const").filter(|wanted| !same(wanted, value))?;
    Some(format!("{} is not {}", shortened(value), shortened(wanted)))
}

fn is_of_type(name: &Value, value: &Value) -> bool {
    match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some("number") => value.is_number(),
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

fn contains(values: &[Value], value: &Value) -> bool {
    values.iter().any(|one| same(one, value))
}

/// Compares as JSON Schema does: 1 and 1.0 are the same.
fn same(a: &Value, b: &Value) -> bool {
    a == b || a.is_number() && b.is_number() && a.as_f64() == b.as_f64()
}

fn combined(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let list = |key| schema.get(key).and_then(Value::as_array);
    if let Some(found) = list("allOf").and_then(|all| all.iter().find_map(|one| fault(one, value))) {
        return Some(found);
    }
    if list("anyOf").is_some_and(|any| any.iter().all(|one| fault(one, value).is_some())) {
        return Some(format!("{} fits none of `anyOf`", shortened(value)));
    }
    let fitting = |one: &[Value]| one.iter().filter(|one| fault(one, value).is_none()).count();
    if let Some(count) = list("oneOf").map(|one| fitting(one)).filter(|count| *count != 1) {
        return Some(format!("{} fits {count} of `oneOf`", shortened(value)));
    }
    let denied = schema.get("not").is_some_and(|not| fault(not, value).is_none());
    denied.then(|| format!("{} fits `not`", shortened(value)))
}

fn of_object(schema: &Map<String, Value>, fields: &Map<String, Value>) -> Option<String> {
    let required =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = required.into_iter().find(|name| !fields.contains_key(*name)) {
        return Some(format!("the field `{missing}` is missing"));
    }
    if let Some(found) = out_of_range(schema, "minProperties", "maxProperties", fields.len(), "fields") {
        return Some(found);
    }
    let none = Map::new();
    let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let more = schema.get("additionalProperties");
    fields.iter().find_map(|(name, value)| {
        let found = fault(known.get(name).or(more)?, value)?;
        Some(format!("{name}: {found}"))
    })
}

fn of_array(schema: &Map<String, Value>, values: &[Value]) -> Option<String> {
    if let Some(found) = out_of_range(schema, "minItems", "maxItems", values.len(), "items") {
        return Some(found);
    }
    let is_unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
    if is_unique && (1..values.len()).any(|n| contains(&values[..n], &values[n])) {
        return Some("an item occurs twice".into());
    }
    let items = schema.get("items")?;
    values.iter().enumerate().find_map(|(n, value)| Some(format!("{n}: {}", fault(items, value)?)))
}

fn of_string(schema: &Map<String, Value>, text: &str) -> Option<String> {
    if let Some(found) = out_of_range(schema, "minLength", "maxLength", text.chars().count(), "characters") {
        return Some(found);
    }
    let pattern = schema.get("pattern").and_then(Value::as_str)?;
    let matches = Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
    (!matches).then(|| format!("the text does not match `{pattern}`"))
}

fn of_number(schema: &Map<String, Value>, number: f64) -> Option<String> {
    let limit = |key| schema.get(key).and_then(Value::as_f64);
    let is_out = limit("minimum").is_some_and(|limit| number < limit)
        || limit("maximum").is_some_and(|limit| number > limit)
        || limit("exclusiveMinimum").is_some_and(|limit| number <= limit)
        || limit("exclusiveMaximum").is_some_and(|limit| number >= limit)
        || limit("multipleOf").is_some_and(|step| !is_multiple(number, step));
    is_out.then(|| format!("{number} is out of its range"))
}

/// Returns true for 19.99 and 0.01, whose quotient is no whole number for its rounding.
fn is_multiple(number: f64, step: f64) -> bool {
    const ROUNDING: f64 = 1e-12;
    let times = number / step;
    (times - times.round()).abs() <= times.abs().max(1.0) * ROUNDING
}

fn out_of_range(
    schema: &Map<String, Value>,
    min: &str,
    max: &str,
    count: usize,
    what: &str,
) -> Option<String> {
    let limit = |key| schema.get(key).and_then(Value::as_u64);
    let count = count as u64;
    let is_out = limit(min).is_some_and(|min| count < min) || limit(max).is_some_and(|max| count > max);
    is_out.then(|| format!("it has {count} {what}"))
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::check::check;

    #[test]
    fn each_keyword_is_checked() {
        // schema, a value that keeps to it, one that does not
        let table = [
            (json!({"type": ["string", "null"]}), json!(null), json!(1)),
            (json!({"type": "integer"}), json!(2.0), json!(2.5)),
            (json!({"enum": [1, "a"]}), json!(1.0), json!("b")),
            (json!({"const": {"a": 1}}), json!({"a": 1}), json!({"a": 2})),
            (json!({"required": ["a"]}), json!({"a": 1}), json!({"b": 1})),
            (json!({"properties": {"a": {"type": "null"}}}), json!({"b": 1}), json!({"a": 1})),
            (
                json!({"properties": {"a": true}, "additionalProperties": false}),
                json!({"a": 1}),
                json!({"b": 1}),
            ),
            (json!({"minProperties": 1}), json!({"a": 1}), json!({})),
            (json!({"items": {"type": "null"}}), json!([null]), json!([1])),
            (json!({"minItems": 1, "maxItems": 2}), json!([1]), json!([])),
            (json!({"uniqueItems": true}), json!([1, 2]), json!([1, 2, 1.0])),
            (json!({"minLength": 2, "maxLength": 3}), json!("äö"), json!("ä")),
            (json!({"pattern": "^a"}), json!("ab"), json!("b")),
            (json!({"minimum": 1, "exclusiveMaximum": 2}), json!(1), json!(2)),
            (json!({"exclusiveMinimum": 1, "maximum": 2}), json!(2), json!(1)),
            (json!({"multipleOf": 2}), json!(4), json!(3)),
            (json!({"multipleOf": 0.01}), json!(19.99), json!(19.995)),
            (json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), json!(1), json!(3)),
            (json!({"anyOf": [{"type": "null"}, {"maximum": 2}]}), json!(null), json!(3)),
            (json!({"oneOf": [{"minimum": 1}, {"maximum": 2}]}), json!(3), json!(1)),
            (json!({"not": {"type": "null"}}), json!(1), json!(null)),
        ];
        for (schema, good, bad) in table {
            assert_eq!(check(&schema), Ok(()), "{schema}");
            assert_eq!(fault(&schema, &good), None, "{schema} {good}");
            assert!(fault(&schema, &bad).is_some(), "{schema} {bad}");
        }
    }
}
