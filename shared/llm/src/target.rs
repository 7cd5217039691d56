use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, HeaderValue};
use reqwest::Url;
use runmill_address::{BaseUrl, BaseUrlError, Proxy, ProxyError};
use runmill_proto::{
    ProviderId,
    api::{NewApiKey, ProviderKind, ProviderProtocol},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    keys::Key,
    protocol::{Protocol, WireRequest},
};

/// A provider to call, with its keys.
#[derive(Clone, Debug)]
pub struct Target {
    pub provider_id: ProviderId,
    /// Version of the provider's settings. A client of an older version is replaced.
    pub version: i64,
    pub kind: ProviderKind,
    pub protocol: ProviderProtocol,
    /// Base URL without the protocol's own path. A query is kept.
    pub base_url: String,
    /// Proxy of this provider's calls, as [`Proxy::parse`] reads it. `None` stands for the process's.
    pub proxy: Option<String>,
    /// Keys of the account. Empty if the provider accepts calls without a key.
    pub keys: Vec<TargetKey>,
    /// Headers of every request. They take precedence over those of the protocol.
    pub headers: BTreeMap<String, SecretString>,
    /// Longest time to open a connection, including TLS.
    pub connect_timeout: Duration,
}

/// One of a provider's keys.
#[derive(Clone, Debug)]
pub struct TargetKey {
    /// Name of the key, which is shown instead of the key itself.
    pub label: String,
    pub value: SecretString,
    /// The key's share of the calls relative to the other keys; 0 counts as 1.
    pub weight: u32,
}

/// Error in the settings of a provider, which therefore cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("base URL: {0}")]
    BaseUrl(#[from] BaseUrlError),
    #[error("proxy: {0}")]
    Proxy(#[from] ProxyError),
    #[error("header `{0}` cannot be sent: its name or value has characters that HTTP does not allow")]
    Header(String),
    #[error(
        "API key `{0}` cannot be sent: it is empty, has quotes around it, or characters that are not visible ASCII"
    )]
    ApiKey(String),
    #[error("the HTTP client cannot be set up")]
    Http(#[source] reqwest::Error),
}

impl Target {
    /// Reads the base URL. Slashes at the end of its path are dropped.
    pub(crate) fn url(&self) -> Result<Url, TargetError> {
        Ok(BaseUrl::parse(&self.base_url)?.into_url())
    }

    pub(crate) fn proxy(&self) -> Result<Option<Proxy>, TargetError> {
        Ok(self.proxy.as_deref().map(Proxy::parse).transpose()?)
    }
}

/// Returns the headers of each key; without keys, one entry that sends none.
pub(crate) fn keys(target: &Target, protocol: &dyn Protocol) -> Result<Vec<Key>, TargetError> {
    let nameless = TargetKey { label: String::new(), value: SecretString::default(), weight: 1 };
    if target.keys.is_empty() {
        return Ok(vec![key(target, protocol, &nameless, None)?]);
    }
    // White space around a key was stored by earlier releases, and is no part of any key.
    target.keys.iter().map(|it| key(target, protocol, it, Some(it.value.expose_secret().trim()))).collect()
}

fn key(
    target: &Target,
    protocol: &dyn Protocol,
    key: &TargetKey,
    value: Option<&str>,
) -> Result<Key, TargetError> {
    if value.and_then(NewApiKey::value_fault).is_some() {
        return Err(TargetError::ApiKey(key.label.clone()));
    }
    let mut headers = protocol.headers(value).map_err(|_| TargetError::ApiKey(key.label.clone()))?;
    for (name, value) in &target.headers {
        let invalid = || TargetError::Header(name.clone());
        let header = HeaderName::try_from(name.as_str()).map_err(|_| invalid())?;
        let mut value = HeaderValue::try_from(value.expose_secret()).map_err(|_| invalid())?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    let authorizes = value.is_some() || headers.keys().any(|name| authorizes(name.as_str()));
    Ok(Key { label: key.label.as_str().into(), weight: key.weight, headers, authorizes })
}

/// Headers in which keys are sent.
const AUTHORIZATION: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Returns true for the names of headers in which keys are sent.
pub(crate) fn authorizes(header: &str) -> bool {
    AUTHORIZATION.iter().any(|name| header.eq_ignore_ascii_case(name))
}

/// Returns `base` with the protocol's path and query after its own.
pub(crate) fn endpoint(base: &Url, wire: &WireRequest) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{}", base.path().trim_end_matches('/'), wire.path));
    if let Some((name, value)) = wire.query.and_then(|query| query.split_once('=')) {
        url.query_pairs_mut().append_pair(name, value);
    }
    url
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn target(base_url: &str) -> Target {
        Target {
            provider_id: ProviderId::from_uuid(Uuid::nil()),
            version: 1,
            kind: ProviderKind::Custom,
            protocol: ProviderProtocol::OpenaiChat,
            base_url: base_url.into(),
            proxy: None,
            keys: vec![TargetKey { label: "main".into(), value: "sk-secret".into(), weight: 1 }],
            headers: BTreeMap::from([("x-team".into(), "hidden".into())]),
            connect_timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn slashes_at_the_end_do_not_matter_and_a_query_is_kept() {
        let table = [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
            ("https://api.openai.com/v1//", "https://api.openai.com/v1/chat/completions"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/chat/completions"),
            (" http://host/ ", "http://host/chat/completions"),
            (
                "https://x.azure.com/d/m?api-version=1",
                "https://x.azure.com/d/m/chat/completions?api-version=1",
            ),
        ];
        for (base, want) in table {
            let wire = WireRequest { path: "chat/completions".into(), query: None, body: Vec::new() };
            assert_eq!(endpoint(&target(base).url().unwrap(), &wire).as_str(), want);
        }
    }

    #[test]
    fn a_base_url_that_cannot_be_called_is_refused() {
        for base in ["", "api.openai.com/v1", "ftp://host/", "https://me:secret@host/v1"] {
            assert!(matches!(target(base).url(), Err(TargetError::BaseUrl(_))), "{base}");
        }
    }

    #[test]
    fn secrets_are_not_in_the_debug_text() {
        let text = format!("{:?}", target("http://host"));
        assert!(!text.contains("sk-secret") && !text.contains("hidden"), "{text}");
    }
}
