use serde_json::Value;

/// Returns the depth of nesting of a value: 0 for a number, 1 for a list of numbers. The JSON parser limits the
/// depth, so the recursion here is bounded, too.
pub fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(values) => values.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_deepest_branch_counts() {
        let table = [(json!(7), 0), (json!([]), 1), (json!({"a": 1}), 1), (json!([1, {"a": [[]]}]), 4)];
        for (value, want) in table {
            assert_eq!(depth(&value), want, "{value}");
        }
    }
}
