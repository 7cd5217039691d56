use url::Url;

use crate::{AddressError, AddressRules, WebhookHosts};

/// Largest number of bytes of a webhook's URL.
const BYTES_MAX: usize = 2_048;

/// URL of a webhook. Its query may have a secret, and is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// Error for a text that is not the URL of a webhook. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    #[error("must be a URL such as `https://platform.example/webhooks/runmill`")]
    Malformed,
    #[error("must have at most {BYTES_MAX} bytes")]
    Length,
    #[error("must have no user name or password; the signature proves who sends")]
    Credentials,
    #[error("must have no `#`")]
    Fragment,
    #[error("its host is not among those that this server's RUNMILL_WEBHOOK_HOSTS allows")]
    Host,
    #[error(transparent)]
    Refused(#[from] AddressError),
}

impl WebhookUrl {
    pub fn parse(text: &str) -> Result<Self, WebhookUrlError> {
        let text = text.trim();
        if text.len() > BYTES_MAX {
            return Err(WebhookUrlError::Length);
        }
        let url = Url::parse(text).map_err(|_| WebhookUrlError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebhookUrlError::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookUrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(WebhookUrlError::Fragment);
        }
        Ok(Self(url))
    }

    /// Checks the scheme and the host. As for a provider, the addresses to which a name leads are checked at each
    /// connection, too.
    pub fn check(&self, rules: AddressRules, hosts: &WebhookHosts) -> Result<(), WebhookUrlError> {
        if !hosts.allow(&self.0) {
            return Err(WebhookUrlError::Host);
        }
        Ok(rules.check(&self.0)?)
    }

    pub const fn as_url(&self) -> &Url {
        &self.0
    }

    /// Returns the URL without its query.
    pub fn shown(&self) -> String {
        let mut url = self.0.clone();
        url.set_query(None);
        url.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: AddressRules = AddressRules { allow_http: false, allow_link_local: false };

    fn check(text: &str) -> Result<(), WebhookUrlError> {
        WebhookUrl::parse(text)?.check(STRICT, &WebhookHosts::default())
    }

    #[test]
    fn a_webhook_may_have_a_query_that_is_not_shown() {
        for (text, want) in [
            (" https://platform.example/hooks?key=1 ", "https://platform.example/hooks"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000/"),
        ] {
            assert_eq!(check(text), Ok(()));
            assert_eq!(WebhookUrl::parse(text).unwrap().shown(), want);
        }
    }

    #[test]
    fn what_is_no_webhook_is_refused() {
        use WebhookUrlError::{Credentials, Fragment, Length, Malformed, Refused};
        let long = format!("https://host/{}", "a".repeat(BYTES_MAX));
        for (text, want) in [
            ("", Malformed),
            ("platform.example/hooks", Malformed),
            ("ftp://host/", Malformed),
            ("file:///etc/passwd", Malformed),
            ("https://me:pw@host/", Credentials),
            ("https://host/#a", Fragment),
            (&long, Length),
            ("http://host/", Refused(AddressError::Unencrypted)),
            ("https://169.254.169.254/", Refused(AddressError::LinkLocal)),
            ("https://2852039166/", Refused(AddressError::LinkLocal)),
        ] {
            assert_eq!(check(text), Err(want), "{text}");
        }
    }

    #[test]
    fn a_host_that_the_operator_did_not_name_is_refused() {
        let hosts: WebhookHosts = "platform.example".parse().unwrap();
        let check = |text: &str| WebhookUrl::parse(text).unwrap().check(STRICT, &hosts);
        assert_eq!(check("https://hooks.platform.example/a"), Ok(()));
        assert_eq!(check("https://other.example/a"), Err(WebhookUrlError::Host));
    }
}
