//! Lets requests pass by their bearer token, its role, and what it can see.

mod known;
mod session;
#[cfg(test)]
mod tests;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::Response,
};
use runmill_config::Role;
use runmill_proto::RunId;

use super::{ApiState, problem::ApiError};
use crate::caller::Caller;
pub use known::KnownTokens;
pub use session::{SessionCookie, is_of_this_site};

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
    #[error(
        "this request comes from another site: a browser's session changes something only from runmill's own pages"
    )]
    OtherSite,
}

/// Lets requests with a valid token pass, and attaches its [`Caller`] to them.
pub async fn authenticate(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let caller = signed_in(&state, request.method(), request.headers()).await?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Returns the rights of the token in a request's header, or else of its session.
pub async fn signed_in(state: &ApiState, method: &Method, headers: &HeaderMap) -> Result<Caller, ApiError> {
    if headers.contains_key(header::AUTHORIZATION) {
        return user(state, bearer(headers).ok_or(AuthError::NoToken)?).await;
    }
    let cookie = SessionCookie::of(headers, &state.public_url);
    let token = cookie.token(headers).ok_or(AuthError::NoToken)?;
    // A browser sends the cookie along whoever makes the request.
    if !method.is_safe() && !is_of_this_site(headers, &state.public_url) {
        return Err(AuthError::OtherSite.into());
    }
    user(state, &token).await
}

/// Returns the rights of a user's token.
pub async fn user(state: &ApiState, token: &str) -> Result<Caller, ApiError> {
    let caller = state.tokens.caller(token).await?;
    match caller.run_id {
        Some(run_id) => Err(AuthError::OfRun(run_id).into()),
        None => Ok(caller),
    }
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
