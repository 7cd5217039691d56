//! Lets requests pass by their bearer token, its role, and what it can see.

mod known;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use runmill_config::Role;
use runmill_proto::RunId;

use super::problem::ApiError;
use crate::caller::Caller;
pub use known::KnownTokens;

/// Reason why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("send your token as `Authorization: Bearer <token>`")]
    NoToken,
    #[error("this bearer token is unknown; `runmill tokens create` makes one")]
    UnknownToken,
    #[error("this bearer token has expired; `runmill tokens create` makes a new one")]
    Expired,
    #[error("this bearer token was revoked")]
    Revoked,
    #[error("this request needs a token with the role {0}")]
    RoleTooLow(Role),
    #[error("this bearer token belongs to the run {0}, and only calls models for it")]
    OfRun(RunId),
    #[error("this bearer token belongs to the run {0}, which has ended")]
    RunEnded(RunId),
}

/// Lets requests with a valid token pass, and attaches its [`Caller`] to them.
pub async fn authenticate(
    State(tokens): State<Arc<KnownTokens>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let presented = bearer(request.headers()).ok_or(AuthError::NoToken)?;
    let caller = tokens.caller(presented).await?;
    if let Some(run_id) = caller.run_id {
        return Err(AuthError::OfRun(run_id).into());
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Lets requests pass whose token has the role `needed` or a higher one.
pub async fn require(needed: Role, request: Request, next: Next) -> Result<Response, ApiError> {
    let caller: &Caller = request.extensions().get().ok_or(AuthError::NoToken)?;
    if caller.role < needed {
        return Err(AuthError::RoleTooLow(needed).into());
    }
    Ok(next.run(request).await)
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(parts.extensions.get::<Self>().cloned().ok_or(AuthError::NoToken)?)
    }
}

/// Returns the token of the header `Authorization: Bearer <token>`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
