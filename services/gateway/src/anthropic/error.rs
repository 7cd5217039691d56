use serde::Serialize;

use crate::{
    behaviour::Refusal,
    limit::{Excess, Unit},
    protocol::{ErrorResponse, Fault},
};

/// Body of an error from Anthropic, in a response and in a stream.
#[derive(Serialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: &'static str,
    error: Inner,
    request_id: String,
}

#[derive(Serialize)]
struct Inner {
    #[serde(rename = "type")]
    kind: &'static str,
    message: String,
}

pub(super) fn error_response(fault: &Fault, number: u64) -> ErrorResponse {
    ErrorResponse { status: status(fault), json: json(fault, number), retry_after: fault.retry_after() }
}

pub(super) fn json(fault: &Fault, number: u64) -> Vec<u8> {
    let error = Inner { kind: kind(status(fault)), message: message(fault) };
    let envelope = Envelope { kind: "error", error, request_id: format!("req_{number:x}") };
    serde_json::to_vec(&envelope).expect("text serializes")
}

fn status(fault: &Fault) -> u16 {
    match fault {
        // The API documents 402 and `billing_error`, but its users report 400.
        Fault::QuotaSpent => 400,
        Fault::Overloaded { .. } => 529,
        fault => fault.status(),
    }
}

fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}

fn message(fault: &Fault) -> String {
    match fault {
        Fault::KeyRevoked => "invalid x-api-key".to_owned(),
        Fault::QuotaSpent => {
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & \
                              Billing to upgrade or purchase credits."
                .to_owned()
        }
        Fault::Overloaded { .. } => "Overloaded".to_owned(),
        Fault::Refused(Refusal::Stream) => "stream: this model does not support streaming".to_owned(),
        Fault::RateLimited { excess, .. } => limited(*excess),
        Fault::NoSuchModel { name, why } => format!("model: {name}: {why}"),
        fault => fault.to_string(),
    }
}

fn limited(Excess { unit, limit, .. }: Excess) -> String {
    let unit = match unit {
        Unit::CallsInFlight => {
            return "Number of concurrent connections has exceeded your rate limit. Please try again later or \
                    contact sales at https://www.anthropic.com/contact-sales to discuss your options for a rate \
                    limit increase."
                .to_owned();
        }
        Unit::CallsPerSecond => "requests per second",
        Unit::CallsPerMinute => "requests per minute",
        Unit::TokensPerMinute => "tokens per minute",
    };
    format!("This request would exceed your organization's rate limit of {limit} {unit}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_body::BodyError;

    #[test]
    fn errors_have_the_type_of_their_status() {
        let table = [
            (400, "invalid_request_error"),
            (401, "authentication_error"),
            (402, "billing_error"),
            (403, "permission_error"),
            (404, "not_found_error"),
            (408, "invalid_request_error"),
            (413, "request_too_large"),
            (422, "invalid_request_error"),
            (429, "rate_limit_error"),
            (500, "api_error"),
            (503, "api_error"),
            (504, "timeout_error"),
            (529, "overloaded_error"),
        ];
        for (status, kind) in table {
            let response = error_response(&Fault::AskedFor { status, retry_after: Some(2) }, 0xab);

            let want = format!(
                r#"{{"type":"error","error":{{"type":"{kind}","message":"The model's name asks for this call to fail with status {status}."}},"request_id":"req_ab"}}"#
            );
            assert_eq!((response.status, response.retry_after), (status, Some(2)));
            assert_eq!(String::from_utf8(response.json).unwrap(), want);
        }
    }

    #[test]
    fn what_is_wrong_has_anthropics_status_and_words() {
        let table = [
            (Fault::KeyRevoked, 401, r#""authentication_error","message":"invalid x-api-key""#),
            (Fault::QuotaSpent, 400, r#""invalid_request_error","message":"Your credit balance is too low"#),
            (Fault::Overloaded { retry_after: None }, 529, r#""overloaded_error","message":"Overloaded""#),
            (Fault::Refused(Refusal::Stream), 400, "this model does not support streaming"),
            (Fault::Refused(Refusal::Buffered), 400, "This model only support stream mode"),
            (Fault::Body(BodyError::TooLong { bytes_max: 9 }), 413, "request_too_large"),
        ];
        for (fault, status, want) in table {
            let response = error_response(&fault, 1);
            let json = String::from_utf8(response.json).unwrap();
            assert_eq!(response.status, status, "{json}");
            assert!(json.contains(want), "{json}");
        }
    }
}
