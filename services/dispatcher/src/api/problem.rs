use axum::{
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use runmill_proto::{
    ConfigFault,
    api::{Problem, ProblemError},
};
use runmill_store::StoreError;

/// What went wrong with a request, as RFC 9457 problem details. The only place where an error meets HTTP.
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

    /// One or more fields of the body are wrong.
    pub fn invalid(errors: Vec<ProblemError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} fields of the request are wrong", many.len()),
        };
        Self { status: StatusCode::BAD_REQUEST, detail, errors }
    }
}

/// A fault of the field at `pointer`.
pub fn fault(pointer: &str, detail: impl Into<String>) -> ProblemError {
    ProblemError { pointer: pointer.to_owned(), detail: detail.into() }
}

/// A fault of a run's configuration, with its place in the whole body.
pub fn config_fault(config_fault: ConfigFault) -> ProblemError {
    fault(&format!("/config{}", config_fault.pointer), config_fault.detail)
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
                    "the database is not available now; try again in some seconds",
                );
            }
            StoreError::NewerSchema { .. } | StoreError::Broken(_) => {
                tracing::error!(event = "http.store_broken", %error);
                return Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the request failed inside runmill; its log has the reason under this X-Request-ID",
                );
            }
        };
        Self::new(status, error.to_string())
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            // serde's own words say the field and the place.
            JsonRejection::JsonDataError(error) => Self::bad_request(without_value(&error.body_text())),
            other => Self::new(other.status(), other.body_text()),
        }
    }
}

/// serde quotes the text that it found where something else belongs. That may be a key in the wrong place.
fn without_value(text: &str) -> String {
    for (open, close) in [("string \"", "\", expected"), ("unknown variant `", "`, expected")] {
        if let (Some(start), Some(end)) = (text.find(open), text.rfind(close))
            && start + open.len() <= end
        {
            return format!("{}{open}...{}", &text[..start], &text[end..]);
        }
    }
    text.to_owned()
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
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
                "keys: invalid type: string \"...\", expected a map at 1",
            ),
            (
                "kind: unknown variant `sk-1`, expected `a` or `b`",
                "kind: unknown variant `...`, expected `a` or `b`",
            ),
            ("missing field `name`", "missing field `name`"),
        ];
        for (text, want) in table {
            assert_eq!(without_value(text), want);
        }
    }
}
