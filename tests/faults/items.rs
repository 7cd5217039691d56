//! Items of the scenarios.

use serde_json::json;

/// Makes `count` small items, of which the first has a text of `first_bytes` bytes.
pub fn items(count: usize, first_bytes: usize) -> String {
    let mut lines = String::new();
    for number in 0..count {
        let filler = if number == 0 { "word ".repeat(first_bytes / 5) } else { String::new() };
        let item = json!({"id": format!("q{number}"), "type": "freeform",
            "inputs": {"text": format!("What is {number} + 1? {filler}")}, "answer": (number + 1).to_string()});
        lines.push_str(&item.to_string());
        lines.push('\n');
    }
    lines
}
