use std::{sync::Arc, time::Duration};

use reqwest::{Client, ClientBuilder, dns::Resolve, redirect};

/// Idle time before TCP keepalive probes, so that a connection whose peer is gone is noticed and not used.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Returns the builder of a client that resolves names with `resolver`. [`Egress::apply`](crate::Egress::apply) has to
/// follow. Installs `ring` as the process's provider of cryptography for TLS, unless there is one.
pub fn client(
    connect_timeout: Duration,
    user_agent: &str,
    resolver: impl Resolve + 'static,
) -> ClientBuilder {
    // An error means that one is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(user_agent)
        .dns_resolver(Arc::new(resolver))
        .connect_timeout(connect_timeout)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEPALIVE)
        // An HTTP/2 connection carries about a hundred streams, and reqwest opens one connection for each host, which
        // would cap the lane's concurrency. With HTTP/1.1 each call in flight has a connection, which is kept for the
        // next call; the lane's gate bounds their number.
        .http1_only()
        .pool_max_idle_per_host(usize::MAX)
        // A key must not be sent to the target of a redirect.
        .redirect(redirect::Policy::none())
        .referer(false)
        // The caller makes and counts all retries.
        .retry(reqwest::retry::never())
}
