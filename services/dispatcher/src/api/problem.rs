//! Maps the errors of use cases and of the store to HTTP: the only place that does.

use axum::{
    extract::rejection::{FormRejection, JsonRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use runmill_proto::{
    ConfigFault,
    api::{Problem, ProblemError},
};
use runmill_runtime::http::BodyTooSlow;
use runmill_store::StoreError;

use super::auth::AuthError;
use crate::{asking::AskFailure, error::UseCaseError, idempotency_key::InvalidKey, lighteval::ConfigFailure};

/// Error of a request, as RFC 9457 problem details.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    detail: String,
    errors: Vec<ProblemError>,
}

impl ApiError {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Returns the error for a fault of the server itself. Its log has the reason.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request failed inside runmill; look for its X-Request-ID in the server's log",
        )
    }

    /// Returns the status and the words, for a response of another shape.
    pub fn into_parts(self) -> (StatusCode, String) {
        (self.status, self.detail)
    }

    /// Returns the field and the fault of each value that is wrong. An error that concerns none has the field "".
    pub fn named_faults(self) -> Vec<(String, String)> {
        if self.errors.is_empty() {
            return vec![(String::new(), self.detail)];
        }
        self.errors.into_iter().map(|error| (error.pointer, error.detail)).collect()
    }

    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the error for a body with wrong fields.
    fn invalid(faults: Vec<ConfigFault>) -> Self {
        let detail = match faults.as_slice() {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => one.to_string(),
            many => format!("{} fields of the request are wrong; `errors` lists them", many.len()),
        };
        let errors = faults
            .into_iter()
            .map(|ConfigFault { pointer, detail }| ProblemError { pointer, detail })
            .collect();
        Self { status: StatusCode::BAD_REQUEST, detail, errors }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem {
            problem_type: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let mut response = (self.status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let status = match &error {
            StoreError::NotFound { .. } => StatusCode::NOT_FOUND,
            StoreError::Conflict(_) => StatusCode::CONFLICT,
            StoreError::BadLine { .. } => StatusCode::BAD_REQUEST,
            StoreError::Unavailable(_) => {
                tracing::warn!(event = "http.store_unavailable", %error);
                return Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the database is not available; try again in a few seconds",
                );
            }
            StoreError::NewerSchema { .. }
            | StoreError::Unsuitable(_)
            | StoreError::RowRefused(_)
            | StoreError::NoSuchJob(_)
            | StoreError::Broken(_) => {
                tracing::error!(event = "http.store_broken", %error);
                return Self::internal();
            }
        };
        Self::new(status, error.to_string())
    }
}

impl From<UseCaseError> for ApiError {
    fn from(error: UseCaseError) -> Self {
        match error {
            UseCaseError::Invalid(faults) => Self::invalid(faults),
            UseCaseError::Unavailable(detail) => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail),
            UseCaseError::Forbidden(detail) => Self::new(StatusCode::FORBIDDEN, detail),
            UseCaseError::Store(error) => error.into(),
        }
    }
}

impl From<AskFailure> for ApiError {
    fn from(failure: AskFailure) -> Self {
        let status = match failure {
            AskFailure::Request(error) => return error.into(),
            AskFailure::NoExecutor(_) | AskFailure::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            AskFailure::Unreadable => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, failure.to_string())
    }
}

impl From<ConfigFailure> for ApiError {
    fn from(failure: ConfigFailure) -> Self {
        let status = match failure {
            ConfigFailure::Ask(failure) => return failure.into(),
            ConfigFailure::NoKey(_) => StatusCode::SERVICE_UNAVAILABLE,
            ConfigFailure::Unreadable => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, failure.to_string())
    }
}

impl From<InvalidKey> for ApiError {
    fn from(error: InvalidKey) -> Self {
        Self::bad_request(format!("Idempotency-Key {error}"))
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let status = match error {
            AuthError::NoToken
            | AuthError::UnknownToken
            | AuthError::Expired
            | AuthError::Revoked
            | AuthError::RunEnded(_) => StatusCode::UNAUTHORIZED,
            AuthError::RoleTooLow(_) | AuthError::OfRun(_) | AuthError::OtherSite => StatusCode::FORBIDDEN,
        };
        Self::new(status, error.to_string())
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::JsonDataError(error) => Self::bad_request(data_fault(&error.body_text())),
            other if is_too_slow(&other) => Self::new(StatusCode::REQUEST_TIMEOUT, BodyTooSlow.to_string()),
            other => Self::new(other.status(), other.body_text()),
        }
    }
}

/// Returns true if the body of the request came too slowly.
pub fn is_too_slow(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<BodyTooSlow>() || error.source().is_some_and(is_too_slow)
}

/// Returns the words of serde on a value of a wrong type, which name the field and the position, without the value: it may be
/// a key in the wrong field.
fn data_fault(text: &str) -> String {
    let text = text.trim_start_matches("Failed to deserialize the JSON body into the target type: ");
    if let Some((field, names)) = between(text, "unknown variant `", "`, expected ") {
        let names = names.rsplit_once(" at line ").map_or(names, |(names, _)| names);
        return format!("{field}must be {names}");
    }
    match between(text, "string \"", "\", expected ") {
        Some((before, wanted)) => format!("{before}a string, expected {wanted}"),
        None => text.to_owned(),
    }
}

/// Returns what stands before `open` and after the last `close`.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<(&'a str, &'a str)> {
    let (before, rest) = text.split_once(open)?;
    let (_, after) = rest.rsplit_once(close)?;
    Some((before, after))
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<FormRejection> for ApiError {
    fn from(rejection: FormRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_not_repeated() {
        let table = [
            (
                "keys: invalid type: string \"sk\\\"1\", expected a map at 1",
                "keys: invalid type: a string, expected a map at 1",
            ),
            (
                "Failed to deserialize the JSON body into the target type: kind: unknown variant `sk-1`, expected one of `a`, `b` at line 1 column 26",
                "kind: must be one of `a`, `b`",
            ),
            ("missing field `name`", "missing field `name`"),
        ];
        for (text, want) in table {
            assert_eq!(data_fault(text), want);
        }
    }
}
