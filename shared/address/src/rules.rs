use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Name of the variable that sets [`AddressRules::allow_http`].
pub const ALLOW_HTTP: &str = "RUNMILL_ALLOW_HTTP";

/// Name of the variable that sets [`AddressRules::allow_link_local`].
pub const ALLOW_LINK_LOCAL: &str = "RUNMILL_ALLOW_LINK_LOCAL";

/// Rules for the addresses to which calls of a provider may go.
///
/// Without rules, a user who may add a provider could make an executor send its keys over the network unencrypted, or
/// query services that only the machine itself should reach: clouds hand out credentials at such addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressRules {
    /// True allows `http` to any host, false only to this machine.
    pub allow_http: bool,
    /// True allows link-local addresses and the metadata addresses of clouds.
    pub allow_link_local: bool,
}

/// Error for an address that may not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error(
        "is a link-local or metadata address, which must not be called; if a model answers there, set {}=true",
        ALLOW_LINK_LOCAL
    )]
    LinkLocal,
    #[error(
        "must begin with https://, because http would send the keys unencrypted; if the network is yours, set {}=true",
        ALLOW_HTTP
    )]
    Unencrypted,
    #[error("must begin with https:// or http://")]
    Scheme,
}

/// Names of Google Cloud's metadata server, which resolve only inside its networks. Source: its documentation.
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata"];

/// Address of Alibaba Cloud's metadata, outside the link-local range.
const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

/// Address of AWS's metadata, among the unique local addresses.
const AWS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

impl AddressRules {
    /// Checks the scheme and the host of a URL. Names are not resolved; [`AddressRules::allows`] checks the result.
    pub fn check(&self, url: &Url) -> Result<(), AddressError> {
        let host = url.host();
        if !self.allow_link_local && host.as_ref().is_some_and(is_metadata) {
            return Err(AddressError::LinkLocal);
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.allow_http || host.as_ref().is_some_and(is_this_machine) => Ok(()),
            "http" => Err(AddressError::Unencrypted),
            _ => Err(AddressError::Scheme),
        }
    }

    /// Checks the host of a proxy's URL, which may have any scheme.
    pub(crate) fn check_proxy(self, url: &Url) -> Result<(), AddressError> {
        // The parser reads numeric addresses only for the schemes of the web.
        let host = Host::parse(url.host_str().unwrap_or_default()).ok();
        if !self.allow_link_local && host.as_ref().is_some_and(|host| is_metadata(&borrowed(host))) {
            return Err(AddressError::LinkLocal);
        }
        Ok(())
    }

    /// Returns true if `address`, to which a host's name was resolved, may be called.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.allow_link_local || !is_link_local(address)
    }
}

fn is_metadata(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => METADATA_NAMES.contains(&without_root(name)),
        Host::Ipv4(address) => is_link_local((*address).into()),
        Host::Ipv6(address) => is_link_local((*address).into()),
    }
}

fn borrowed(host: &Host<String>) -> Host<&str> {
    match host {
        Host::Domain(name) => Host::Domain(name),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    }
}

/// Returns true for the loopback addresses and the name `localhost`.
pub fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => without_root(name) == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).to_canonical().is_loopback(),
    }
}

/// Returns a domain name without the dot at its end.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local() || address == ALIBABA,
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || address == AWS_V6
                || embedded(address).is_some_and(|inner| is_link_local(inner.into()))
        }
    }
}

/// Returns the IPv4 address that packets to this address would reach: mapped (`::ffff:0:0/96`), compatible (`::/96`), or
/// through NAT64 (`64:ff9b::/96`).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [network @ .., high, low] = address.segments();
    let is_embedding = matches!(network, [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0]);
    let bits = (u32::from(high) << 16) | u32::from(low);
    is_embedding.then(|| Ipv4Addr::from_bits(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: AddressRules = AddressRules { allow_http: false, allow_link_local: false };
    const OPEN: AddressRules = AddressRules { allow_http: true, allow_link_local: true };

    const LINK_LOCAL: [&str; 19] = [
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "0xA9FEA9FE",
        "0xa9.0xfe.0xa9.0xfe",
        "2852039166",
        "0251.0376.0251.0376",
        "169.16689662",
        "169.254.169.254.",
        "%31%369.254.169.254",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "Metadata.Google.Internal.",
        "m\u{ff45}tadata",
    ];

    const THIS_MACHINE: [&str; 8] = [
        "127.0.0.1",
        "127.8.9.10",
        "0x7f000001",
        "localhost",
        "LOCALHOST.",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
    ];

    const ELSEWHERE: [&str; 6] = [
        "api.openai.com",
        "10.0.0.7",
        "gateway",
        "[2001:db8::1]",
        "localhost.example.com",
        "100.100.100.201",
    ];

    fn url(scheme: &str, host: &str) -> Url {
        Url::parse(&format!("{scheme}://{host}:8080/v1")).unwrap()
    }

    #[test]
    fn link_local_addresses_are_refused_in_any_spelling() {
        for host in LINK_LOCAL {
            for scheme in ["http", "https"] {
                let error = STRICT.check(&url(scheme, host)).unwrap_err();
                assert_eq!(error, AddressError::LinkLocal, "{host}");
                assert!(error.to_string().contains("RUNMILL_ALLOW_LINK_LOCAL=true"), "{error}");
            }
        }
    }

    #[test]
    fn http_goes_only_to_this_machine() {
        for host in THIS_MACHINE {
            assert_eq!(STRICT.check(&url("http", host)), Ok(()), "{host}");
        }
        for host in ELSEWHERE {
            let error = STRICT.check(&url("http", host)).unwrap_err();
            assert_eq!(error, AddressError::Unencrypted, "{host}");
            assert!(error.to_string().contains("RUNMILL_ALLOW_HTTP=true"), "{error}");
            assert_eq!(STRICT.check(&url("https", host)), Ok(()), "{host}");
        }
    }

    #[test]
    fn what_is_allowed_is_not_refused() {
        for host in LINK_LOCAL.iter().chain(&THIS_MACHINE).chain(&ELSEWHERE) {
            assert_eq!(OPEN.check(&url("http", host)), Ok(()), "{host}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for host in ["", "a b", "[::1", "::1"] {
            assert!(Url::parse(&format!("https://{host}/")).is_err(), "{host}");
        }
        assert_eq!(OPEN.check(&url("ftp", "api.openai.com")), Err(AddressError::Scheme));
    }

    #[test]
    fn resolved_addresses_are_held_to_the_same_rule() {
        let table = [
            ("169.254.169.254", false),
            ("100.100.100.200", false),
            ("::ffff:169.254.1.1", false),
            ("fe80::1", false),
            ("febf::1", false),
            ("fec0::1", true),
            ("fd00:ec2::254", false),
            ("fd00:ec2::255", true),
            ("127.0.0.1", true),
            ("93.184.216.34", true),
        ];
        for (address, allowed) in table {
            let address = address.parse().unwrap();
            assert_eq!(STRICT.allows(address), allowed, "{address}");
            assert!(OPEN.allows(address), "{address}");
        }
    }
}
