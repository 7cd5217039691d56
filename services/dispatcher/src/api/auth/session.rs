//! Sessions of browsers: a token in a cookie, which scripts cannot read and other sites cannot use.

use axum::http::{HeaderMap, HeaderValue, header, uri::Authority};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::api::PublicUrl;

/// Characters that a token keeps in its cookie.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// Cookie of the host that a request names.
pub struct SessionCookie {
    name: String,
    is_secure: bool,
}

impl SessionCookie {
    /// Browsers keep one set of cookies for all ports of a host, so that the name has the port: two servers on one machine do
    /// not sign each other out.
    pub fn of(headers: &HeaderMap, public_url: &PublicUrl) -> Self {
        let is_secure = public_url.is_https();
        let port = host(headers).and_then(|host| host.port_u16()).map(|port| format!("-{port}"));
        let prefix = if is_secure { "__Host-" } else { "" };
        Self { name: format!("{prefix}runmill{}", port.unwrap_or_default()), is_secure }
    }

    /// Returns the token that a request brings.
    pub fn token(&self, headers: &HeaderMap) -> Option<String> {
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies =
            values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = cookies.find(|(name, _)| *name == self.name)?;
        percent_decode_str(value).decode_utf8().ok().map(Into::into)
    }

    /// Returns the header that keeps a token until the browser ends.
    pub fn set(&self, token: &str) -> HeaderValue {
        self.header(&utf8_percent_encode(token, KEPT).to_string(), "")
    }

    /// Returns the header that deletes the cookie.
    pub fn clear(&self) -> HeaderValue {
        self.header("", "; Max-Age=0")
    }

    fn header(&self, value: &str, age: &str) -> HeaderValue {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", self.name);
        HeaderValue::try_from(text).expect("the value is percent-encoded")
    }
}

/// Returns true if a page of this server, or the user by hand, makes the request. A browser says so; a request that says nothing
/// comes from elsewhere.
pub fn is_of_this_site(headers: &HeaderMap, public_url: &PublicUrl) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return false };
    let is_stated = public_url.stated.as_deref().is_some_and(|stated| is_origin_of(origin, stated));
    let authority = origin.split_once("://").and_then(|(_, rest)| rest.parse::<Authority>().ok());
    is_stated || authority.is_some() && authority == host(headers)
}

/// Returns true if `url` is at `origin`.
fn is_origin_of(origin: &str, url: &str) -> bool {
    url.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(header::HOST)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(stated: Option<&str>) -> PublicUrl {
        PublicUrl { stated: stated.map(str::to_owned), is_tls: false, own_port: None }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_of_its_port_and_gives_any_token_back() {
        let cookie = |host| SessionCookie::of(&headers(&[("host", host)]), &url(None));
        let token = "a b;c=\"é,%";
        let set = cookie("h:8080").set(token);
        let set = set.to_str().unwrap();
        assert!(
            set.starts_with("runmill-8080=a%20b%3Bc") && set.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
            "{set}"
        );
        let request = headers(&[("cookie", &format!("x=1; {}", set.split_once("; ").unwrap().0))]);
        assert_eq!(cookie("h:8080").token(&request).as_deref(), Some(token));
        assert_eq!(cookie("h:8081").token(&request), None);
        assert_eq!(cookie("h").token(&request), None);
    }

    #[test]
    fn over_tls_only_a_secure_cookie_of_the_host_itself_counts() {
        let public_url = url(Some("https://mill.example.com"));
        let cookie = SessionCookie::of(&headers(&[("host", "mill.example.com")]), &public_url);
        let set = cookie.set("t");
        assert_eq!(set, "__Host-runmill=t; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(cookie.token(&headers(&[("cookie", "runmill=t")])), None);
        assert!(cookie.clear().to_str().unwrap().ends_with("Max-Age=0"));
    }

    #[test]
    fn what_a_browser_does_not_call_ours_is_of_another_site() {
        let host = ("host", "h:1");
        let table: &[(&[(&str, &str)], bool)] = &[
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://h:1")], false),
            (&[("origin", "http://h:1")], true),
            (&[("origin", "https://h:1")], true),
            (&[("origin", "http://h:2")], false),
            (&[("origin", "http://h:1.example.com")], false),
            (&[("origin", "https://mill.example.com")], true),
            (&[("origin", "https://mill.example")], false),
            (&[("origin", "null")], false),
            (&[], false),
        ];
        for (given, want) in table {
            let given: Vec<_> = given.iter().copied().chain([host]).collect();
            let is_ours = is_of_this_site(&headers(&given), &url(Some("https://mill.example.com")));
            assert_eq!(is_ours, *want, "{given:?}");
        }
    }
}
