use serde::Serialize;

use crate::{
    behaviour::Refusal,
    limit::Unit,
    protocol::{ErrorResponse, Fault},
};

/// Body of an error from `OpenAI`: `{"error":{"message","type","param","code"}}`.
#[derive(Serialize)]
struct Envelope {
    error: Inner,
}

#[derive(Serialize)]
struct Inner {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

const INVALID: &str = "invalid_request_error";

pub(crate) fn error_response(fault: &Fault) -> ErrorResponse {
    ErrorResponse { status: fault.status(), json: json(fault), retry_after: fault.retry_after() }
}

pub(super) fn json(fault: &Fault) -> Vec<u8> {
    let (kind, param, code) = classify(fault);
    let envelope = Envelope { error: Inner { message: fault.to_string(), kind, param, code } };
    serde_json::to_vec(&envelope).expect("text serializes")
}

/// Returns the type, the parameter and the code of an error.
fn classify(fault: &Fault) -> (&'static str, Option<&'static str>, Option<&'static str>) {
    match fault {
        Fault::Body(_) | Fault::Unreadable(_) | Fault::NoSuchPath(_) => (INVALID, None, None),
        Fault::Invalid { param, .. } => (INVALID, Some(param), None),
        Fault::NoSuchModel { .. } => (INVALID, Some("model"), Some("model_not_found")),
        Fault::Refused(Refusal::Stream) => (INVALID, Some("stream"), Some("unsupported_value")),
        // Alibaba's servers have such models, and send this code.
        Fault::Refused(Refusal::Buffered) => (INVALID, None, Some("invalid_parameter_error")),
        Fault::Refused(Refusal::StreamOptions) => {
            (INVALID, Some("stream_options"), Some("unknown_parameter"))
        }
        Fault::KeyRevoked => (INVALID, None, Some("invalid_api_key")),
        Fault::QuotaSpent => ("insufficient_quota", None, Some("insufficient_quota")),
        Fault::RateLimited { excess, .. } => {
            let kind = if excess.unit == Unit::TokensPerMinute { "tokens" } else { "requests" };
            (kind, None, Some("rate_limit_exceeded"))
        }
        Fault::Overloaded { .. } => ("overloaded_error", None, None),
        Fault::AskedFor { status, .. } => match status {
            401 => (INVALID, None, Some("invalid_api_key")),
            403 => (INVALID, None, Some("unsupported_country_region_territory")),
            404 => (INVALID, None, Some("model_not_found")),
            429 => ("requests", None, Some("rate_limit_exceeded")),
            400..=499 => (INVALID, None, None),
            _ => ("server_error", None, None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::UnknownModel;

    #[test]
    fn errors_read_as_openai_writes_them() {
        let asked_for = |status| Fault::AskedFor { status, retry_after: None };
        let table = [
            (asked_for(429), r#""type":"requests","param":null,"code":"rate_limit_exceeded""#),
            (asked_for(503), r#""type":"server_error","param":null,"code":null"#),
            (
                Fault::Refused(Refusal::Stream),
                r#""type":"invalid_request_error","param":"stream","code":"unsupported_value""#,
            ),
            (Fault::Refused(Refusal::Buffered), r#""param":null,"code":"invalid_parameter_error""#),
            (
                Fault::Refused(Refusal::StreamOptions),
                r#"{"error":{"message":"Unknown parameter: 'stream_options'.","type":"invalid_request_error","param":"stream_options","code":"unknown_parameter"}}"#,
            ),
            (Fault::KeyRevoked, r#""type":"invalid_request_error","param":null,"code":"invalid_api_key""#),
            (Fault::QuotaSpent, r#""type":"insufficient_quota","param":null,"code":"insufficient_quota""#),
            (
                Fault::no_such_model("x\"y", UnknownModel::NoKey),
                r#"{"error":{"message":"The model `x\"y` does not exist: `key` needs"#,
            ),
        ];
        for (fault, want) in table {
            let json = String::from_utf8(json(&fault)).unwrap();
            assert!(json.contains(want), "{json}");
        }
    }
}
