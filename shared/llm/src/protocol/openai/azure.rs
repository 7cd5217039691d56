//! Paths of OpenAI's methods at Azure. They depend on how much of the path the base URL already has.

use reqwest::Url;

/// Part of the path between the base URL and a method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PathPrefix {
    /// No prefix: the base URL is complete, as it is everywhere except at Azure.
    #[default]
    Direct,
    /// Prefix of an API that has no versions. The deployment's name is in the body.
    Unversioned(&'static str),
    /// Prefix of an API with a version in the base URL's query. For chat completions, `deployments/{name}` follows
    /// it.
    Versioned(&'static str),
}

const HOSTS: [&str; 3] = ["openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com"];

pub(super) fn is_at(base_url: &Url) -> bool {
    let host = base_url.host_str().unwrap_or_default();
    HOSTS.iter().any(|name| host.strip_suffix(name).is_some_and(|before| before.ends_with('.')))
}

impl PathPrefix {
    /// Returns the prefix for a base URL at Azure. Only a URL that names just the resource, with or without an API
    /// version, needs a prefix; any other URL is complete.
    pub fn of(base_url: &Url) -> Self {
        let has_version = base_url.query_pairs().any(|(name, _)| name == "api-version");
        match (base_url.path().trim_end_matches('/'), has_version) {
            ("", true) => Self::Versioned("openai/"),
            ("/openai", true) => Self::Versioned(""),
            ("", false) => Self::Unversioned("openai/v1/"),
            ("/openai", false) => Self::Unversioned("v1/"),
            _ => Self::Direct,
        }
    }

    /// Returns the path of a method whose model is named in the request's body.
    pub fn path(self, method: &str) -> String {
        let (Self::Unversioned(start) | Self::Versioned(start)) = self else { return method.to_owned() };
        format!("{start}{method}")
    }

    /// Returns the path of a method that belongs to a deployment.
    pub fn path_of(self, deployment: &str, method: &str) -> String {
        match self {
            Self::Versioned(start) => format!("{start}deployments/{}/{method}", segment(deployment)),
            Self::Unversioned(_) | Self::Direct => self.path(method),
        }
    }
}

/// Encodes `name` as one segment of a path.
fn segment(name: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_completed_as_far_as_it_is_not_whole() {
        let table = [
            ("?api-version=1", "openai/deployments/m/chat/completions", "openai/responses"),
            ("openai/?api-version=1", "deployments/m/chat/completions", "responses"),
            ("", "openai/v1/chat/completions", "openai/v1/responses"),
            ("openai", "v1/chat/completions", "v1/responses"),
            ("openai/v1/", "chat/completions", "responses"),
            ("openai/deployments/d?api-version=1", "chat/completions", "responses"),
            ("models?api-version=1", "chat/completions", "responses"),
        ];
        for (base, chat, responses) in table {
            let base_url = format!("https://r.openai.azure.com/{base}").parse().unwrap();
            let place = PathPrefix::of(&base_url);
            assert_eq!(place.path_of("m", "chat/completions"), chat, "{base}");
            assert_eq!(place.path("responses"), responses, "{base}");
        }
    }

    #[test]
    fn azure_is_known_by_its_hosts() {
        let table = [
            ("https://r.openai.azure.com", true),
            ("https://r.cognitiveservices.azure.com/openai/v1", true),
            ("https://R.services.AI.azure.com", true),
            ("https://openai.azure.com", false),
            ("https://my-openai.azure.com", false),
            ("https://r.openai.azure.com.example.org", false),
        ];
        for (base_url, want) in table {
            assert_eq!(is_at(&base_url.parse().unwrap()), want, "{base_url}");
        }
    }

    #[test]
    fn a_name_is_one_segment() {
        let path = PathPrefix::Versioned("").path_of("a/b?c %", "x");
        assert_eq!(path, "deployments/a%2Fb%3Fc%20%25/x");
    }
}
