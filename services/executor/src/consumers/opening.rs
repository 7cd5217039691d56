use std::time::Duration;

use runmill_broker::{BrokerError, Queue, SharedBroker, Subscription};
use tokio_util::sync::CancellationToken;

/// Wait before a queue that cannot be consumed is tried again; it doubles up to the longest.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_LONGEST: Duration = Duration::from_secs(30);

/// Takes messages from the queue, and tries again while that is not possible. Returns the subscription and its prefetch, or
/// `None` after `stop` or after the broker was closed.
///
/// * `failed`: called after each failure, with the wait that follows.
pub(super) async fn open(
    broker: &SharedBroker,
    queue: Queue,
    prefetch: impl Fn() -> u16,
    stop: &CancellationToken,
    failed: impl Fn(&BrokerError, Duration),
) -> Option<(Box<dyn Subscription>, u16)> {
    let mut wait = RETRY_FIRST;
    while !stop.is_cancelled() {
        let prefetch = prefetch();
        match broker.subscribe(queue, prefetch).await {
            Ok(opened) => return Some((opened, prefetch)),
            Err(BrokerError::Closed) => return None,
            Err(error) => failed(&error, wait),
        }
        stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        wait = (wait * 2).min(RETRY_LONGEST);
    }
    None
}
