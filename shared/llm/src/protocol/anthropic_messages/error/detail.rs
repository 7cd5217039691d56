use serde_json::Value;

use crate::protocol::text::{json, raw};

/// The content of an error's body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Detail {
    pub message: String,
    /// Type of the error (`error.type`), or empty.
    pub kind: String,
}

impl Detail {
    /// Reads `{"type": "error", "error": {...}}`, and the formats of gateways: `{"error": "..."}`, `{"message": ...}`
    /// (AWS) and `{"detail": ...}`. The message of any other body is the body itself.
    pub fn read(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(json(body)).unwrap_or_default();
        let error = value.get("error").unwrap_or(&value);
        let text = |key: &str| error.get(key).and_then(Value::as_str);
        let message = error.as_str().or_else(|| text("message")).or_else(|| text("detail"));
        Self {
            message: message.filter(|text| !text.is_empty()).map_or_else(|| raw(body), str::to_owned),
            kind: text("type").unwrap_or_default().to_owned(),
        }
    }

    /// Returns true if the message contains one of `phrases`, which are in lower case.
    pub fn says(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_found_in_every_shape() {
        let table = [
            (r#"{"type":"error","error":{"type":"api_error","message":"a"}}"#, "a", "api_error"),
            (r#"{"error":"b"}"#, "b", ""),
            (r#"{"message":"c"}"#, "c", ""),
            (r#"{"detail":"d"}"#, "d", ""),
            (
                r#"{"error":{"type":"api_error","message":""}}"#,
                r#"{"error":{"type":"api_error","message":""}}"#,
                "api_error",
            ),
            (" <html> ", "<html>", ""),
            ("", "the answer has no text", ""),
        ];
        for (body, message, kind) in table {
            let want = Detail { message: message.into(), kind: kind.into() };
            assert_eq!(Detail::read(body.as_bytes()), want, "{body}");
        }
    }
}
