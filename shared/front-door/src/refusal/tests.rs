use runmill_proto::{ErrorKind, message::CallFailure};

use super::*;

fn failure(kind: ErrorKind, message: &str) -> CallFailure {
    CallFailure { kind, message: message.into(), status: None, retry_after_ms: None }
}

#[test]
fn each_kind_of_failure_has_a_status_that_its_cause_deserves() {
    let table = [
        (ErrorKind::Connection, 502, None, None, None),
        (ErrorKind::ConnectTimeout, 504, None, None, None),
        (ErrorKind::FirstTokenTimeout, 504, None, None, None),
        (ErrorKind::IdleTimeout, 504, None, None, None),
        (ErrorKind::TotalTimeout, 504, None, None, None),
        (ErrorKind::RateLimited, 429, Some("rate_limit_exceeded"), Some(5), None),
        (ErrorKind::Overloaded, 503, None, Some(5), None),
        (ErrorKind::ServerError, 502, None, None, None),
        (ErrorKind::TruncatedStream, 502, None, None, None),
        (ErrorKind::MalformedResponse, 502, None, None, None),
        (ErrorKind::EmptyAnswer, 502, None, None, None),
        (ErrorKind::StreamRejected, 502, None, None, Some(false)),
        (ErrorKind::InvalidRequest, 400, None, None, None),
        (ErrorKind::ContextLength, 400, Some("context_length_exceeded"), None, None),
        (ErrorKind::ContentPolicy, 400, Some("content_filter"), None, None),
        (ErrorKind::Authentication, 502, Some("provider_authentication_failed"), None, Some(false)),
        (ErrorKind::QuotaExhausted, 503, Some("provider_quota_exhausted"), None, Some(false)),
        (ErrorKind::BudgetUsedUp, 429, Some("insufficient_quota"), Some(60), Some(false)),
        (ErrorKind::BadItem, 400, None, None, None),
        (ErrorKind::NoAnswer, 400, None, None, None),
        (ErrorKind::Interrupted, 503, None, Some(1), None),
        (ErrorKind::DeadlinePassed, 504, None, None, None),
        (ErrorKind::Poisoned, 500, None, None, Some(false)),
        (ErrorKind::Quarantined, 500, None, None, Some(false)),
        (ErrorKind::AnswerTooLarge, 502, None, None, Some(false)),
        (ErrorKind::ProviderUnavailable, 503, Some("provider_unavailable"), None, Some(false)),
    ];
    assert_eq!(table.len(), ErrorKind::ALL.len(), "the table has every kind");
    for (kind, status, code, wait, should_retry) in table {
        let refusal = Refusal::from(&failure(kind, "It said: no."));
        let seconds = refusal.retry_after.map(|wait| wait.as_secs());
        let got = (refusal.status, refusal.code.as_deref(), seconds, refusal.should_retry);
        assert_eq!(got, (status, code, wait, should_retry), "{kind}");
        assert!(refusal.message.ends_with(" It said: no."), "{kind}: {}", refusal.message);
        assert!(!refusal.message.contains("  "), "{kind}: {}", refusal.message);
    }
}

#[test]
fn a_wait_is_told_in_the_range_that_every_client_honours() {
    let table = [(Some(0), 1), (Some(900), 1), (Some(12_000), 12), (Some(3_600_000), 60), (None, 5)];
    for (retry_after_ms, want) in table {
        let failure = CallFailure { retry_after_ms, ..failure(ErrorKind::RateLimited, "") };
        assert_eq!(
            Refusal::from(&failure).retry_after,
            Some(Duration::from_secs(want)),
            "{retry_after_ms:?}"
        );
    }
}

