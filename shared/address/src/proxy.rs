use std::fmt;

use url::Url;

use crate::{AddressError, AddressRules};

/// Way of a provider's calls: without a proxy, or through one.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    #[default]
    Direct,
    /// URL of the proxy, which may have credentials.
    Through(Url),
}

/// Error for a text that names no proxy. It does not repeat the text, which may have a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    #[error(
        "must be `none` or the URL of a proxy, such as http://proxy.example:3128; its scheme is http, https, socks5 or socks5h"
    )]
    Malformed,
    #[error(
        "must have no user name or password, because it is shown to users; an executor's RUNMILL_PROVIDER_PROXY may have them"
    )]
    Credentials,
    #[error(transparent)]
    Refused(#[from] AddressError),
}

const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

impl Proxy {
    /// Reads `none` or a URL, which may have credentials.
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::Direct);
        }
        let url = Url::parse(text).map_err(|_| ProxyError::Malformed)?;
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let has_host = url.host_str().is_some_and(|host| !host.is_empty());
        if !SCHEMES.contains(&url.scheme()) || !is_bare || !has_host {
            return Err(ProxyError::Malformed);
        }
        Ok(Self::Through(url))
    }

    /// Checks a provider's proxy as a user wrote it, and returns the text to store, without white space around it.
    ///
    /// Stricter than [`Proxy::parse`]: the text is shown to users, and whoever may add a provider must not make an
    /// executor connect to an address that providers may not have.
    pub fn normalise(text: &str, rules: AddressRules) -> Result<String, ProxyError> {
        if let Self::Through(url) = Self::parse(text)? {
            if !url.username().is_empty() || url.password().is_some() {
                return Err(ProxyError::Credentials);
            }
            rules.check_proxy(&url)?;
        }
        Ok(text.trim().to_owned())
    }
}

impl fmt::Debug for Proxy {
    /// Writes no credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("none"),
            Self::Through(url) => write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: AddressRules = AddressRules { allow_http: false, allow_link_local: false };

    #[test]
    fn a_proxy_is_none_or_a_url_of_a_known_scheme() {
        for text in ["http://p:3128", " https://p/ ", "socks5://me:pw@p:1080", "socks5h://[::1]:1080"] {
            assert!(matches!(Proxy::parse(text), Ok(Proxy::Through(_))), "{text}");
        }
        for text in ["none", " NONE "] {
            assert_eq!(Proxy::parse(text), Ok(Proxy::Direct), "{text}");
        }
        for text in
            ["", "proxy", "p:3128", "ftp://p", "socks4://p", "http://p/path", "http://p?x=1", "socks5://"]
        {
            assert_eq!(Proxy::parse(text), Err(ProxyError::Malformed), "{text}");
        }
    }

    #[test]
    fn a_proxy_that_is_shown_has_no_credentials_and_is_no_metadata_address() {
        assert_eq!(Proxy::normalise(" http://p:3128 ", STRICT).as_deref(), Ok("http://p:3128"));
        assert_eq!(Proxy::normalise("none", STRICT).as_deref(), Ok("none"));
        for text in ["http://me@p", "socks5://me:pw@p"] {
            assert_eq!(Proxy::normalise(text, STRICT), Err(ProxyError::Credentials), "{text}");
        }
        for text in ["http://169.254.169.254", "socks5h://169.254.169.254:80", "socks5://2852039166"] {
            let refused = Err(ProxyError::Refused(AddressError::LinkLocal));
            assert_eq!(Proxy::normalise(text, STRICT), refused, "{text}");
        }
    }

    #[test]
    fn a_password_is_not_in_the_debug_text() {
        let proxy = Proxy::parse("http://me:secret@p:3128").unwrap();
        assert_eq!(format!("{proxy:?}"), "http://p");
    }
}
