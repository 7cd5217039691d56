use axum::http::{HeaderMap, header, uri::Authority};

use super::problem::ApiError;

/// URL under which clients reach this server.
#[derive(Clone, Debug)]
pub struct PublicUrl {
    /// URL without a slash at its end, if the settings state it.
    pub stated: Option<String>,
    /// True if the listeners speak TLS.
    pub is_tls: bool,
    /// Port of the front door, if it has a listener of its own.
    pub own_port: Option<u16>,
}

impl PublicUrl {
    /// Returns true if clients reach this server over TLS: by its listeners, or by a proxy before it.
    pub fn is_https(&self) -> bool {
        self.is_tls || self.stated.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// Returns the base URL of the front door, as a client of this request reaches it.
    pub fn front_door(&self, headers: &HeaderMap) -> Result<String, ApiError> {
        let url = match &self.stated {
            Some(url) => url.clone(),
            None => self.of_host(headers).ok_or_else(|| {
                ApiError::bad_request(
                    "the header Host names no host and port; send it, or set RUNMILL_PUBLIC_URL",
                )
            })?,
        };
        Ok(format!("{url}/v1"))
    }

    fn of_host(&self, headers: &HeaderMap) -> Option<String> {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let authority: Authority = host.parse().ok()?;
        let scheme = if self.is_tls { "https" } else { "http" };
        let address = match self.own_port {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.to_string(),
        };
        (!host.contains('@')).then(|| format!("{scheme}://{address}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front_door(stated: Option<&str>, is_tls: bool, host: Option<&str>) -> Option<String> {
        at_port(stated, is_tls, host, None)
    }

    fn at_port(
        stated: Option<&str>,
        is_tls: bool,
        host: Option<&str>,
        own_port: Option<u16>,
    ) -> Option<String> {
        let host = host.map(|host| (header::HOST, host.parse().unwrap()));
        let url = PublicUrl { stated: stated.map(str::to_owned), is_tls, own_port };
        url.front_door(&host.into_iter().collect()).ok()
    }

    #[test]
    fn a_front_door_with_a_listener_of_its_own_is_at_its_port() {
        for (host, want) in
            [("h:8080", "http://h:9090/v1"), ("h", "http://h:9090/v1"), ("[::1]:1", "http://[::1]:9090/v1")]
        {
            assert_eq!(at_port(None, false, Some(host), Some(9090)).as_deref(), Some(want), "{host}");
        }
    }

    #[test]
    fn what_is_stated_goes_before_the_host_of_the_request() {
        let table = [
            (
                Some("https://llm.example.com/mill"),
                false,
                Some("a:1"),
                Some("https://llm.example.com/mill/v1"),
            ),
            (None, false, Some("127.0.0.1:8080"), Some("http://127.0.0.1:8080/v1")),
            (None, true, Some("[::1]:8080"), Some("https://[::1]:8080/v1")),
            (None, false, Some("user@host"), None),
            (None, false, Some("host/path"), None),
            (None, false, None, None),
        ];
        for (stated, is_tls, host, want) in table {
            assert_eq!(front_door(stated, is_tls, host).as_deref(), want, "{stated:?} {host:?}");
        }
    }
}
