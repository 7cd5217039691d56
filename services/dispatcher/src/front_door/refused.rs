//! Turns the errors of all parts into refusals, and refusals into responses in the protocol's shape.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use runmill_front_door::{Dialect, Refusal};
use runmill_store::StoreError;

use super::model::UnknownModel;
use crate::api::ApiError;

const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// Time after which a request may be sent again that found a part of the installation out of reach.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Returns the response to a request that is refused.
pub fn response(refusal: &Refusal, dialect: Dialect) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(refusal.body(dialect))).into_response();
    let headers = response.headers_mut();
    if let Some(wait) = refusal.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if let Some(should_retry) = refusal.should_retry {
        let value = if should_retry { "true" } else { "false" };
        headers.insert(X_SHOULD_RETRY, HeaderValue::from_static(value));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// A refused request of a client of one protocol.
#[derive(Debug)]
pub struct Refused {
    pub dialect: Dialect,
    pub refusal: Refusal,
}

impl Refused {
    /// Returns the conversion of refusals to responses, for `map_err`.
    pub fn by(dialect: Dialect) -> impl Fn(Refusal) -> Self {
        move |refusal| Self { dialect, refusal }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        response(&self.refusal, self.dialect)
    }
}

pub fn from_api(error: ApiError) -> Refusal {
    let (status, detail) = error.into_parts();
    let refusal = Refusal::new(status.as_u16(), detail);
    match status {
        StatusCode::UNAUTHORIZED => refusal.with_code("invalid_api_key"),
        StatusCode::SERVICE_UNAVAILABLE => refusal.retry_after(AGAIN_AFTER),
        _ => refusal,
    }
}

pub fn from_store(error: StoreError) -> Refusal {
    from_api(error.into())
}

pub fn from_model(error: UnknownModel) -> Refusal {
    match error {
        UnknownModel::Store(error) => from_store(error),
        UnknownModel::Empty => Refusal::invalid("model", error.to_string()),
        UnknownModel::NoProvider(_) | UnknownModel::Ambiguous { .. } | UnknownModel::OfSeveral(_) => {
            let refusal = Refusal { param: Some("model".to_owned()), ..Refusal::new(404, error.to_string()) };
            refusal.with_code("model_not_found")
        }
    }
}

/// Returns the refusal of a call whose executor, or whose way to it, is out of reach.
pub fn no_executor(provider: &str) -> Refusal {
    let words =
        format!("no executor takes calls of the provider {provider} now; start one, or see `GET /executors`");
    Refusal::new(503, words).retry_after(AGAIN_AFTER)
}

/// Returns the refusal of a call whose answer was lost on its way.
pub fn lost(reason: &str) -> Refusal {
    Refusal::new(502, format!("the answer was lost: {reason}; send the request again"))
        .retry_after(Duration::from_secs(1))
}
