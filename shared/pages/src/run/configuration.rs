use maud::{Markup, html};
use runmill_proto::api::Run;
use serde_json::Value;

use crate::text::shown;

/// Longest text that stands in a line of the table.
const LINE_CHARS: usize = 80;

/// Returns the configuration of a run as a table, and as the JSON that was sent.
pub fn configuration(run: &Run) -> Markup {
    let config = Value::Object(run.config.0.clone());
    let mut rows = Vec::new();
    collect("", &config, &mut rows);
    let is_default = rows.is_empty();
    collect("budget", run.budget.as_ref().unwrap_or(&Value::Null), &mut rows);
    html! {
        dl.settings {
            @for (name, value) in &rows { (setting(name, value)) }
            (setting("priority", &run.priority.to_string()))
            @if let Some(webhook) = &run.webhook {
                (setting("webhook", &webhook.url))
                @if let Some(error) = &webhook.last_error { (setting("webhook's last error", error)) }
            }
        }
        @if is_default { p.quiet { "All settings have their defaults." } }
        @else { details { summary { "As JSON" } pre { (shown(&pretty(&config))) } } }
    }
}

fn setting(name: &str, value: &str) -> Markup {
    let is_long = value.contains('\n') || value.chars().nth(LINE_CHARS).is_some();
    html! { dt { (shown(name)) } dd { @if is_long { pre { (shown(value)) } } @else { code { (shown(value)) } } } }
}

/// Collects the values of nested objects with their dotted names, without those that are not set.
fn collect(name: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                collect(&name, value, rows);
            }
        }
        Value::Null => {}
        _ if name.is_empty() => {}
        Value::String(text) => rows.push((name.to_owned(), text.clone())),
        value => rows.push((name.to_owned(), value.to_string())),
    }
}

pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_settings_have_dotted_names() {
        let mut rows = Vec::new();
        collect(
            "",
            &json!({"generation": {"temperature": 0.5, "stop": ["a"]}, "samples": 2, "x": {}, "y": null}),
            &mut rows,
        );
        let rows: Vec<_> = rows.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(rows, ["generation.temperature=0.5", "generation.stop=[\"a\"]", "samples=2", "x={}"]);
    }
}
