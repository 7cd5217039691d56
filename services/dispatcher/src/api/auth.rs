use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use runmill_config::{Access, Token};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::problem::ApiError;

/// The tokens that the API accepts.
#[derive(Clone, Debug, Default)]
pub struct Tokens(pub Vec<Token>);

impl Tokens {
    /// Every token is compared, and each in constant time, so that the time taken tells nothing.
    fn role_of(&self, presented: &str) -> Option<Access> {
        self.0.iter().fold(None, |found, token| {
            let equal = token.value.expose_secret().as_bytes().ct_eq(presented.as_bytes());
            if bool::from(equal) { Some(token.access) } else { found }
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

fn needed_role(method: &Method, path: &str) -> Access {
    if method == Method::GET || method == Method::HEAD {
        Access::Observe
    } else if path.starts_with("/runs") || path.starts_with("/datasets") || path.ends_with("/smoke-test") {
        Access::Submit
    } else {
        Access::Admin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_needs_more_than_reading() {
        let table = [
            (Method::GET, "/providers", Access::Observe),
            (Method::GET, "/runs/events", Access::Observe),
            (Method::POST, "/runs", Access::Submit),
            (Method::POST, "/runs/run_1/cancel", Access::Submit),
            (Method::POST, "/datasets", Access::Submit),
            (Method::POST, "/providers/prov_1/smoke-test", Access::Submit),
            (Method::POST, "/providers", Access::Admin),
            (Method::DELETE, "/providers/prov_1", Access::Admin),
            (Method::PUT, "/settings", Access::Admin),
        ];
        for (method, path, want) in table {
            assert_eq!(needed_role(&method, path), want, "{method} {path}");
        }
    }

    #[test]
    fn a_token_has_its_own_role_and_no_other_text_has_one() {
        let token = |access, value: &str| Token { access, value: value.to_owned().into() };
        let tokens =
            Tokens(vec![token(Access::Admin, "admin-token"), token(Access::Observe, "observe-token")]);
        assert_eq!(tokens.role_of("admin-token"), Some(Access::Admin));
        assert_eq!(tokens.role_of("observe-token"), Some(Access::Observe));
        for wrong in ["", "admin-toke", "admin-token2"] {
            assert_eq!(tokens.role_of(wrong), None, "{wrong:?}");
        }
    }
}