#[test]
fn too_long_a_prompt_has_the_words_that_clients_look_for() {
    const WORDS: &str = "This model's maximum context length is";
    let own = format!("{WORDS} 8192 tokens. However, you requested 9000 tokens.");
    let table = [
        (own.as_str(), own.clone()),
        (
            "prompt is too long: 9 > 8",
            format!(
                "{WORDS} exceeded by the prompt, with the tokens of the answer. prompt is too long: 9 > 8"
            ),
        ),
    ];
    for (theirs, want) in table {
        let refusal = Refusal::from(&failure(ErrorKind::ContextLength, theirs));
        let body = refusal.body(Dialect::OpenAi);
        assert_eq!(body["error"]["message"], want);
        assert_eq!(body["error"]["code"], "context_length_exceeded");
        assert_eq!(body["error"]["param"], "messages");
        let message = &refusal.body(Dialect::Anthropic)["error"]["message"];
        assert!(message.as_str().unwrap().starts_with("prompt is too long: "), "{message}");
    }
}

#[test]
fn a_refusal_of_the_provider_keeps_the_status_that_clients_know() {
    let table = [
        (None, 400, None),
        (Some(422), 400, None),
        (Some(404), 404, Some("model_not_found")),
        (Some(413), 413, None),
    ];
    for (theirs, status, code) in table {
        let refusal =
            Refusal::from(&CallFailure { status: theirs, ..failure(ErrorKind::InvalidRequest, "x") });
        assert_eq!((refusal.status, refusal.code.as_deref()), (status, code), "{theirs:?}");
    }
}

#[test]
fn only_a_refusal_of_the_provider_is_told_as_one() {
    let table = [
        (Some(422), "The provider refused the request. No images."),
        (None, "The request cannot be answered. No images."),
    ];
    for (status, want) in table {
        let failure = CallFailure { status, ..failure(ErrorKind::InvalidRequest, "No images.") };
        assert_eq!(Refusal::from(&failure).message, want);
    }
}

#[test]
fn an_error_has_every_field_of_its_protocol() {
    let refusal = Refusal::invalid("n", "too many").with_code("unsupported_value");
    let openai = json!({
        "error": {
            "message": "too many", "type": "invalid_request_error", "param": "n", "code": "unsupported_value",
        },
    });
    let anthropic = json!({
        "type": "error",
        "error": { "type": "invalid_request_error", "message": "too many" },
        "request_id": null,
    });
    assert_eq!(refusal.body(Dialect::OpenAi), openai);
    assert_eq!(refusal.body(Dialect::Anthropic), anthropic);
    let nulls = &Refusal::new(404, "no").body(Dialect::OpenAi)["error"];
    assert_eq!((&nulls["param"], &nulls["code"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_type_of_an_error_follows_from_its_status() {
    let table = [
        (400, "invalid_request_error", "invalid_request_error"),
        (401, "authentication_error", "authentication_error"),
        (403, "permission_error", "permission_error"),
        (404, "invalid_request_error", "not_found_error"),
        (413, "invalid_request_error", "request_too_large"),
        (429, "rate_limit_error", "rate_limit_error"),
        (500, "server_error", "api_error"),
        (502, "server_error", "api_error"),
        (503, "server_error", "overloaded_error"),
        (504, "server_error", "timeout_error"),
    ];
    for (status, openai, anthropic) in table {
        let refusal = Refusal::new(status, "x");
        assert_eq!(refusal.body(Dialect::OpenAi)["error"]["type"], openai, "{status}");
        assert_eq!(refusal.body(Dialect::Anthropic)["error"]["type"], anthropic, "{status}");
    }
}

#[test]
fn the_guide_has_every_kind_of_failure_with_its_status() {
    let guide = include_str!("../../../../docs/front-door.md");
    for kind in ErrorKind::ALL {
        let refusal = Refusal::from(&failure(*kind, ""));
        let name = format!("`{kind}`");
        let row = guide.lines().find(|line| line.starts_with('|') && line.contains(&name));
        let cells: Vec<_> =
            row.unwrap_or_else(|| panic!("{kind} has no row")).split('|').map(str::trim).collect();
        assert!(cells[2].starts_with(&refusal.status.to_string()), "{kind}: {cells:?}");
        assert_eq!(cells[3].trim_matches('`'), refusal.code.unwrap_or_default(), "{kind}");
        assert_eq!(cells[4] == "`false`", refusal.should_retry == Some(false), "{kind}");
    }
}
