use serde_json::Value;

use crate::protocol::text::raw;

/// The content of an error's body, in any of the formats that servers use. Absent texts are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Detail {
    pub message: String,
    /// Type of the error: `type`, or TGI's `error_type`.
    pub kind: String,
    pub code: String,
    pub param: String,
    /// HTTP status, if `code` is one, as a number or as text.
    pub status: Option<u16>,
    /// True if the error is a `google.rpc.Status`, in which phrases have other meanings than in OpenAI's errors.
    pub is_google_status: bool,
}

impl Detail {
    /// Reads, in this order: `{"error": {...}}` (OpenAI; Google, in a list), `{"error": "..."}` (Ollama, TGI),
    /// `{"message": ...}` (Databricks, older vLLM), `{"detail": ...}` (`FastAPI`, Mistral; also below `message`). The
    /// message of any other body is the body itself.
    pub fn read(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self { message: raw(body), ..Self::default() };
        };
        let value = value.get(0).unwrap_or(&value);
        let detail = match value.get("error") {
            Some(error @ Value::Object(_)) => Self::from_object(error),
            Some(Value::String(message)) => Self { message: message.clone(), ..Self::from_object(value) },
            _ => Self::from_object(value),
        };
        if detail.message.is_empty() { Self { message: raw(body), ..detail } } else { detail }
    }

    fn from_object(object: &Value) -> Self {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = ["type", "error_type"].map(text).into_iter().find(|kind| !kind.is_empty());
        let mut detail = Self {
            message: text("message"),
            kind: kind.unwrap_or_default(),
            code: text("code"),
            param: text("param"),
            status: object.get("code").and_then(status),
            is_google_status: is_google_status(object),
        };
        // OpenRouter adds the error of the provider behind it.
        match object.pointer("/metadata/raw") {
            Some(Value::String(inner)) => detail.message = format!("{}: {inner}", detail.message),
            Some(inner @ Value::Object(_)) => detail.message = format!("{}: {inner}", detail.message),
            _ => {}
        }
        match object.pointer("/message/detail").or_else(|| object.get("detail")) {
            Some(Value::String(message)) => detail.message.clone_from(message),
            Some(Value::Array(faults)) => {
                detail.message = faults.iter().map(fault).collect::<Vec<_>>().join("; ");
            }
            _ => {}
        }
        detail
    }

    /// Returns true if the message contains one of `phrases`, which are in lower case.
    pub fn says(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }

    pub fn is_about(&self, parameter: &str) -> bool {
        self.param.starts_with(parameter) || self.message.contains(parameter)
    }
}

fn status(code: &Value) -> Option<u16> {
    let number = code.as_u64().or_else(|| code.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|status| (400..600).contains(status))
}

fn is_google_status(object: &Value) -> bool {
    let details = object.get("details").and_then(Value::as_array).into_iter().flatten();
    let mut types = details.filter_map(|detail| detail.get("@type")?.as_str());
    object.get("status").and_then(Value::as_str) == Some("RESOURCE_EXHAUSTED")
        || types.any(|name| name.starts_with("type.googleapis.com/google.rpc."))
}

/// Formats one element of `FastAPI`'s list of errors: the field and its error.
fn fault(fault: &Value) -> String {
    let place = fault.get("loc").and_then(Value::as_array).into_iter().flatten();
    let place: Vec<_> =
        place.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
    let what = fault.get("msg").and_then(Value::as_str).unwrap_or("rejected");
    format!("{}: {what}", place.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_found_in_every_shape() {
        let table = [
            (r#"{"error":{"message":"no","type":"t","code":"c","param":"p"}}"#, "no"),
            (r#"[{"error":{"code":429,"message":"no"}}]"#, "no"),
            (r#"{"error":"no","error_type":"validation"}"#, "no"),
            (r#"{"object":"error","message":"no","code":400}"#, "no"),
            (r#"{"detail":"no"}"#, "no"),
            (
                r#"{"detail":[{"loc":["body","n",0],"msg":"no"},{"loc":["body"]}]}"#,
                "body.n.0: no; body: rejected",
            ),
            (r#"{"object":"error","message":{"detail":[{"loc":["body","n"],"msg":"no"}]}}"#, "body.n: no"),
            (r#"{"error":{"message":"so","metadata":{"raw":"no"}}}"#, "so: no"),
            (r#"{"error":{"message":"so","metadata":{"raw":{"a":1}}}}"#, r#"so: {"a":1}"#),
            (r#"{"error":{}}"#, r#"{"error":{}}"#),
            ("<html>no</html>\n", "<html>no</html>"),
            ("<html><title> 403 no</title><body>long</body></html>", "a web page, \"403 no\""),
            (" ", "the answer has no text"),
        ];
        for (body, want) in table {
            assert_eq!(Detail::read(body.as_bytes()).message, want, "{body}");
        }
    }
}
