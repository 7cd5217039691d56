//! Checks a schema before a run begins: a keyword that would not be checked is refused.

use regex::Regex;
use serde_json::{Map, Value};

/// Keywords that say nothing about validity.
const NOTES: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "format",
    "name",
    "strict",
];

const KEYWORDS: &[&str] = &[
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
];

const TYPES: &[&str] = &["object", "array", "string", "number", "integer", "boolean", "null"];

const DEPTH_MAX: usize = 64;

/// Returns an error for a schema that has a keyword which is not checked here.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    check_at(schema, 0)
}

fn check_at(schema: &Value, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("it is nested more than {DEPTH_MAX} deep"));
    }
    let object = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(object) => object,
        _ => return Err("a schema is an object, true or false".into()),
    };
    if let Some(keyword) =
        object.keys().find(|key| !KEYWORDS.contains(&key.as_str()) && !NOTES.contains(&key.as_str()))
    {
        return Err(format!("the keyword `{keyword}` is not supported"));
    }
    if let Some((keyword, _)) = object.iter().find(|(keyword, value)| !is_well_formed(keyword, value)) {
        return Err(format!("the keyword `{keyword}` has a value that it cannot have"));
    }
    if let Some(Err(error)) = object.get("pattern").and_then(Value::as_str).map(Regex::new) {
        return Err(error.to_string());
    }
    parts(object).try_for_each(|part| check_at(part, depth + 1))
}

/// Returns the schemas in a schema.
fn parts(object: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let single = ["items", "not", "additionalProperties"].into_iter().filter_map(|key| object.get(key));
    let listed =
        ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| object.get(key)?.as_array()).flatten();
    let properties = object.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::values);
    single.chain(listed).chain(properties)
}

/// Returns true if the keyword has a value of the kind that it must have. Schemas in it are checked on their own.
fn is_well_formed(keyword: &str, value: &Value) -> bool {
    let is_list = |of: fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(of));
    match keyword {
        "type" => is_type(value) || is_list(is_type),
        "enum" => value.is_array(),
        "allOf" | "anyOf" | "oneOf" => value.as_array().is_some_and(|list| !list.is_empty()),
        "properties" => value.is_object(),
        "required" => is_list(Value::is_string),
        "uniqueItems" => value.is_boolean(),
        "pattern" => value.is_string(),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
        "multipleOf" => value.as_f64().is_some_and(|step| step > 0.0),
        "minProperties" | "maxProperties" | "minItems" | "maxItems" | "minLength" | "maxLength" => {
            value.is_u64()
        }
        _ => true,
    }
}

fn is_type(value: &Value) -> bool {
    value.as_str().is_some_and(|name| TYPES.contains(&name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_is_not_understood_is_refused() {
        for schema in [json!({"properties": {"a": {"$ref": "#"}}}), json!({"pattern": "("}), json!(7)] {
            assert!(check(&schema).is_err(), "{schema}");
        }
        let deep = (0..100).fold(json!({}), |schema, _| json!({ "not": schema }));
        assert!(check(&deep).is_err());
    }

    #[test]
    fn a_keyword_with_a_value_of_another_kind_is_refused() {
        let table = [
            json!({"type": "strin"}),
            json!({"type": ["string", 1]}),
            json!({"required": "a"}),
            json!({"properties": []}),
            json!({"minLength": "1"}),
            json!({"maxItems": -1}),
            json!({"minimum": "0"}),
            json!({"multipleOf": 0}),
            json!({"uniqueItems": "yes"}),
            json!({"pattern": 1}),
            json!({"anyOf": []}),
            json!({"items": [{}]}),
        ];
        for schema in table {
            assert!(check(&schema).is_err(), "{schema}");
        }
    }
}
