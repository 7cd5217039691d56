use std::{error::Error, iter, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Client, Method, Request, Response, Url, redirect};

use runmill_address::{AddressRules, BaseUrlError};

use crate::{
    ModelError, Target, TargetError, TimeoutPhase, protocol::Wire, resolver::Resolver, target::endpoint,
};

/// Sends requests to one provider with one key.
pub(crate) struct Transport {
    http: Client,
    base: Url,
}

/// By this name a provider, or a gateway in between, tells our requests apart.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// Finds a peer that is gone without a word, so that an idle connection to it is not used.
const KEEPALIVE: Duration = Duration::from_secs(30);

impl Transport {
    pub fn new(target: &Target, user_agent: &str, rules: AddressRules) -> Result<Self, TargetError> {
        let base = target.url()?;
        rules.check(&base).map_err(BaseUrlError::from)?;
        let http = client(&base, target.connect_timeout, user_agent, rules).map_err(TargetError::Http)?;
        Ok(Self { http, base })
    }

    /// Whether it is the same server as the other's.
    pub fn reaches(&self, other: &Self) -> bool {
        self.base == other.base
    }

    /// Returns when the head of an answer, whatever its status, has come.
    pub async fn send(
        &self,
        wire: Wire,
        headers: &HeaderMap,
        request_id: &str,
    ) -> Result<Response, ModelError> {
        let mut request = Request::new(Method::POST, endpoint(&self.base, &wire));
        request.headers_mut().clone_from(headers);
        // An id that cannot be sent names nothing; the call goes on without.
        if let Ok(id) = HeaderValue::try_from(request_id) {
            request.headers_mut().insert(REQUEST_ID, id);
        }
        *request.body_mut() = Some(Body::from(wire.body));
        self.http.execute(request).await.map_err(failure)
    }
}

fn client(
    base: &Url,
    connect_timeout: Duration,
    user_agent: &str,
    rules: AddressRules,
) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .user_agent(user_agent)
        .dns_resolver(Arc::new(Resolver(rules)))
        .connect_timeout(connect_timeout)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEPALIVE)
        // One HTTP/2 connection carries about a hundred streams, and reqwest opens one for each host: a
        // hidden cap on the lane. With HTTP/1.1 there is a connection for each call in flight, kept for the
        // next; the lane's gate is what bounds them.
        .http1_only()
        .pool_max_idle_per_host(usize::MAX)
        // A key does not follow a redirect; nor does it go through a proxy that an environment happens to name.
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        // Every request is an attempt that we count.
        .retry(reqwest::retry::never());
    // Without TLS no certificates are needed, and a machine without any should not fail to start.
    let builder = if base.scheme() == "http" { builder.tls_certs_only(iter::empty()) } else { builder };
    builder.build()
}

fn failure(error: reqwest::Error) -> ModelError {
    if error.is_connect() && error.is_timeout() {
        return ModelError::TimedOut(TimeoutPhase::Connect);
    }
    // The URL may hold a secret in its query.
    let error = error.without_url();
    let chain = iter::successors(Some(&error as &dyn Error), |&error| error.source());
    let texts: Vec<_> = chain.map(ToString::to_string).collect();
    ModelError::Connection { message: texts.join(": ") }
}
