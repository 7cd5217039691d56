use std::time::Duration;

use serde_json::Value;

use crate::{
    protocol::text::{json, raw},
    retry_after::delay,
};

/// The content of an error: a `google.rpc.Status` with its details. Absent texts are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Detail {
    pub message: String,
    /// HTTP status of the error.
    pub code: Option<u16>,
    /// Name of Google's own code, such as `RESOURCE_EXHAUSTED`.
    pub status: String,
    /// Reason in an `ErrorInfo`.
    pub reason: String,
    /// Delay in a `RetryInfo`.
    pub delay: Option<Duration>,
    /// True if a `QuotaFailure` names a daily quota.
    pub per_day: bool,
}

impl Detail {
    /// Reads `{"error": {...}}`, also as the only element of a list (without `alt=sse`), the error alone, and
    /// `{"error": "..."}` of gateways. The message of any other body is the body itself.
    pub fn read(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(json(body)).unwrap_or_default();
        let value = value.get(0).unwrap_or(&value);
        let error = value.get("error").unwrap_or(value);
        let detail = Self::from_error(error);
        if detail.message.is_empty() { Self { message: raw(body), ..detail } } else { detail }
    }

    fn from_error(error: &Value) -> Self {
        let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        let mut detail = Self {
            message: error.as_str().map_or_else(|| text(error, "message"), str::to_owned),
            code: code.filter(|code| (400..600).contains(code)),
            status: text(error, "status"),
            ..Self::default()
        };
        for info in list(error, "details") {
            detail.add(info);
        }
        detail
    }

    /// Adds a detail. Its type is recognised by its fields, because gateways remove the type's name.
    fn add(&mut self, info: &Value) {
        let retry_delay = text(info, "retryDelay");
        let seconds = retry_delay.strip_suffix('s').and_then(|seconds| seconds.parse().ok());
        self.delay = seconds.and_then(delay).or(self.delay);
        let reason = text(info, "reason");
        if !reason.is_empty() {
            self.reason = reason;
        }
        self.per_day |= list(info, "violations").any(|quota| {
            text(quota, "quotaId").contains("PerDay") || text(quota, "quotaMetric").contains("per_day")
        });
    }

    /// Returns true if the message contains one of `phrases`, which are in lower case.
    pub fn says(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }
}

fn text(object: &Value, key: &str) -> String {
    object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}
