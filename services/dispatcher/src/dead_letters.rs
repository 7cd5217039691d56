use std::time::Duration;

use prometheus::IntGauge;
use runmill_broker::{Queue, SharedBroker};
use tokio::time;
use tokio_util::sync::CancellationToken;

/// Interval between two looks at the number of dead letters.
const PERIOD: Duration = Duration::from_secs(10);

/// Keeps `gauge` at the number of dead letters until `stop`, and logs when there are more than before.
pub async fn watch(broker: SharedBroker, gauge: IntGauge, stop: CancellationToken) -> anyhow::Result<()> {
    let mut looks = time::interval(PERIOD);
    while stop.run_until_cancelled(looks.tick()).await.is_some() {
        let Some(depth) = stop.run_until_cancelled(broker.depth(Queue::Dead)).await else { break };
        match depth {
            Ok(depth) => note(&gauge, depth.map_or(0, |depth| depth.ready)),
            // The part `broker` of the readiness says why.
            Err(error) => tracing::debug!(event = "dispatcher.dead_letters_unknown", %error),
        }
    }
    Ok(())
}

fn note(gauge: &IntGauge, letters: u64) {
    let letters = i64::try_from(letters).unwrap_or(i64::MAX);
    if letters > gauge.get() {
        tracing::warn!(
            event = "dispatcher.dead_letters",
            letters,
            "messages wait as dead letters: `runmill dead list` shows them"
        );
    }
    gauge.set(letters);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use runmill_broker::{Broker, Envelope, memory::MemoryBroker};
    use runmill_proto::message::Control;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_gauge_follows_the_queue() {
        let broker = Arc::new(MemoryBroker::new());
        let gauge = IntGauge::new("letters", "Dead letters.").unwrap();
        let stop = CancellationToken::new();
        let watching = tokio::spawn(watch(broker.clone(), gauge.clone(), stop.clone()));
        time::sleep(PERIOD).await;
        assert_eq!(gauge.get(), 0, "no queue is no letter");

        broker.declare(Queue::Dead).await.unwrap();
        broker.publish(Queue::Dead, Envelope::new(&Control::SettingsChanged)).await.unwrap();
        time::sleep(2 * PERIOD).await;
        assert_eq!(gauge.get(), 1);

        let mut dead = broker.subscribe(Queue::Dead, 1).await.unwrap();
        dead.next().await.unwrap().ack().await.unwrap();
        time::sleep(2 * PERIOD).await;
        assert_eq!(gauge.get(), 0);
        stop.cancel();
        watching.await.unwrap().unwrap();
    }
}
