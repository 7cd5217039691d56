use std::{sync::Arc, time::Duration};

use prometheus::IntGauge;
use runmill_tls::{Reload, ServerTls};
use tokio::{task::spawn_blocking, time::sleep};
use tokio_util::sync::CancellationToken;

/// Interval at which the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Uses changed certificates for new connections, until `stop`. `stale` is 1 while changed ones cannot be used.
pub async fn watch(tls: Arc<ServerTls>, stale: IntGauge, stop: CancellationToken) {
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
        stale.set(i64::from(tls.is_stale()));
    }
}
