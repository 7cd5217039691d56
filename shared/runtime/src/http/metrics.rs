use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use runmill_tls::ServerTls;

use super::connection::End;

/// Metrics of a listener.
#[derive(Clone)]
pub struct HttpMetrics {
    pub open: IntGauge,
    pub cut: IntCounterVec,
    stale_certificates: IntGauge,
    /// Without a series where no TLS is served.
    certificate_expiry: IntGaugeVec,
}

impl HttpMetrics {
    /// Registers the metrics of the listener with this name, which is a label.
    pub fn register(registry: &Registry, listener: &str) -> prometheus::Result<Self> {
        let named = |name: &str, help: &str| Opts::new(name, help).const_label("listener", listener);
        let open = named("runmill_http_connections", "Open connections, by listener.");
        let cut = named(
            "runmill_http_connections_cut_total",
            "Connections that the server ended because of their clients, by listener and reason.",
        );
        let stale = named(
            "runmill_http_stale_certificates",
            "1 while changed certificate files cannot be used, so that the former ones are, by listener.",
        );
        let expiry = named(
            "runmill_http_certificate_expiry_timestamp_seconds",
            "Time at which the first certificate of the chain in use ends, by listener.",
        );
        let metrics = Self {
            open: IntGauge::with_opts(open)?,
            cut: IntCounterVec::new(cut, &["reason"])?,
            stale_certificates: IntGauge::with_opts(stale)?,
            certificate_expiry: IntGaugeVec::new(expiry, &[])?,
        };
        registry.register(Box::new(metrics.open.clone()))?;
        registry.register(Box::new(metrics.cut.clone()))?;
        registry.register(Box::new(metrics.stale_certificates.clone()))?;
        registry.register(Box::new(metrics.certificate_expiry.clone()))?;
        Ok(metrics)
    }

    /// Sets what there is to know of the certificates in use.
    pub(super) fn observe(&self, tls: &ServerTls) {
        self.stale_certificates.set(i64::from(tls.is_stale()));
        if let Some(ends_at) = tls.ends_at() {
            self.certificate_expiry.with_label_values::<&str>(&[]).set(ends_at);
        }
    }

    pub(super) fn count(&self, end: End) {
        let reason = match end {
            End::InOrder => return,
            End::MadeRoom => "room",
            End::NoHead => "head",
            End::NotTaken => "answer",
            End::NoTls => "tls",
        };
        self.cut.with_label_values(&[reason]).inc();
    }
}
