//! Ends the calls for which nobody waits any more, such as one that was delivered again after its client had gone.

use std::time::Duration;

use runmill_broker::SharedBroker;
use runmill_proto::message::{CallEvent, CallProgress, Control};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::announcer::Announcer;

/// Pause before the answers are listened to again.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells executors, until `stop`, of each call that they work on and whose requester no longer waits.
pub async fn watch(broker: SharedBroker, stop: CancellationToken) -> anyhow::Result<()> {
    while stop.run_until_cancelled(watch_once(&broker)).await.is_some() {
        stop.run_until_cancelled(sleep(PAUSE)).await;
    }
    Ok(())
}

/// Watches until the connection is lost.
async fn watch_once(broker: &SharedBroker) {
    let mut strays = match broker.stray_answers().await {
        Ok(strays) => strays,
        Err(error) => {
            tracing::warn!(event = "front_door.strays_unheard", %error, "calls without a client go on until this works");
            return;
        }
    };
    while let Some(stray) = strays.next().await {
        if let Ok(CallEvent { call_id, what: CallProgress::Taken | CallProgress::Delta(_), .. }) =
            stray.decode()
        {
            Announcer(broker.clone()).announce(Control::CallCanceled { call_id }).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use runmill_broker::memory::MemoryBroker;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_watch_ends_with_the_process() {
        let (broker, stop): (SharedBroker, _) = (Arc::new(MemoryBroker::new()), CancellationToken::new());
        let watching = tokio::spawn(watch(broker, stop.clone()));
        stop.cancel();
        timeout(Duration::from_secs(9), watching).await.unwrap().unwrap().unwrap();
    }
}
