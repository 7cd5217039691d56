//! The only table of the names under which spans and fields are exported.
//!
//! It is also the list of the data that may leave the process: a field that is not here never becomes an attribute,
//! so a prompt, answer or key is not exported even if it was logged.
//!
//! Source: `OpenTelemetry` semantic conventions 1.41.0, the last release with the attributes of generative AI;
//! `runmill.*` names are runmill's own.

use opentelemetry::{KeyValue, Value, trace::SpanKind};

/// Spans that are exported, with their kinds.
pub(super) const SPANS: &[(&str, SpanKind)] = &[
    ("run.submit", SpanKind::Internal),
    ("job.feed", SpanKind::Producer),
    ("job", SpanKind::Consumer),
    (CALL, SpanKind::Client),
    ("model.attempt", SpanKind::Client),
    ("result.record", SpanKind::Consumer),
    ("results.write", SpanKind::Internal),
];

/// Name of a call's span. The span is exported under the name of its operation and model.
pub(super) const CALL: &str = "model.invoke";
/// Name of the event that logs a call. Its fields become attributes of the call's span.
pub(super) const CALL_LINE: &str = "model.invocation";

pub(super) const OPERATION: (&str, &str) = ("gen_ai.operation.name", "chat");
pub(super) const MODEL: &str = "gen_ai.request.model";
pub(super) const ERROR: &str = "error.type";

/// A field, and the attribute as which it is exported.
pub(super) struct Attribute {
    field: &'static str,
    name: &'static str,
    form: Form,
}

#[derive(Clone, Copy)]
enum Form {
    AsIs,
    /// An integer; unsigned numbers arrive as text.
    Integer,
    /// Seconds, converted from milliseconds.
    Seconds,
    /// The conventions' name of a provider, converted from its kind.
    Provider,
}

pub(super) const ATTRIBUTES: &[Attribute] = &[
    attribute("model", MODEL, Form::AsIs),
    attribute("provider_kind", "gen_ai.provider.name", Form::Provider),
    attribute("streamed", "gen_ai.request.stream", Form::AsIs),
    attribute("ttft_ms", "gen_ai.response.time_to_first_chunk", Form::Seconds),
    attribute("prompt_tokens", "gen_ai.usage.input_tokens", Form::Integer),
    attribute("completion_tokens", "gen_ai.usage.output_tokens", Form::Integer),
    attribute("cached_tokens", "gen_ai.usage.cache_read.input_tokens", Form::Integer),
    attribute("reasoning_tokens", "gen_ai.usage.reasoning.output_tokens", Form::Integer),
    attribute("error_kind", ERROR, Form::AsIs),
    attribute("status", "http.response.status_code", Form::Integer),
    attribute("run_id", "runmill.run.id", Form::AsIs),
    attribute("ordinal", "runmill.job.ordinal", Form::Integer),
    attribute("sample", "runmill.job.sample", Form::Integer),
    attribute("attempt", "runmill.attempt", Form::Integer),
    attribute("provider_id", "runmill.provider.id", Form::AsIs),
    attribute("retry_count", "runmill.retry_count", Form::Integer),
    attribute("outcome", "runmill.outcome", Form::AsIs),
    attribute("jobs", "runmill.run.jobs", Form::Integer),
];

const fn attribute(field: &'static str, name: &'static str, form: Form) -> Attribute {
    Attribute { field, name, form }
}

/// Returns the attribute as which a field is exported; `None` if it is not exported.
pub(super) fn exported(field: &KeyValue) -> Option<KeyValue> {
    let attribute = ATTRIBUTES.iter().find(|attribute| attribute.field == field.key.as_str())?;
    Some(KeyValue::new(attribute.name, attribute.form.of(&field.value)?))
}

impl Form {
    /// Converts a value. Returns `None` if it has another type than the form needs.
    fn of(self, value: &Value) -> Option<Value> {
        match self {
            Self::AsIs => Some(value.clone()),
            Self::Integer => integer(value).map(Value::I64),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a time to a token is far below 2^52 milliseconds"
            )]
            Self::Seconds => integer(value).map(|milliseconds| Value::F64(milliseconds as f64 / 1e3)),
            Self::Provider => Some(provider(&value.as_str()).to_owned().into()),
        }
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::I64(number) => Some(*number),
        value => value.as_str().parse().ok(),
    }
}

/// Returns the conventions' name for a provider's kind. A kind that they do not have keeps its own name.
fn provider(kind: &str) -> &str {
    match kind {
        "google" => "gcp.gemini",
        kind => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_name_and_no_other() {
        let want: Vec<_> =
            ATTRIBUTES.iter().map(|it| format!("| `{}` | `{}` |", it.field, it.name)).collect();

        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/observability.md");
        let document = std::fs::read_to_string(path).unwrap();
        let (_, table) =
            document.split_once("| field of a span or of a call's line | attribute |\n").unwrap();
        let rows: Vec<_> = table.lines().skip(1).take_while(|line| line.starts_with('|')).collect();

        assert_eq!(rows, want, "the table should be:\n{}", want.join("\n"));
    }

    #[test]
    fn a_field_that_is_not_in_the_table_or_not_what_it_should_be_stays_here() {
        for (field, value) in [("answer", Value::from("4")), ("prompt_tokens", Value::from("many"))] {
            assert_eq!(exported(&KeyValue::new(field, value)), None, "{field}");
        }
    }
}
