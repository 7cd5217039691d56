use std::{sync::Arc, time::Duration};

use runmill_tls::{Reload, ServerTls};
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

use super::HttpMetrics;

/// Interval at which the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Uses changed certificates for new connections, and keeps their metrics, until `stop`.
pub async fn watch(tls: Arc<ServerTls>, metrics: HttpMetrics, stop: CancellationToken) {
    metrics.observe(&tls);
    while stop.run_until_cancelled(sleep(LOOK_EVERY)).await.is_some() {
        let looked = tls.clone();
        match spawn_blocking(move || looked.reload()).await {
            Ok(Ok(Reload::Unchanged)) | Err(_) => {}
            Ok(Ok(Reload::Changed)) => {
                tracing::info!(event = "tls.reloaded", "new connections use the changed certificates");
            }
            Ok(Err(error)) => {
                tracing::error!(event = "tls.reload_failed", %error, "the former certificates are used still");
            }
        }
        metrics.observe(&tls);
    }
}
