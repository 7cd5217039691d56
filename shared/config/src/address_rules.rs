use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ::url::Host;

use crate::variable;

/// To which addresses calls of a provider may go.
///
/// Who may name a provider's address could otherwise have an executor show its keys to the network, or ask what only
/// the machine itself is to ask: clouds hand out credentials at such addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressRules {
    /// `http` anywhere; without it, only to this machine.
    pub allow_http: bool,
    /// Link-local addresses, and those where clouds have their metadata.
    pub allow_link_local: bool,
}

/// Source: the documentation of Google Cloud, which resolves them inside its networks.
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata"];

/// Alibaba Cloud's metadata, outside the link-local range.
const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

/// AWS's metadata, among the unique local addresses.
const AWS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

impl AddressRules {
    /// Whether an address of this scheme and host may be called; if not, why, and what to set. `host` as in a URL, in any
    /// spelling that one may have.
    pub fn check(&self, scheme: &str, host: &str) -> Result<(), String> {
        let host = parse(host).ok_or("has no valid host")?;
        if !self.allow_link_local && is_metadata(&host) {
            return Err(format!(
                "is a link-local or metadata address, and these are not called: set {}=true if a model answers there",
                variable::ALLOW_LINK_LOCAL.name
            ));
        }
        match scheme {
            "https" => Ok(()),
            "http" if self.allow_http || is_this_machine(&host) => Ok(()),
            "http" => Err(format!(
                "must begin with https://, for keys would be sent in the clear: set {}=true if the network is yours",
                variable::ALLOW_HTTP.name
            )),
            _ => Err("must begin with https:// or http://".to_owned()),
        }
    }

    /// Whether an address that a host's name was resolved to may be called.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.allow_link_local || !is_link_local(address)
    }
}

/// A host as clients read it: a number in any base is an IPv4 address, `%61` is `a`, and a dot may end it.
fn parse(host: &str) -> Option<Host> {
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return Some(Host::Ipv6(address));
    }
    Host::parse(host).ok()
}

fn is_metadata(host: &Host) -> bool {
    match host {
        Host::Domain(name) => METADATA_NAMES.contains(&without_root(name)),
        Host::Ipv4(address) => is_link_local((*address).into()),
        Host::Ipv6(address) => is_link_local((*address).into()),
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Domain(name) => without_root(name) == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).to_canonical().is_loopback(),
    }
}

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

/// The IPv4 address that packets to this one would reach: mapped (`::ffff:0:0/96`), compatible (`::/96`), or through NAT64
/// (`64:ff9b::/96`).
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
        "::ffff:a9fe:a9fe",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "[fe80::1]",
        "fd00:ec2::254",
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
        "::1",
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

    #[test]
    fn link_local_addresses_are_refused_in_any_spelling() {
        for host in LINK_LOCAL {
            for scheme in ["http", "https"] {
                let detail = STRICT.check(scheme, host).unwrap_err();
                assert!(detail.contains("RUNMILL_ALLOW_LINK_LOCAL=true"), "{host}: {detail}");
            }
        }
    }

    #[test]
    fn http_goes_only_to_this_machine() {
        for host in THIS_MACHINE {
            assert_eq!(STRICT.check("http", host), Ok(()), "{host}");
        }
        for host in ELSEWHERE {
            let detail = STRICT.check("http", host).unwrap_err();
            assert!(detail.contains("RUNMILL_ALLOW_HTTP=true"), "{host}: {detail}");
            assert_eq!(STRICT.check("https", host), Ok(()), "{host}");
        }
    }

    #[test]
    fn what_is_allowed_is_not_refused() {
        for host in LINK_LOCAL.iter().chain(&THIS_MACHINE).chain(&ELSEWHERE) {
            assert_eq!(OPEN.check("http", host), Ok(()), "{host}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (scheme, host) in [("https", ""), ("https", "a b"), ("https", "[::1"), ("ftp", "api.openai.com")]
        {
            assert!(OPEN.check(scheme, host).is_err(), "{scheme} {host}");
        }
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
