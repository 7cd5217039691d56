use axum::http::Uri;
use runmill_config::AddressRules;
use url::Url;

/// What Azure's addresses end with, to say which version of its API is meant.
const VERSION_PARAMETER: &str = "api-version=";

/// A provider's address as it is stored: absolute, http(s), without credentials or trailing slashes, and where `rules`
/// allow calls.
pub fn check(base_url: &str, rules: AddressRules) -> Result<String, String> {
    let normal = normalise(base_url)?;
    // The client's own parser says which host it would be: it reads more spellings of one than others do.
    let url = Url::parse(&normal).map_err(|_| wrong())?;
    rules.check(url.scheme(), url.host_str().unwrap_or_default())?;
    Ok(normal)
}

fn normalise(base_url: &str) -> Result<String, String> {
    let trimmed = base_url.trim();
    let uri: Uri = trimmed.parse().map_err(|_| wrong())?;
    let authority = uri.authority().ok_or_else(wrong)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong());
    }
    if authority.as_str().contains('@') {
        return Err("must have no credentials; keys go into api_keys".to_owned());
    }
    match trimmed.split_once('?') {
        None => Ok(trimmed.trim_end_matches('/').to_owned()),
        Some((address, query)) if is_version(query) => {
            Ok(format!("{}?{query}", address.trim_end_matches('/')))
        }
        Some(_) => Err("must have no query, `?api-version=...` aside; keys go into api_keys".to_owned()),
    }
}

fn is_version(query: &str) -> bool {
    query.strip_prefix(VERSION_PARAMETER).is_some_and(|version| {
        !version.is_empty() && version.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    })
}

fn wrong() -> String {
    "must be an address as `https://api.openai.com/v1`".to_owned()
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
            (
                "https://us.openai.azure.com/openai/?api-version=2024-10-21",
                "https://us.openai.azure.com/openai?api-version=2024-10-21",
            ),
        ];
        for (text, want) in table {
            assert_eq!(check(text, STRICT).as_deref(), Ok(want));
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for wrong in [
            "",
            "api.openai.com",
            "ftp://host/v1",
            "https://user:pw@host/v1",
            "https://host/v1?key=1",
            "https://host/v1?api-version=",
            "https://host/v1?api-version=1&key=1",
        ] {
            assert!(check(wrong, STRICT).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_that_the_rules_refuse_is_refused_however_it_is_spelled() {
        for wrong in [
            "http://host/v1",
            "https://169.254.169.254/v1",
            "https://0xA9FEA9FE/v1",
            "https://2852039166/v1",
            "https://[::ffff:169.254.169.254]/v1",
            "https://METADATA.google.internal./v1",
        ] {
            let detail = check(wrong, STRICT).unwrap_err();
            assert!(detail.contains("RUNMILL_ALLOW_"), "{wrong}: {detail}");
        }
    }
}
