use std::iter;

use reqwest::{Certificate, ClientBuilder, NoProxy, Url};
use runmill_address::{Proxy, is_this_machine};
use rustls::pki_types::CertificateDer;

/// Way of all calls out of this process, and the certificates that they trust.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    /// Proxy of the calls that have none of their own.
    pub proxy: Proxy,
    /// Hosts that are reached without [`Egress::proxy`], in the form of the variable `NO_PROXY`: names, whose
    /// subdomains count too, addresses and networks, separated by commas.
    pub no_proxy: Option<String>,
    /// Roots that are trusted beside those of the system.
    pub roots: Vec<CertificateDer<'static>>,
}

impl Egress {
    /// Sets the proxy and the roots of a client that calls `base`. `own` is the provider's own proxy, which
    /// [`Egress::no_proxy`] does not concern.
    ///
    /// Calls to this machine never go through a proxy. A proxy resolves names itself, so the address rules hold for
    /// the proxy and for numeric addresses in `base`, not for what a name means to the proxy.
    pub fn apply(
        &self,
        builder: ClientBuilder,
        base: &Url,
        own: Option<&Proxy>,
    ) -> reqwest::Result<ClientBuilder> {
        // This also turns off the proxies that environment variables name.
        let builder = builder.no_proxy();
        let proxy = match own.unwrap_or(&self.proxy) {
            Proxy::Through(url) if !base.host().is_some_and(|host| is_this_machine(&host)) => Some(url),
            _ => None,
        };
        let no_proxy = self.no_proxy.as_deref().filter(|_| own.is_none());
        let is_plain = base.scheme() == "http" && proxy.is_none_or(|proxy| proxy.scheme() != "https");
        let builder = match proxy {
            Some(url) => {
                let excepted = no_proxy.and_then(NoProxy::from_string);
                builder.proxy(reqwest::Proxy::all(url.as_str())?.no_proxy(excepted))
            }
            None => builder,
        };
        if is_plain {
            // Without TLS, no root certificates are loaded, so that the client works on a machine that has none.
            return Ok(builder.tls_certs_only(iter::empty()));
        }
        let roots: Result<Vec<_>, _> = self.roots.iter().map(|root| Certificate::from_der(root)).collect();
        let roots = roots?;
        Ok(if roots.is_empty() { builder } else { builder.tls_certs_merge(roots) })
    }
}
