use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Name of the variable that sets [`AddressRules::allow_http`].
pub const ALLOW_HTTP: &str = "RUNMILL_ALLOW_HTTP";

/// Name of the variable that sets [`AddressRules::allow_link_local`].
pub const ALLOW_LINK_LOCAL: &str = "RUNMILL_ALLOW_LINK_LOCAL";

/// Rules for the addresses to which calls of a provider and requests to a webhook may go.
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
        "is a link-local or metadata address, which must not be called; if your server answers there, set {}=true",
        ALLOW_LINK_LOCAL
    )]
    LinkLocal,
    #[error(
        "must begin with https://, because http would send keys and content unencrypted; if the network is yours, set {}=true",
        ALLOW_HTTP
    )]
    Unencrypted,
    #[error(
        "is another machine, to which http would send keys and content unencrypted; use https or, if the network is yours, set {}=true",
        ALLOW_HTTP
    )]
    OtherMachine,
    #[error("must begin with https:// or http://")]
    Scheme,
}

/// Names of Google Cloud's metadata server, which resolve only inside its networks. Source: its documentation.
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata"];

/// Addresses of metadata outside the link-local range: Alibaba Cloud's, and the platform channel of Azure.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];

/// Addresses of metadata among the unique local addresses: those of AWS's machines and pods, and Google Cloud's.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
];

impl AddressRules {
    /// Checks the scheme and the host of a URL. Names are not resolved; [`AddressRules::permitted`] checks the
    /// addresses to which a name leads.
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

    /// Checks an address to which a host's name leads.
    ///
    /// * `only_here`: true if the address must be this machine's, because the connection is not encrypted.
    pub(crate) fn check_address(self, address: IpAddr, only_here: bool) -> Result<(), AddressError> {
        if !self.allow_link_local && is_link_local(address) {
            return Err(AddressError::LinkLocal);
        }
        if only_here && !address.to_canonical().is_loopback() {
            return Err(AddressError::OtherMachine);
        }
        Ok(())
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
pub(crate) fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local() || METADATA_V4.contains(&address),
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || METADATA_V6.contains(&address)
                || embedded(address).is_some_and(|inner| is_link_local(inner.into()))
        }
    }
}

/// Returns the IPv4 address that packets to this address would reach: mapped (`::ffff:0:0/96`), compatible (`::/96`),
/// through NAT64 (`64:ff9b::/96`), or by 6to4 (`2002::/16`).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: AddressRules = AddressRules { allow_http: false, allow_link_local: false };
    const OPEN: AddressRules = AddressRules { allow_http: true, allow_link_local: true };

    const LINK_LOCAL: [&str; 23] = [
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
        "[fd00:ec2::23]",
        "[fd20:ce::254]",
        "[2002:a9fe:a9fe::1]",
        "168.63.129.16",
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
    fn resolved_addresses_are_held_to_the_same_rules() {
        let table = [
            ("169.254.169.254", false),
            ("100.100.100.200", false),
            ("168.63.129.16", false),
            ("::ffff:169.254.1.1", false),
            ("2002:a9fe:a9fe::", false),
            ("fe80::1", false),
            ("febf::1", false),
            ("fec0::1", true),
            ("fd00:ec2::254", false),
            ("fd00:ec2::255", true),
            ("127.0.0.1", true),
            ("93.184.216.34", true),
        ];
        for (address, allowed) in table {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(STRICT.check_address(address, false).is_ok(), allowed, "{address}");
            assert_eq!(OPEN.check_address(address, false), Ok(()), "{address}");
        }
        for (address, is_here) in [("127.8.9.10", true), ("::ffff:127.0.0.1", true), ("10.0.0.7", false)] {
            let checked = STRICT.check_address(address.parse().unwrap(), true);
            assert_eq!(checked, if is_here { Ok(()) } else { Err(AddressError::OtherMachine) }, "{address}");
        }
    }
}
