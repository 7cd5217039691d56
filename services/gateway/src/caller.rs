//! Identifies the caller of a request from its headers and its URL.

use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, HeaderValue},
    http::request::Parts,
};
use ring::digest::{SHA256, digest};

use crate::{behaviour::Identity, protocol::Fault, query::parameter};

const ID_HEADER: &str = "x-client-request-id";
/// Header in which the official clients count retries.
const RETRY_COUNT_HEADER: &str = "x-stainless-retry-count";
/// Headers for keys beside `authorization`: Anthropic's, Google's and Azure's.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "x-goog-api-key", "api-key"];
/// Google's query parameter for keys.
const KEY_PARAMETER: &str = "key";
const ID_BYTES_MAX: usize = 256;

pub(crate) struct Caller {
    /// Label that distinguishes keys without revealing them.
    pub key_label: Box<str>,
    /// Header `X-Client-Request-Id`, shortened for the record.
    pub client_request_id: Option<Box<str>>,
    key_status: KeyStatus,
    identity: Option<Identity>,
    retry_count: u32,
}

/// Status of a key, which its first letters determine.
#[derive(Clone, Copy)]
enum KeyStatus {
    Good,
    Revoked,
    Spent,
}

impl Caller {
    pub fn of(head: &Parts) -> Self {
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let id = text(ID_HEADER);
        let retry_count = text(RETRY_COUNT_HEADER).and_then(|count| count.parse().ok()).unwrap_or(0);
        let (key_label, key_status) = find_key(&head.headers, head.uri.query().unwrap_or_default());
        Self {
            key_label,
            client_request_id: id.map(|id| shortened(id).into()),
            key_status,
            identity: id.map(|id| Identity::of_id(id, retry_count)),
            retry_count,
        }
    }

    /// Returns an error if the key is revoked or its quota is spent.
    pub fn check(&self) -> Result<(), Fault> {
        match self.key_status {
            KeyStatus::Good => Ok(()),
            KeyStatus::Revoked => Err(Fault::KeyRevoked),
            KeyStatus::Spent => Err(Fault::QuotaSpent),
        }
    }

    pub fn identity(&self, body: &[u8]) -> Identity {
        self.identity.unwrap_or_else(|| Identity::of_body(body, self.retry_count))
    }
}

/// Returns the label and the status of the request's key. If it has several, the first counts.
fn find_key(headers: &HeaderMap, query: &str) -> (Box<str>, KeyStatus) {
    let bearer = headers.get(AUTHORIZATION).map(|value| {
        let value = value.as_bytes();
        value.strip_prefix(b"Bearer ").unwrap_or(value)
    });
    let header = || KEY_HEADERS.iter().find_map(|name| headers.get(*name)).map(HeaderValue::as_bytes);
    if let Some(key) = bearer.or_else(header) {
        return (key_label(key), KeyStatus::of(key));
    }
    match parameter(query, KEY_PARAMETER) {
        Some(key) => (key_label(key.as_bytes()), KeyStatus::of(key.as_bytes())),
        None => ("none".into(), KeyStatus::Good),
    }
}

impl KeyStatus {
    fn of(key: &[u8]) -> Self {
        if key.starts_with(b"revoked") {
            Self::Revoked
        } else if key.starts_with(b"spent") {
            Self::Spent
        } else {
            Self::Good
        }
    }
}

fn key_label(key: &[u8]) -> Box<str> {
    let hash = digest(&SHA256, key);
    let [a, b, c, d, ..] = *hash.as_ref() else { unreachable!("SHA-256 has 32 bytes") };
    format!("key-{:08x}", u32::from_be_bytes([a, b, c, d])).into()
}

/// Shortens an id to its first bytes. It is ASCII, like all readable header text, so no character is split.
fn shortened(id: &str) -> &str {
    id.get(..ID_BYTES_MAX).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn caller_at(uri: &str, headers: &[(&str, &str)]) -> Caller {
        let request =
            headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        Caller::of(&request.body(()).unwrap().into_parts().0)
    }

    fn caller(headers: &[(&str, &str)]) -> Caller {
        caller_at("/", headers)
    }

    #[test]
    fn a_key_is_known_by_its_label_alone_wherever_it_comes() {
        // `printf sk-secret | sha256sum`
        let label = "key-746b4ad1";
        assert_eq!(&*caller(&[("authorization", "Bearer sk-secret")]).key_label, label);
        for header in KEY_HEADERS {
            assert_eq!(&*caller(&[(header, "sk-secret")]).key_label, label, "{header}");
        }
        assert_eq!(&*caller_at("/?alt=sse&key=sk%2Dsecret", &[]).key_label, label);
        assert_eq!(&*caller(&[]).key_label, "none");
        let two = caller(&[("x-api-key", "other"), ("authorization", "Bearer sk-secret")]);
        assert_eq!(&*two.key_label, label);
    }

    #[test]
    fn the_first_letters_of_a_key_say_what_it_is_good_for() {
        let table = [
            ("revoked-1", Err(Fault::KeyRevoked)),
            ("spent", Err(Fault::QuotaSpent)),
            ("sk-revoked", Ok(())),
        ];
        for (key, want) in table {
            assert_eq!(caller(&[("x-api-key", key)]).check(), want, "{key}");
        }
    }

    #[test]
    fn the_body_is_the_identity_of_a_call_without_an_id() {
        let named = caller(&[(ID_HEADER, "run:1:0:2")]);
        let nameless = caller(&[(RETRY_COUNT_HEADER, "1")]);

        assert_eq!(named.identity(b"a"), named.identity(b"b"));
        assert_eq!(named.identity(b"a"), Identity::of_id("run:1:0:2", 0));
        assert_ne!(nameless.identity(b"a"), nameless.identity(b"b"));
        assert_eq!(nameless.identity(b"a"), Identity::of_body(b"a", 1));
    }
}
