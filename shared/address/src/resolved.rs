use std::net::{IpAddr, SocketAddr};

use url::Url;

use crate::{AddressError, AddressRules};

/// Error for a host's name that leads only to addresses that may not be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its name `{name}` resolves to {address}, and that {rule}")]
pub struct NameRefused {
    pub name: String,
    /// First of the addresses.
    pub address: IpAddr,
    pub rule: AddressError,
}

impl AddressRules {
    /// Returns those of the addresses `found` for a host's name that may be called, for a call to `base`.
    ///
    /// A URL is checked when it is stored, but its name may lead elsewhere at each call. So the caller has to connect
    /// to one of the returned addresses, without resolving the name again.
    pub fn permitted(
        &self,
        base: &Url,
        name: &str,
        found: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, NameRefused> {
        let only_here = base.scheme() == "http" && !self.allow_http;
        let (mut permitted, mut refused) = (Vec::new(), None);
        for address in found {
            match self.check_address(address.ip(), only_here) {
                Ok(()) => permitted.push(address),
                Err(rule) => {
                    let refuse = || NameRefused { name: name.to_owned(), address: address.ip(), rule };
                    refused.get_or_insert_with(refuse);
                }
            }
        }
        refused.filter(|_| permitted.is_empty()).map_or(Ok(permitted), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: AddressRules = AddressRules { allow_http: false, allow_link_local: false };

    fn permitted(rules: AddressRules, base: &str, found: &[&str]) -> Result<Vec<String>, String> {
        let found = found.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0));
        let permitted = rules.permitted(&base.parse().unwrap(), "host", found);
        let texts = |found: Vec<SocketAddr>| found.iter().map(|address| address.ip().to_string()).collect();
        permitted.map(texts).map_err(|refused| refused.to_string())
    }

    #[test]
    fn a_name_leads_only_to_addresses_that_may_be_called() {
        let public = "93.184.216.34";
        let table: [(&str, &[&str], &[&str]); 4] = [
            ("https://host/", &[public, "169.254.169.254"], &[public]),
            ("https://host/", &["fe80::1", "127.0.0.1", "10.0.0.7"], &["127.0.0.1", "10.0.0.7"]),
            ("http://localhost/", &["10.0.0.7", "::1"], &["::1"]),
            ("https://host/", &[], &[]),
        ];
        for (base, found, want) in table {
            assert_eq!(permitted(STRICT, base, found).unwrap(), want, "{base} {found:?}");
        }
    }

    #[test]
    fn a_refusal_says_which_address_which_rule_and_which_setting() {
        let of = |base, found: &str| permitted(STRICT, base, &[found]).unwrap_err();
        assert_eq!(
            of("https://host/", "::ffff:169.254.1.1"),
            "its name `host` resolves to ::ffff:169.254.1.1, and that is a link-local or metadata address, which must \
             not be called; if your server answers there, set RUNMILL_ALLOW_LINK_LOCAL=true"
        );
        let error = of("http://localhost/", "10.0.0.7");
        assert!(error.contains("10.0.0.7") && error.contains("RUNMILL_ALLOW_HTTP=true"), "{error}");

        let open = AddressRules { allow_http: true, allow_link_local: true };
        for base in ["https://host/", "http://localhost/"] {
            assert!(permitted(open, base, &["169.254.1.1"]).is_ok());
        }
    }
}
