use std::sync::Arc;

use runmill_broker::amqp::AmqpBroker;
use tokio_util::sync::CancellationToken;

/// Moves the dead letters of an earlier release to the queue of today, once. If this fails, the next start or
/// `runmill dead` does it.
pub async fn move_old(broker: Arc<AmqpBroker>, stop: CancellationToken) -> anyhow::Result<()> {
    match stop.run_until_cancelled(broker.move_old_dead_letters()).await {
        None | Some(Ok(0)) => {}
        Some(Ok(moved)) => tracing::info!(event = "dead_letters.moved", moved),
        Some(Err(error)) => tracing::warn!(event = "dead_letters.not_moved", %error),
    }
    // A task that ends before the stop ends its process.
    stop.cancelled().await;
    Ok(())
}
