use serde::Serialize;

use super::{Gemini, path::Delivery};
use crate::{
    behaviour::Refusal,
    limit::Unit,
    protocol::{ErrorResponse, Fault},
};

/// Body of an error from Google.
#[derive(Serialize)]
struct Envelope {
    error: Inner,
}

#[derive(Serialize)]
struct Inner {
    code: u16,
    message: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

#[derive(Serialize)]
#[serde(tag = "@type")]
enum Detail {
    #[serde(rename = "type.googleapis.com/google.rpc.ErrorInfo")]
    ErrorInfo { reason: &'static str, domain: &'static str },
    #[serde(rename = "type.googleapis.com/google.rpc.QuotaFailure")]
    QuotaFailure { violations: [Violation; 1] },
    #[serde(rename = "type.googleapis.com/google.rpc.RetryInfo", rename_all = "camelCase")]
    RetryInfo { retry_delay: String },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Violation {
    quota_metric: &'static str,
    quota_id: &'static str,
}

/// Delay that Google's API sends even if the daily quota is used up, although the next call fails, too.
const SPENT_RETRY_SECONDS: u32 = 36;

/// Makes the error response of a method. For a method that delivers an array, the error is the array's only element.
pub(super) fn method_error_response(fault: &Fault, method: &Gemini) -> ErrorResponse {
    let mut envelope = envelope(fault);
    if let Some(reason) = not_found(fault, method) {
        (envelope.error.code, envelope.error.status) = (404, name(404));
        envelope.error.message = reason;
    }
    let status = envelope.error.code;
    let json = match method.delivery {
        Delivery::Array => serde_json::to_vec(&[envelope]),
        Delivery::Whole | Delivery::Events => serde_json::to_vec(&envelope),
    };
    ErrorResponse { status, json: json.expect("text serializes"), retry_after: None }
}

pub(crate) fn error_response(fault: &Fault) -> ErrorResponse {
    ErrorResponse { status: fault.status(), json: json(fault), retry_after: None }
}

pub(super) fn json(fault: &Fault) -> Vec<u8> {
    serde_json::to_vec(&envelope(fault)).expect("text serializes")
}

fn envelope(fault: &Fault) -> Envelope {
    let code = match fault {
        // Google treats a key as an argument of the call, and keeps 401 for other kinds of credentials.
        Fault::KeyRevoked => 400,
        fault => fault.status(),
    };
    let message = match fault {
        Fault::KeyRevoked => "API key not valid. Please pass a valid API key.".to_owned(),
        Fault::RateLimited { .. } => "Resource has been exhausted (e.g. check quota).".to_owned(),
        Fault::Overloaded { .. } => "The model is overloaded. Please try again later.".to_owned(),
        fault => fault.to_string(),
    };
    Envelope { error: Inner { code, message, status: name(code), details: details(fault) } }
}

/// Returns the message of a 404. Google has one message for a model that does not exist and for one without the method.
fn not_found(fault: &Fault, method: &Gemini) -> Option<String> {
    let (name, why) = match fault {
        Fault::NoSuchModel { name, why } => (&**name, why.to_string()),
        Fault::Refused(Refusal::Stream) => (&*method.model, "it does not stream".to_owned()),
        _ => return None,
    };
    let (version, method) = (method.version, method.method());
    Some(format!(
        "models/{name} is not found for API version {version}, or is not supported for {method}: {why}."
    ))
}

fn details(fault: &Fault) -> Vec<Detail> {
    let retry = |seconds: u32| Detail::RetryInfo { retry_delay: format!("{seconds}s") };
    match fault {
        Fault::KeyRevoked => {
            vec![Detail::ErrorInfo { reason: "API_KEY_INVALID", domain: "googleapis.com" }]
        }
        Fault::QuotaSpent => {
            let violation = Violation {
                quota_metric: "generativelanguage.googleapis.com/generate_requests_per_model_per_day",
                quota_id: "GenerateRequestsPerDayPerProjectPerModel",
            };
            vec![Detail::QuotaFailure { violations: [violation] }, retry(SPENT_RETRY_SECONDS)]
        }
        Fault::RateLimited { excess, retry_after, .. } => {
            let (quota_metric, quota_id) = match excess.unit {
                Unit::TokensPerMinute => (
                    "generativelanguage.googleapis.com/generate_content_input_token_count",
                    "GenerateContentInputTokensPerModelPerMinute",
                ),
                _ => (
                    "generativelanguage.googleapis.com/generate_content_requests",
                    "GenerateRequestsPerMinutePerProjectPerModel",
                ),
            };
            let failure = Detail::QuotaFailure { violations: [Violation { quota_metric, quota_id }] };
            [Some(failure), retry_after.map(retry)].into_iter().flatten().collect()
        }
        fault => fault.retry_after().map(retry).into_iter().collect(),
    }
}

/// Returns the name in `google.rpc.Code` that Google maps to an HTTP status.
fn name(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        400..=498 => "INVALID_ARGUMENT",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(method: &str) -> Gemini {
        Gemini::at(&format!("/v1beta/models/echo:{method}"), "").unwrap()
    }

    fn written(fault: &Fault, method: &str) -> (u16, String) {
        let response = method_error_response(fault, &at(method));
        assert_eq!(response.retry_after, None, "the delay is in the body alone");
        (response.status, String::from_utf8(response.json).unwrap())
    }

    #[test]
    fn errors_have_the_name_of_their_status() {
        let table = [
            (400, "INVALID_ARGUMENT"),
            (401, "UNAUTHENTICATED"),
            (403, "PERMISSION_DENIED"),
            (404, "NOT_FOUND"),
            (409, "ABORTED"),
            (413, "INVALID_ARGUMENT"),
            (429, "RESOURCE_EXHAUSTED"),
            (499, "CANCELLED"),
            (500, "INTERNAL"),
            (501, "UNIMPLEMENTED"),
            (503, "UNAVAILABLE"),
            (504, "DEADLINE_EXCEEDED"),
            (529, "INTERNAL"),
        ];
        for (status, name) in table {
            let fault = Fault::AskedFor { status, retry_after: None };

            let want = format!(
                r#"{{"error":{{"code":{status},"message":"The model's name asks for this call to fail with status {status}.","status":"{name}"}}}}"#
            );
            assert_eq!(written(&fault, "generateContent"), (status, want));
        }
    }

    #[test]
    fn what_is_wrong_has_googles_status_and_details() {
        let limited = Fault::AskedFor { status: 429, retry_after: Some(2) };
        let table = [
            (
                limited,
                429,
                r#""details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2s"}]"#,
            ),
            (Fault::QuotaSpent, 429, r#""quotaId":"GenerateRequestsPerDayPerProjectPerModel""#),
            (Fault::QuotaSpent, 429, r#""retryDelay":"36s""#),
            (Fault::KeyRevoked, 400, r#""status":"INVALID_ARGUMENT""#),
            (Fault::KeyRevoked, 400, r#""reason":"API_KEY_INVALID""#),
            (Fault::Overloaded { retry_after: None }, 503, r#""status":"UNAVAILABLE""#),
            (Fault::Refused(Refusal::Buffered), 400, "This model only support stream mode"),
            (
                Fault::Refused(Refusal::Stream),
                404,
                "models/echo is not found for API version v1beta, or is not supported for generateContent",
            ),
        ];
        for (fault, status, want) in table {
            let (code, json) = written(&fault, "generateContent");
            assert_eq!(code, status, "{json}");
            assert!(json.contains(want), "{json}");
        }
    }

    #[test]
    fn an_error_of_an_array_is_its_element() {
        let (_, json) = written(&Fault::KeyRevoked, "streamGenerateContent");

        assert!(json.starts_with(r#"[{"error":{"code":400"#) && json.ends_with("}}]"), "{json}");
    }
}
