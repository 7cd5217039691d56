//! Extractors of axum whose rejections have the shape of the client's protocol.

use axum::{
    extract::{self, FromRequestParts},
    http::{StatusCode, request::Parts},
};
use runmill_front_door::Refusal;
use serde::de::DeserializeOwned;

use super::{refused::Refused, sign_in::dialect};

pub struct Path<T>(pub T);

pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let found = extract::Path::from_request_parts(parts, state).await;
        found
            .map(|extract::Path(value)| Self(value))
            .map_err(|error| refused(parts, error.status(), error.body_text()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let found = extract::Query::from_request_parts(parts, state).await;
        found
            .map(|extract::Query(value)| Self(value))
            .map_err(|error| refused(parts, error.status(), error.body_text()))
    }
}

fn refused(parts: &Parts, status: StatusCode, words: String) -> Refused {
    let dialect = dialect(parts.uri.path(), &parts.headers);
    Refused { dialect, refusal: Refusal::new(status.as_u16(), words) }
}
