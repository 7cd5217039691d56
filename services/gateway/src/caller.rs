//! Who calls, as far as the headers say.

use hyper::{HeaderMap, header::AUTHORIZATION};
use ring::digest::{SHA256, digest};

use crate::behaviour::Identity;

const ID_HEADER: &str = "x-client-request-id";
/// Where `OpenAI`'s own clients count retries.
const RETRY_COUNT_HEADER: &str = "x-stainless-retry-count";
const ID_BYTES_MAX: usize = 256;

pub(crate) struct Caller {
    /// Tells keys apart without giving them away.
    pub key_label: Box<str>,
    /// Shortened to what is kept of it.
    pub client_request_id: Option<Box<str>>,
    identity: Option<Identity>,
    retry_count: u32,
}

impl Caller {
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let id = text(ID_HEADER);
        let retry_count = text(RETRY_COUNT_HEADER).and_then(|count| count.parse().ok()).unwrap_or(0);
        Self {
            key_label: headers.get(AUTHORIZATION).map_or("none".into(), |value| key_label(value.as_bytes())),
            client_request_id: id.map(|id| shortened(id).into()),
            identity: id.map(|id| Identity::of_id(id, retry_count)),
            retry_count,
        }
    }

    pub fn identity(&self, body: &[u8]) -> Identity {
        self.identity.unwrap_or_else(|| Identity::of_body(body, self.retry_count))
    }
}

fn key_label(authorization: &[u8]) -> Box<str> {
    let key = authorization.strip_prefix(b"Bearer ").unwrap_or(authorization);
    let hash = digest(&SHA256, key);
    let [a, b, c, d, ..] = *hash.as_ref() else { unreachable!("SHA-256 has 32 bytes") };
    format!("key-{:08x}", u32::from_be_bytes([a, b, c, d])).into()
}

/// Header text that can be read is ASCII, so any place is a character's end.
fn shortened(id: &str) -> &str {
    id.get(..ID_BYTES_MAX).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(headers: &[(&'static str, &str)]) -> Caller {
        Caller::of(
            &headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
        )
    }

    #[test]
    fn a_key_is_known_by_its_label_alone() {
        // `printf sk-secret | sha256sum`
        assert_eq!(&*caller(&[("authorization", "Bearer sk-secret")]).key_label, "key-746b4ad1");
        assert_eq!(&*caller(&[]).key_label, "none");
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
