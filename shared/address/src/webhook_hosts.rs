use std::str::FromStr;

use url::{Host, Url};

use crate::rules::without_root;

/// Hosts to which webhooks may lead. Without any, all hosts are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookHosts(Vec<Host>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be names or addresses of hosts, without a port, separated by commas")]
pub struct WebhookHostsError;

impl FromStr for WebhookHosts {
    type Err = WebhookHostsError;

    /// Reads names, whose subdomains count too, and addresses (of IPv6 in brackets), separated by commas.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hosts = text.split(',').map(|host| Host::parse(without_root(host.trim())));
        hosts.collect::<Result<_, _>>().map(Self).map_err(|_| WebhookHostsError)
    }
}

impl WebhookHosts {
    pub(crate) fn allow(&self, url: &Url) -> bool {
        self.0.is_empty() || self.0.iter().any(|allowed| is_at(url, allowed))
    }
}

fn is_at(url: &Url, allowed: &Host) -> bool {
    match (url.host(), allowed) {
        (Some(Host::Domain(name)), Host::Domain(allowed)) => {
            let rest = without_root(name).strip_suffix(allowed.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
        (Some(Host::Ipv4(address)), Host::Ipv4(allowed)) => address == *allowed,
        (Some(Host::Ipv6(address)), Host::Ipv6(allowed)) => address == *allowed,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(hosts: &str, url: &str) -> bool {
        hosts.parse::<WebhookHosts>().unwrap().allow(&url.parse().unwrap())
    }

    #[test]
    fn a_name_allows_itself_and_its_subdomains() {
        for (url, want) in [
            ("https://platform.example/", true),
            ("https://PLATFORM.example.:8443/", true),
            ("https://a.b.platform.example/", true),
            ("https://notplatform.example/", false),
            ("https://platform.example.org/", false),
            ("https://10.0.0.7/", true),
            ("https://0xa000007/", true),
            ("https://10.0.0.8/", false),
            ("https://[::1]/", true),
        ] {
            assert_eq!(allows("Platform.example, 10.0.0.7,[::1]", url), want, "{url}");
        }
        assert!(WebhookHosts::default().allow(&"https://anywhere/".parse().unwrap()));
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for wrong in ["", "a,,b", "https://host", "host:443", "a b", "::1"] {
            assert_eq!(wrong.parse::<WebhookHosts>(), Err(WebhookHostsError), "{wrong}");
        }
    }
}
