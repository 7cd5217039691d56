//! Lets clients pass by a token, which they send as the key of an API.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method},
    middleware::Next,
    response::Response,
};
use runmill_config::Role;
use runmill_front_door::{Dialect, Endpoint, Refusal};
use runmill_runtime::http::Visitor;

use super::{FrontDoor, refused};
use crate::{
    api::auth::{self, AuthError},
    caller::Caller,
};

/// Attaches the [`Caller`] to a request with a valid token, whose role is sufficient for the method.
pub async fn sign_in(State(door): State<FrontDoor>, mut request: Request, next: Next) -> Response {
    let dialect = dialect(request.uri().path(), request.headers());
    let asked = Presented {
        key: key(request.headers()).map(str::to_owned),
        calls_model: Endpoint::of_path(request.uri().path()).is_some(),
        method: request.method().clone(),
        visitor: request.extensions().get().cloned(),
    };
    match admit(&door, asked).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => refused::response(&refusal, dialect),
    }
}

/// Token of a request, with its method and its visitor.
struct Presented {
    key: Option<String>,
    /// True if the request asks a model for an answer.
    calls_model: bool,
    method: Method,
    visitor: Option<Visitor>,
}

async fn admit(door: &FrontDoor, asked: Presented) -> Result<Caller, Refusal> {
    let Some(key) = asked.key else {
        let words = "send a token of runmill as `Authorization: Bearer <token>` or `x-api-key: <token>`";
        return Err(Refusal::new(401, words).with_code("invalid_api_key"));
    };
    let caller = door.tokens.caller(&key).await.map_err(refused::from_api)?;
    if let Some(run_id) = caller.run_id.filter(|_| !asked.calls_model) {
        return Err(refused::from_api(AuthError::OfRun(run_id).into()));
    }
    let needed = if asked.method.is_safe() { Role::Observe } else { Role::Submit };
    if caller.role < needed {
        return Err(Refusal::new(403, format!("this request needs a token with the role {needed}")));
    }
    let has_room = asked.visitor.as_ref().is_none_or(Visitor::sign_in);
    if !has_room {
        let words = "the server works for as many connections as it may have (RUNMILL_CONNECTIONS_MAX)";
        return Err(Refusal::new(503, words).retry_after(Duration::from_secs(5)));
    }
    Ok(caller)
}

/// Returns the token. Newer clients of Anthropic send it as `Authorization`, too.
fn key(headers: &HeaderMap) -> Option<&str> {
    auth::bearer(headers).or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim))
}

/// Returns the protocol in whose shape the client reads an error or a list.
pub fn dialect(path: &str, headers: &HeaderMap) -> Dialect {
    let is_anthropic = path.starts_with("/v1/messages") || headers.contains_key("anthropic-version");
    if is_anthropic { Dialect::Anthropic } else { Dialect::OpenAi }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_key_is_read_from_either_header() {
        let table = [
            (headers(&[("authorization", "Bearer a")]), Some("a")),
            (headers(&[("x-api-key", " b ")]), Some("b")),
            (headers(&[("x-api-key", "b"), ("authorization", "bearer a")]), Some("a")),
            (headers(&[("authorization", "Basic a")]), None),
            (headers(&[]), None),
        ];
        for (headers, want) in table {
            assert_eq!(key(&headers), want, "{headers:?}");
        }
    }

    #[test]
    fn a_client_of_anthropic_is_known_by_its_path_or_its_version() {
        let none = HeaderMap::new();
        assert_eq!(dialect("/v1/messages/count_tokens", &none), Dialect::Anthropic);
        assert_eq!(
            dialect("/v1/models", &headers(&[("anthropic-version", "2023-06-01")])),
            Dialect::Anthropic
        );
        assert_eq!(dialect("/v1/models", &none), Dialect::OpenAi);
    }
}
