use std::{error::Error, io, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, header::ACCEPT_ENCODING};
use reqwest::{Body, Client, ClientBuilder, Method, Request, Response, Url};
use tokio::time::Instant;

use runmill_address::{AddressRules, BaseUrlError, NameRefused};
use runmill_egress::{Egress, Resolver, causes, client, words};

use crate::{
    ModelError, Target, TargetError, TimeoutPhase, base_url_hint::base_url_hint, protocol::WireRequest,
    target::endpoint,
};

/// Sends requests to one provider.
pub(crate) struct Transport {
    http: Client,
    base: Url,
}

/// Header with the id by which a provider, or a gateway in between, can identify a request in its logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

impl Transport {
    pub fn new(
        target: &Target,
        user_agent: &str,
        rules: AddressRules,
        egress: &Egress,
    ) -> Result<Self, TargetError> {
        let base = target.url()?;
        rules.check(&base).map_err(BaseUrlError::from)?;
        let proxy = target.proxy()?;
        let resolver = Resolver { rules, base: base.clone() };
        let builder = client(target.connect_timeout, user_agent, resolver);
        let http = egress.apply(builder, &base, proxy.as_ref()).and_then(ClientBuilder::build);
        let http = http.map_err(TargetError::Http)?;
        Ok(Self { http, base })
    }

    /// Returns true if both transports send to the same server.
    pub fn reaches(&self, other: &Self) -> bool {
        self.base == other.base
    }

    /// Returns what is probably wrong with the base URL, by the status of an answer.
    pub fn hint(&self, status: u16) -> Option<String> {
        base_url_hint(&self.base, status)
    }

    /// Sends a request, and returns when the head of the answer has arrived, with any status.
    pub async fn send(
        &self,
        wire: WireRequest,
        headers: &HeaderMap,
        request_id: &str,
    ) -> Result<Response, ModelError> {
        let mut request = Request::new(Method::POST, endpoint(&self.base, &wire));
        request.headers_mut().clone_from(headers);
        // Compression would delay events. A server or proxy that compresses nevertheless is understood.
        request.headers_mut().entry(ACCEPT_ENCODING).or_insert(IDENTITY);
        // An id that HTTP does not allow in a header is left out.
        if let Ok(id) = HeaderValue::try_from(request_id) {
            request.headers_mut().insert(REQUEST_ID, id);
        }
        *request.body_mut() = Some(Body::from(wire.body));
        let start = Instant::now();
        self.http.execute(request).await.map_err(|error| failure(error, &self.base, start.elapsed()))
    }
}

/// Longest time from the start of a request to the end of its connection in which the server has probably not read the
/// request: it had closed the idle connection, and that was not known here yet.
const CLOSED_EARLY: Duration = Duration::from_secs(1);

fn failure(error: reqwest::Error, base: &Url, after: Duration) -> ModelError {
    if error.is_connect() && error.is_timeout() {
        return ModelError::TimedOut(TimeoutPhase::Connect);
    }
    // The URL's query may contain a secret.
    let error = error.without_url();
    if let Some(refused) = causes(&error).find_map(|error| error.downcast_ref::<NameRefused>()) {
        return ModelError::AddressRefused { message: refused.to_string() };
    }
    let message = words(&error);
    if error.is_connect() {
        let (host, port) = (base.host_str().unwrap_or_default(), base.port_or_known_default().unwrap_or(0));
        return ModelError::Unreachable { message: format!("{host}:{port}: {message}") };
    }
    if after < CLOSED_EARLY && causes(&error).any(is_closed) {
        return ModelError::ClosedEarly { message };
    }
    ModelError::Connection { message }
}

/// Returns true if the connection ended before any byte of an answer.
fn is_closed(error: &(dyn Error + 'static)) -> bool {
    let http = error.downcast_ref::<hyper::Error>();
    let io = error.downcast_ref::<io::Error>();
    http.is_some_and(|error| error.is_incomplete_message() || error.is_canceled())
        || io.is_some_and(|error| {
            matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
        })
}

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        sync::atomic::{AtomicBool, Ordering},
    };

    use reqwest::dns::{Addrs, Name, Resolve, Resolving};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A name server that changes its mind after the first question: the name then leads to the metadata of a cloud.
    struct Rebinding {
        base: Url,
        asked: AtomicBool,
    }

    impl Resolve for Rebinding {
        fn resolve(&self, name: Name) -> Resolving {
            let address =
                if self.asked.swap(true, Ordering::SeqCst) { "169.254.169.254" } else { "127.0.0.1" };
            let found = [SocketAddr::new(address.parse().unwrap(), 0)];
            let rules = AddressRules { allow_http: true, allow_link_local: false };
            let permitted = rules.permitted(&self.base, name.as_str(), found);
            Box::pin(async { Ok(Box::new(permitted?.into_iter()) as Addrs) })
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_elsewhere_later_gains_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let base: Url = format!("http://rebinding.example:{port}/v1").parse().unwrap();
        let server = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _ = connection.read(&mut [0; 4096]).await.unwrap();
            connection.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await.unwrap();
        });
        // This fails if another test of this process has already installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let resolver = Rebinding { base: base.clone(), asked: AtomicBool::new(false) };
        let http = client(Duration::from_secs(5), "test", resolver).no_proxy().build().unwrap();
        let transport = Transport { http, base };
        let send = async || {
            let wire = WireRequest { path: "chat".into(), query: None, body: Vec::new() };
            transport.send(wire, &HeaderMap::new(), "1").await.map(|response| response.status())
        };

        assert_eq!(send().await.unwrap(), 200);
        server.await.unwrap();
        let refused = send().await.unwrap_err();

        assert!(matches!(refused, ModelError::AddressRefused { .. }) && refused.is_unsent(), "{refused}");
        let words = refused.to_string();
        for part in [
            "rebinding.example",
            "169.254.169.254",
            "link-local or metadata",
            "RUNMILL_ALLOW_LINK_LOCAL=true",
        ] {
            assert!(words.contains(part), "{words}");
        }
    }
}
