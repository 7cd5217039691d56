//! Faults of the values that a provider can have.

use std::collections::{BTreeMap, HashSet};

use http::{HeaderName, HeaderValue};
use runmill_address::{AddressRules, BaseUrl, Proxy};
use runmill_proto::{ConfigFault, api::NewApiKey};

use crate::error::fault;

/// Headers that frame a request or manage its connection. The HTTP client sets them.
const FRAMING: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Returns the address as it is stored, or adds a fault and returns an empty one.
pub fn base_url(base_url: &str, rules: AddressRules, faults: &mut Vec<ConfigFault>) -> String {
    BaseUrl::normalise(base_url, rules).unwrap_or_else(|error| {
        faults.push(fault("/base_url", error.to_string()));
        String::new()
    })
}

/// Returns the proxy as it is stored, or adds a fault.
pub fn proxy(proxy: &str, rules: AddressRules, faults: &mut Vec<ConfigFault>) -> Option<String> {
    let proxy = Proxy::normalise(proxy, rules);
    proxy.map_err(|error| faults.push(fault("/proxy", error.to_string()))).ok()
}

/// Returns the faults of the labels, values and weights of keys.
pub fn keys(keys: &[NewApiKey]) -> Vec<ConfigFault> {
    let mut labels = HashSet::new();
    let mut faults = Vec::new();
    for (n, key) in keys.iter().enumerate() {
        if key.label.is_empty() || !labels.insert(&key.label) {
            faults.push(fault(format!("/api_keys/{n}/label"), "is required and must be unique"));
        }
        if let Some(found) = NewApiKey::value_fault(&key.value) {
            faults.push(fault(format!("/api_keys/{n}/value"), found.to_string()));
        }
        faults.extend(NewApiKey::WEIGHT.fault(format!("/api_keys/{n}/weight"), Some(key.weight)));
    }
    faults
}

pub fn headers(headers: &BTreeMap<String, String>) -> Vec<ConfigFault> {
    let faulty = headers.iter().filter_map(|(name, value)| Some((name, header(name, value)?)));
    faulty.map(|(name, detail)| fault(format!("/headers/{name}"), detail)).collect()
}

fn header(name: &str, value: &str) -> Option<&'static str> {
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        Some("is not a valid name of an HTTP header")
    } else if HeaderValue::from_str(value).is_err() {
        Some("has a value that an HTTP header cannot have: use only visible ASCII characters")
    } else if FRAMING.contains(&name.to_ascii_lowercase().as_str()) {
        Some("may not be set: the HTTP client sets it for each connection")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(label: &str, value: &str, weight: u32) -> NewApiKey {
        NewApiKey { label: label.into(), value: value.into(), weight }
    }

    fn pointers(faults: &[ConfigFault]) -> Vec<&str> {
        faults.iter().map(|fault| fault.pointer.as_str()).collect()
    }

    #[test]
    fn a_key_needs_a_label_of_its_own_a_value_and_a_weight_in_range() {
        let found = keys(&[key("a", "k", 1), key("a", "k", 1), key("", "", 1), key("b", "k\n", 101)]);
        assert_eq!(
            pointers(&found),
            [
                "/api_keys/1/label",
                "/api_keys/2/label",
                "/api_keys/2/value",
                "/api_keys/3/value",
                "/api_keys/3/weight",
            ]
        );
    }

    #[test]
    fn a_header_is_a_valid_one_that_the_client_does_not_set() {
        let table =
            [("x-team", "ours", true), ("Host", "h", false), ("x team", "o", false), ("x", "\n", false)];
        for (name, value, fits) in table {
            assert_eq!(header(name, value).is_none(), fits, "{name}: {value:?}");
        }
    }
}
