use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use runmill_config::{Role, Token};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::problem::ApiError;

/// Tokens that the API accepts.
#[derive(Clone, Debug, Default)]
pub struct Tokens(pub Vec<Token>);

/// Reason why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("send your token as `Authorization: Bearer <token>`")]
    NoToken,
    #[error("this bearer token is unknown; use one that this server was started with")]
    UnknownToken,
    #[error("this request needs a token with the role {0}")]
    RoleTooLow(Role),
}

impl Tokens {
    /// Every token is compared, and each in constant time, so that the time taken reveals nothing.
    fn role_of(&self, presented: &str) -> Option<Role> {
        self.0.iter().fold(None, |found, token| {
            let equal = token.value.expose_secret().as_bytes().ct_eq(presented.as_bytes());
            if bool::from(equal) { Some(token.role) } else { found }
        })
    }
}

/// Role of the token that a request was sent with. [`authenticate`] attaches it to the request.
#[derive(Clone, Copy)]
struct PresentedRole(Role);

/// Lets requests with a known token pass.
pub async fn authenticate(
    State(tokens): State<Arc<Tokens>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let presented = bearer(request.headers()).ok_or(AuthError::NoToken)?;
    let role = tokens.role_of(presented).ok_or(AuthError::UnknownToken)?;
    request.extensions_mut().insert(PresentedRole(role));
    Ok(next.run(request).await)
}

/// Lets requests pass whose token has the role `needed` or a higher one.
pub async fn require(needed: Role, request: Request, next: Next) -> Result<Response, ApiError> {
    let PresentedRole(role) = request.extensions().get().ok_or(AuthError::NoToken)?;
    if *role < needed {
        return Err(AuthError::RoleTooLow(needed).into());
    }
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_own_role_and_no_other_text_has_one() {
        let token = |role, value: &str| Token { role, value: value.to_owned().into() };
        let tokens = Tokens(vec![token(Role::Admin, "admin-token"), token(Role::Observe, "observe-token")]);
        assert_eq!(tokens.role_of("admin-token"), Some(Role::Admin));
        assert_eq!(tokens.role_of("observe-token"), Some(Role::Observe));
        for wrong in ["", "admin-toke", "admin-token2"] {
            assert_eq!(tokens.role_of(wrong), None, "{wrong:?}");
        }
    }
}
