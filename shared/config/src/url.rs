use secrecy::{ExposeSecret, SecretString};

use crate::error::ValueError;

/// Returns the `host:port` of a URL, without user, password and path, for messages about a server that cannot be reached.
pub fn address(url: &SecretString) -> String {
    let rest = url.expose_secret().split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.to_owned()
}

/// Accepts the URLs of `SQLAlchemy` too, which name a driver: `postgresql+psycopg://`.
pub(crate) fn postgres(text: &str) -> Result<SecretString, ValueError> {
    let (scheme, rest) = text.split_once("://").ok_or(ValueError::Postgres)?;
    let dialect = scheme.split_once('+').map_or(scheme, |(dialect, _driver)| dialect);
    if !matches!(dialect, "postgresql" | "postgres") || rest.is_empty() {
        return Err(ValueError::Postgres);
    }
    Ok(format!("postgresql://{rest}").into())
}

pub(crate) fn amqp(text: &str) -> Result<SecretString, ValueError> {
    match text.split_once("://") {
        Some(("amqp" | "amqps", rest)) if !rest.is_empty() => Ok(text.into()),
        _ => Err(ValueError::Amqp),
    }
}

/// Accepts a URL to which a path can be appended, and drops the slashes at its end.
pub(crate) fn public(text: &str) -> Result<String, ValueError> {
    let url = text.trim().trim_end_matches('/');
    match url.split_once("://") {
        Some(("http" | "https", rest)) if !rest.is_empty() && !rest.contains(['?', '#', '@', ' ']) => {
            Ok(url.to_owned())
        }
        _ => Err(ValueError::HttpUrl),
    }
}

/// Accepts origins as a browser names them, separated by commas.
pub(crate) fn origins(text: &str) -> Result<Vec<String>, ValueError> {
    text.split(',').map(origin).collect()
}

fn origin(text: &str) -> Result<String, ValueError> {
    let origin = text.trim().to_ascii_lowercase();
    let is_host = |host: &str| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']);
    match origin.split_once("://") {
        Some(("http" | "https", host)) if is_host(host) => Ok(origin),
        _ => Err(ValueError::Origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_urls() {
        let table = [
            ("postgresql://u:p@h:5432/d", Some("postgresql://u:p@h:5432/d")),
            ("postgres://h/d", Some("postgresql://h/d")),
            ("postgresql+psycopg://u:p@h/d?sslmode=require", Some("postgresql://u:p@h/d?sslmode=require")),
            ("mysql://h/d", None),
            ("postgresql://", None),
            ("h:5432", None),
        ];
        for (text, want) in table {
            let got = postgres(text).ok();
            assert_eq!(got.as_ref().map(ExposeSecret::expose_secret), want, "{text}");
        }
    }

    #[test]
    fn broker_urls() {
        for (text, want) in
            [("amqp://h", true), ("amqps://u:p@h/%2f", true), ("amqp://", false), ("http://h", false)]
        {
            assert_eq!(amqp(text).is_ok(), want, "{text}");
        }
    }

    #[test]
    fn public_urls() {
        let table = [
            ("https://mill.example.com/", Some("https://mill.example.com")),
            ("http://10.0.0.1:8080/mill", Some("http://10.0.0.1:8080/mill")),
            ("mill.example.com", None),
            ("https://", None),
            ("https://h/?key=1", None),
            ("https://user:password@h", None),
        ];
        for (text, want) in table {
            assert_eq!(public(text).ok().as_deref(), want, "{text}");
        }
    }

    #[test]
    fn origins_have_neither_a_path_nor_a_wildcard() {
        let table: [(&str, Option<&[&str]>); 6] = [
            ("https://a.example.com", Some(&["https://a.example.com"])),
            ("https://A.example.com , http://b:3000", Some(&["https://a.example.com", "http://b:3000"])),
            ("https://a.example.com/", None),
            ("*", None),
            ("https://*.example.com", None),
            ("https://a,", None),
        ];
        for (text, want) in table {
            let got = origins(text).ok();
            assert_eq!(
                got.as_deref().map(|got| got.iter().map(String::as_str).collect::<Vec<_>>()).as_deref(),
                want,
                "{text}"
            );
        }
    }

    #[test]
    fn an_address_has_no_secrets() {
        let table = [
            ("amqp://user:p@ss@broker:5671/%2f", "broker:5671"),
            ("postgresql://h/d?password=x", "h"),
            ("postgresql://[::1]:5432", "[::1]:5432"),
            ("secret", ""),
        ];
        for (url, want) in table {
            assert_eq!(address(&url.into()), want, "{url}");
        }
    }
}
