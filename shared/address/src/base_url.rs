use http::Uri;
use url::Url;

use crate::{AddressError, AddressRules};

/// Beginning of the only query that a stored base URL may have: Azure's addresses end with a version of its API.
const VERSION_PARAMETER: &str = "api-version=";

/// Address of a provider's API, to which a protocol appends its own path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Error for a base URL that cannot be stored or called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    #[error("must be a URL such as `https://api.openai.com/v1`")]
    Malformed,
    #[error("must have no user name or password; keys go into `api_keys`")]
    Credentials,
    #[error("must have no `#`; keys go into `api_keys`")]
    Fragment,
    #[error("must have no query except `?api-version=...`; keys go into `api_keys`")]
    Query,
    #[error(transparent)]
    Refused(#[from] AddressError),
}

impl BaseUrl {
    /// Reads a base URL for calls. A fragment and the slashes at the end of the path are dropped, and any query is kept.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let mut url = Url::parse(text.trim()).map_err(|_| BaseUrlError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// Checks a base URL as a user wrote it, and returns the text to store: without white space around it and without
    /// slashes at its end.
    ///
    /// Stricter than [`BaseUrl::parse`]: the text is shown to users, so a query that could hold a key is refused.
    pub fn normalise(text: &str, rules: AddressRules) -> Result<String, BaseUrlError> {
        let stored = normalise(text.trim())?;
        // A client accepts more spellings of a host than `Uri`, so the rules check the host as the client reads it.
        rules.check(Self::parse(&stored)?.as_url())?;
        Ok(stored)
    }

    pub const fn as_url(&self) -> &Url {
        &self.0
    }

    pub fn into_url(self) -> Url {
        self.0
    }
}

fn normalise(text: &str) -> Result<String, BaseUrlError> {
    let uri: Uri = text.parse().map_err(|_| BaseUrlError::Malformed)?;
    let authority = uri.authority().ok_or(BaseUrlError::Malformed)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(BaseUrlError::Malformed);
    }
    if authority.as_str().contains('@') {
        return Err(BaseUrlError::Credentials);
    }
    if text.contains('#') {
        return Err(BaseUrlError::Fragment);
    }
    match text.split_once('?') {
        None => Ok(text.trim_end_matches('/').to_owned()),
        Some((address, query)) if is_version(query) => {
            Ok(format!("{}?{query}", address.trim_end_matches('/')))
        }
        Some(_) => Err(BaseUrlError::Query),
    }
}

fn is_version(query: &str) -> bool {
    query.strip_prefix(VERSION_PARAMETER).is_some_and(|version| {
        !version.is_empty() && version.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: AddressRules = AddressRules { allow_http: false, allow_link_local: false };

    #[test]
    fn base_urls_are_normalised() {
        let table = [
            ("https://api.openai.com/v1//", "https://api.openai.com/v1"),
            (" http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
            ("HTTPS://API.OpenAI.com/v1", "HTTPS://API.OpenAI.com/v1"),
            (
                "https://us.openai.azure.com/openai/?api-version=2024-10-21",
                "https://us.openai.azure.com/openai?api-version=2024-10-21",
            ),
        ];
        for (text, want) in table {
            assert_eq!(BaseUrl::normalise(text, STRICT).as_deref(), Ok(want));
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        use BaseUrlError::{Credentials, Fragment, Malformed, Query};
        for (text, want) in [
            ("", Malformed),
            ("api.openai.com", Malformed),
            ("/v1", Malformed),
            ("ftp://host/v1", Malformed),
            ("file:///etc/passwd", Malformed),
            ("file://host/etc/passwd", Malformed),
            ("gopher://host:70/1", Malformed),
            ("javascript:alert(1)", Malformed),
            ("https://host with spaces/v1", Malformed),
            ("https://münchen.example/v1", Malformed),
            ("https://user:pw@host/v1", Credentials),
            ("https://@host/v1", Credentials),
            ("https://host/v1?key=1", Query),
            ("https://host/v1?api-version=", Query),
            ("https://host/v1?api-version=1&key=1", Query),
            ("https://host/v1?api-version=1#part", Fragment),
            ("https://host/v1#key=1", Fragment),
        ] {
            assert_eq!(BaseUrl::normalise(text, STRICT), Err(want), "{text}");
        }
    }

    #[test]
    fn an_address_that_the_rules_refuse_is_refused_however_it_is_spelled() {
        for wrong in [
            "http://host/v1",
            "http://0.0.0.0:8000/v1",
            "http://[::]:8000/v1",
            "https://[fe80::1]/v1",
            "https://169.254.169.254/v1",
            "https://0xA9FEA9FE/v1",
            "https://2852039166/v1",
            "https://[::ffff:169.254.169.254]/v1",
            "https://METADATA.google.internal./v1",
        ] {
            let error = BaseUrl::normalise(wrong, STRICT).unwrap_err();
            assert!(error.to_string().contains("RUNMILL_ALLOW_"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_client_reads_what_is_stored_and_more() {
        let table = [
            ("https://api.openai.com/v1//", Ok("https://api.openai.com/v1")),
            (" http://host/ ", Ok("http://host/")),
            ("https://host/v1?key=1#part", Ok("https://host/v1?key=1")),
            ("https://münchen.example/v1", Ok("https://xn--mnchen-3ya.example/v1")),
            ("https://@host/v1", Ok("https://host/v1")),
            ("host", Err(BaseUrlError::Malformed)),
            ("ftp://host/", Err(BaseUrlError::Malformed)),
            ("https://me@host/v1", Err(BaseUrlError::Credentials)),
        ];
        for (text, want) in table {
            let read = BaseUrl::parse(text);
            assert_eq!(read.as_ref().map(|it| it.as_url().as_str()), want.as_ref().copied(), "{text}");
        }
    }
}
