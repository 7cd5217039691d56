use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use runmill_config::{Role, Token};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::problem::ApiError;

/// The tokens that the API accepts.
#[derive(Clone, Debug, Default)]
pub struct Tokens(pub Vec<Token>);

impl Tokens {
    /// Every token is compared, and each in constant time, so that the time taken tells nothing.
    fn role_of(&self, presented: &str) -> Option<Role> {
        self.0.iter().fold(None, |found, token| {
            let equal = token.value.expose_secret().as_bytes().ct_eq(presented.as_bytes());
            if bool::from(equal) { Some(token.role) } else { found }
        })
    }
}

/// Lets a request pass whose token has the role that its method and path ask for.
pub async fn authorize(
    State(tokens): State<std::sync::Arc<Tokens>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let presented = bearer(request.headers()).ok_or_else(|| {
        ApiError::new(StatusCode::UNAUTHORIZED, "send your token as `Authorization: Bearer <token>`")
    })?;
    let role = tokens
        .role_of(presented)
        .ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, "the bearer token is not one of ours"))?;
    let needed = needed_role(request.method(), request.uri().path());
    if role < needed {
        let detail = format!("this needs a token with the role {needed}");
        return Err(ApiError::new(StatusCode::FORBIDDEN, detail));
    }
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn needed_role(method: &Method, path: &str) -> Role {
    if method == Method::GET || method == Method::HEAD {
        Role::Observe
    } else if path.starts_with("/runs") || path.starts_with("/datasets") || path.ends_with("/smoke-test") {
        Role::Submit
    } else {
        Role::Admin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_needs_more_than_reading() {
        let table = [
            (Method::GET, "/providers", Role::Observe),
            (Method::GET, "/runs/events", Role::Observe),
            (Method::POST, "/runs", Role::Submit),
            (Method::POST, "/runs/run_1/cancel", Role::Submit),
            (Method::POST, "/datasets", Role::Submit),
            (Method::POST, "/providers/prov_1/smoke-test", Role::Submit),
            (Method::POST, "/providers", Role::Admin),
            (Method::DELETE, "/providers/prov_1", Role::Admin),
            (Method::PUT, "/settings", Role::Admin),
        ];
        for (method, path, want) in table {
            assert_eq!(needed_role(&method, path), want, "{method} {path}");
        }
    }

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
